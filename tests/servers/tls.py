"""Certificates from a private CA, as in-house object stores have them."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """PEM files of a certificate for loopback.

    Attributes
    ----------
    ca_file : Path
        The CA that clients have to trust.
    certificate, key : Path
        For the server.
    """

    ca_file: Path
    certificate: Path
    key: Path


def issue_certificate(directory: Path) -> Certificate:
    """Make a CA and a certificate for 127.0.0.1 and localhost; the directory is made."""
    import trustme  # here, because who only installs programs may not have it

    directory.mkdir()
    issued = Certificate(directory / "ca.pem", directory / "public.crt", directory / "private.key")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(issued.ca_file)
    leaf = authority.issue_cert("127.0.0.1", "localhost")
    leaf.cert_chain_pems[0].write_to_path(issued.certificate)
    leaf.private_key_pem.write_to_path(issued.key)
    return issued
