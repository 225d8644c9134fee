"""Moto: an imitation of S3 in Python."""

from pathlib import Path

from .ports import free_ports
from .process import Process
from .programs import SystemProgram
from .s3 import S3Server


class Moto(S3Server):
    """A moto server; it takes any signature."""

    name = "moto"
    program = SystemProgram("moto_server", "pip install 'moto[server]'")
    start_timeout = 120.0  # it imports for seconds, on a machine with other work for a minute

    def _start(self, program: Path) -> None:
        (port,) = free_ports(1)
        self.endpoint = f"http://127.0.0.1:{port}"
        arguments = ["--host=127.0.0.1", f"--port={port}"]
        self._launch(Process(self.name, program, arguments, self.directory))

    def _ready(self) -> bool:
        return self._status(f"{self.endpoint}/moto-api/data.json") == 200
