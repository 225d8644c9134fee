"""nginx as a benchmark needs it: objects, the same ones late or from far away, a long listing."""

from __future__ import annotations

import getpass
import os
import re
import subprocess
from pathlib import Path

from servers import Nginx, Process, ServerUnavailable
from servers.ports import free_ports
from servers.tls import issue_certificate

LATENCY = 0.020
"""Seconds until the reply from the bucket `DELAYED` begins."""
DELAYED = "delayed"
"""The bucket that has the objects of `OBJECTS`, after `LATENCY`."""
OBJECTS = "objects"
"""The bucket to put objects into."""
WIDE = "wide"
"""The bucket that has the objects of `OBJECTS` as a distant store gives them."""
WIDE_LATENCY = 0.030
"""Seconds until its replies begin."""
WIDE_RATE = 80_000_000
"""Bytes a second that it gives a connection."""
LISTED = "listed"
"""The bucket that can be listed, and nothing else."""
PAGE = 1000
"""Names on a page of a listing."""

_ECHO_MODULE = "ngx_http_echo_module.so"

_CONFIGURATION = """\
load_module {modules}/{echo};
daemon off;
{user}
worker_processes 1;
pid nginx.pid;
error_log stderr;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  open_file_cache max=4096 inactive=1h;
  open_file_cache_valid 1h;
  client_body_temp_path temporary;
  proxy_temp_path temporary;
  fastcgi_temp_path temporary;
  uwsgi_temp_path temporary;
  scgi_temp_path temporary;
  default_type application/octet-stream;
  # A page is found by the last name of the page before, with which both versions of listing go on.
  map $args $after {{
    "~(?:^|&)(?:continuation-token|marker)=(?:[^&]*\\D)?(?<last>\\d{{6}})(?:&|$)" $last;
  }}
  server {{
    listen 127.0.0.1:{port}{ssl};
    {certificate}
    root {root};
    location ~ ^/{listed}/?$ {{
      default_type application/xml;
      root {pages};
      try_files /after-$after.xml =404;
    }}
    location ~ ^/{delayed}/(.*)$ {{
      echo_sleep {latency};
      echo_exec /{objects}/$1;
    }}
    location ~ ^/{wide}/(.*)$ {{
      set $limit_rate {wide_rate};
      echo_sleep {wide_latency};
      echo_exec /{objects}/$1;
    }}
    # Over loopback, the end of a range of 64 KiB would wait for an acknowledgement, 40 ms later.
    location ~ [.]tar$ {{ tcp_nopush off; }}
    location = /-/requests {{ stub_status; }}
  }}
}}
"""

_TLS = """\
ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.3;
    ssl_session_cache shared:sessions:8m;
"""

_PAGE_XML = """\
<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>{bucket}</Name>\
<KeyCount>{count}</KeyCount><MaxKeys>{page}</MaxKeys>\
<IsTruncated>{truncated}</IsTruncated>{entries}{token}</ListBucketResult>
"""

_ENTRY_XML = """\
<Contents><Key>{key}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified>\
<ETag>&quot;0123456789abcdef0123456789abcdef&quot;</ETag><Size>{size}</Size>\
<StorageClass>STANDARD</StorageClass></Contents>"""


class StaticServer(Nginx):
    """An nginx with one worker, from memory; any signature will do.

    Besides the buckets one creates, it has `DELAYED`, `WIDE` and, after `create_listing`, `LISTED`.

    Parameters
    ----------
    tls : bool, optional
        Whether it speaks TLS 1.3, with a certificate (ECDSA P-256) of a private authority.
    """

    def __init__(self, *, tls: bool = False) -> None:
        super().__init__()
        self._tls = tls
        self._status_requests = 0

    def create_listing(self, keys: list[str], size: int) -> None:
        """Let `LISTED` list these keys, whatever the prefix.

        Parameters
        ----------
        keys
            In order; they end in six digits, and there are some full pages of them.
        size
            Bytes of each object.
        """
        self._pages.mkdir()
        after = ""
        for begin in range(0, len(keys), PAGE):
            page = keys[begin : begin + PAGE]
            last = begin + PAGE == len(keys)
            self._page(after).write_text(_page_xml(page, size, after="" if last else page[-1]))
            after = page[-1][-6:]
        # Clients of the first version ask whether anything comes after the last name.
        self._page(after).write_text(_page_xml([], size, after=""))

    def requests(self) -> int:
        """Return how many requests there have been, not counting those of this method."""
        self._status_requests += 1
        status = self._http.request("GET", f"{self.endpoint}/-/requests").data.decode()
        (requests,) = re.findall(r"^ \d+ \d+ (\d+) $", status, re.MULTILINE)
        return int(requests) - self._status_requests

    def _certificate(self) -> str:
        issued = issue_certificate(self.directory / "tls")
        self.ca_file = issued.ca_file
        return _TLS.format(certificate=issued.certificate, key=issued.key)

    @property
    def _pages(self) -> Path:
        return self.directory / "pages"

    def _page(self, after: str) -> Path:
        return self._pages / f"after-{after}.xml"

    def _start(self, program: Path) -> None:
        (port,) = free_ports(1)
        self.endpoint = f"{'https' if self._tls else 'http'}://127.0.0.1:{port}"
        self.root = self.directory / "files"
        self.root.mkdir()
        configuration = self.directory / "nginx.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                modules=_modules(program),
                echo=_ECHO_MODULE,
                # A worker of root would become "nobody", who may not enter the directory.
                user=f"user {getpass.getuser()};" if os.geteuid() == 0 else "",
                port=port,
                root=self.root,
                pages=self._pages,
                objects=OBJECTS,
                delayed=DELAYED,
                listed=LISTED,
                latency=LATENCY,
                wide=WIDE,
                wide_latency=WIDE_LATENCY,
                wide_rate=WIDE_RATE,
                ssl=" ssl" if self._tls else "",
                certificate=self._certificate() if self._tls else "",
            )
        )
        arguments = ["-p", str(self.directory), "-c", str(configuration), "-e", "stderr"]
        self._launch(Process(self.name, program, arguments, self.directory))


def _modules(program: Path) -> Path:
    """Return the folder of nginx's modules, of which the one that can wait is needed."""
    version = subprocess.run([program, "-V"], stderr=subprocess.PIPE, text=True, check=True).stderr
    found = re.search(r"--modules-path=(\S+)", version)
    if not found or not Path(found[1], _ECHO_MODULE).exists():
        raise ServerUnavailable("nginx", "install its echo module with apt install nginx-light")
    return Path(found[1])


def _page_xml(keys: list[str], size: int, after: str) -> str:
    token = f"<NextContinuationToken>{after}</NextContinuationToken>" if after else ""
    return _PAGE_XML.format(
        bucket=LISTED,
        count=len(keys),
        page=PAGE,
        truncated="true" if after else "false",
        entries="".join(_ENTRY_XML.format(key=key, size=size) for key in keys),
        token=token,
    )
