"""nginx: files from memory, as fast as a server can be."""

import getpass
import os
from pathlib import Path

from .ports import free_ports
from .process import Process
from .programs import SystemProgram
from .s3 import S3Server

_CONFIGURATION = """\
daemon off;
{user}
worker_processes 1;
pid nginx.pid;
error_log stderr;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  client_body_temp_path temporary;
  proxy_temp_path temporary;
  fastcgi_temp_path temporary;
  uwsgi_temp_path temporary;
  scgi_temp_path temporary;
  server {{
    listen 127.0.0.1:{port};
    root {root};
    merge_slashes off;
    default_type application/octet-stream;
  }}
}}
"""


class Nginx(S3Server):
    """An nginx with one worker that serves folders as buckets, for benchmarks.

    It answers GET and HEAD of an object's path, checks no signatures, and does not list.

    Attributes
    ----------
    root : Path
        The folder whose folders are the buckets.
    """

    name = "nginx"
    program = SystemProgram("nginx", "apt install nginx-light")

    root: Path

    def create_bucket(self, bucket: str) -> None:
        (self.root / bucket).mkdir()

    def put(self, bucket: str, key: str, data: bytes) -> None:
        path = self.root / bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def _start(self, program: Path) -> None:
        (port,) = free_ports(1)
        self.endpoint = f"http://127.0.0.1:{port}"
        self.root = self.directory / "files"
        self.root.mkdir()
        # A worker of root would become "nobody", who may not enter the directory.
        user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
        configuration = self.directory / "nginx.conf"
        configuration.write_text(_CONFIGURATION.format(user=user, port=port, root=self.root))
        arguments = ["-p", str(self.directory), "-c", str(configuration), "-e", "stderr"]
        self._launch(Process(self.name, program, arguments, self.directory))

    def _ready(self) -> bool:
        return self._status(self.endpoint) is not None
