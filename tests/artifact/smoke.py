"""Checks that an installed objectpipes lists and reads, with nothing but itself and Python.

Run as a program by the interpreter to be tested, wherever the test tools are not: in the test
environment of a conda package, in the root of an old distribution, under an emulator.
"""

import io
import os
import re
import sys
import threading
from collections.abc import Mapping
from contextlib import redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import urlsplit

from objectpipes import build_info
from objectpipes.cli import main

CONTENT = bytes(range(256)) * 4096

LISTING = """\
<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
<IsTruncated>false</IsTruncated>
{}
</ListBucketResult>
"""

ENTRY = "<Contents><Key>{}</Key><Size>{}</Size></Contents>"


class Bucket(BaseHTTPRequestHandler):
    """A bucket with one object, whose name needs no quoting."""

    protocol_version = "HTTP/1.1"
    objects: ClassVar[Mapping[str, bytes]] = {"data/object": CONTENT}

    def do_HEAD(self) -> None:
        self._reply(200, self._content())

    def do_GET(self) -> None:
        if urlsplit(self.path).query:
            entries = [ENTRY.format(key, len(data)) for key, data in self.objects.items()]
            self._reply(200, LISTING.format("\n".join(entries)).encode())
        elif found := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            content = self._content()
            first, last = int(found[1]), min(int(found[2] or len(content)), len(content) - 1)
            self._reply(206, content[first : last + 1], f"bytes {first}-{last}/{len(content)}")
        else:
            self._reply(200, self._content())

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def _content(self) -> bytes:
        return self.objects[self.path.removeprefix("/bucket/")]

    def _reply(self, status: int, body: bytes, content_range: str = "") -> None:
        self.send_response(status)
        self.send_header("ETag", '"only-version"')
        self.send_header("Content-Length", str(len(body)))
        if content_range:
            self.send_header("Content-Range", content_range)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def printed(*arguments: str) -> bytes:
    """Return what the command ``objectpipes`` prints."""
    with redirect_stdout(io.TextIOWrapper(io.BytesIO(), encoding="utf-8")) as stdout:
        code = main(arguments)
        stdout.flush()
        assert code == 0, f"objectpipes {' '.join(arguments)} failed"
        return stdout.buffer.getvalue()


def check() -> None:
    """List the bucket and read the object."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Bucket) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        os.environ |= {
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{server.server_port}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
        }
        assert printed("ls", "s3://bucket/data/").split() == [b"s3://bucket/data/object"]
        assert printed("cat", "s3://bucket/data/object") == CONTENT
        server.shutdown()


if __name__ == "__main__":
    check()
    print(f"Python {sys.version.split()[0]}, {build_info()}")
