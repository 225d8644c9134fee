"""MinIO: the S3 server most people run."""

from pathlib import Path

from .ports import free_ports
from .process import Process
from .programs import GoProgram
from .s3 import S3Server
from .tls import issue_certificate


class Minio(S3Server):
    """A MinIO with one drive.

    Parameters
    ----------
    tls : bool
        Speak HTTPS, with a certificate from a private CA.
    """

    name = "minio"
    program = GoProgram("minio")

    def __init__(self, *, tls: bool = False) -> None:
        super().__init__()
        self._tls = tls

    def _start(self, program: Path) -> None:
        port, console_port = free_ports(2)
        scheme = "http"
        certificates = self.directory / "certs"
        if self._tls:
            scheme = "https"  # which the presence of public.crt and private.key switches on
            self.ca_file = issue_certificate(certificates).ca_file
        self.endpoint = f"{scheme}://127.0.0.1:{port}"
        arguments = [
            "server",
            "--quiet",
            f"--address=127.0.0.1:{port}",
            f"--console-address=127.0.0.1:{console_port}",
            f"--certs-dir={certificates}",
            f"{self.directory}/data",
        ]
        environment = {
            "MINIO_ROOT_USER": self.access_key,
            "MINIO_ROOT_PASSWORD": self.secret_key,
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",  # otherwise it reports to its makers
        }
        self._launch(Process(self.name, program, arguments, self.directory, environment))

    def _ready(self) -> bool:
        return self._status(f"{self.endpoint}/minio/health/cluster") == 200
