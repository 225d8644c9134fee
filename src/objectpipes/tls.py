"""Finds the certificate authorities to trust, at run time, on the machine where it runs.

The TLS library inside a wheel has no useful default: it looks where the build machine kept its
certificates. So this module chooses, for all stores and transports.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ._env import env_text
from ._importing import importing
from .errors import ConfigError

__all__ = ["CaBundle", "find_ca_bundle", "tls_info"]

# The variables of one row belong together.
_VARIABLES = (
    ("AWS_CA_BUNDLE",),
    ("SSL_CERT_FILE", "SSL_CERT_DIR"),
    ("CURL_CA_BUNDLE",),
    ("REQUESTS_CA_BUNDLE",),
)

_KNOWN_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # RHEL, Amazon Linux
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora
    "/etc/ssl/cert.pem",  # macOS, OpenBSD
    "/usr/local/share/certs/ca-root-nss.crt",  # FreeBSD
)


@dataclass(frozen=True, kw_only=True)
class CaBundle:
    """The certificate authorities to trust, and how they were found.

    Attributes
    ----------
    file : str
        PEM file; empty if there is none.
    path : str
        Directory of certificates under OpenSSL's hashed names, or several joined by `os.pathsep`;
        empty if there is none.
    source : str
        Which setting, variable or program named them.
    tried : tuple of str
        What was tried before, and why it was not used.
    """

    file: str = ""
    path: str = ""
    source: str = ""
    tried: tuple[str, ...] = ()

    def __str__(self) -> str:
        chosen = " and ".join(filter(None, (self.file, self.path)))
        return "\n".join((f"CA certificates: {chosen} ({self.source})", *self.tried))


def tls_info(ca_file: str | None = None) -> CaBundle:
    """Tell which certificate authorities are trusted, and why.

    Parameters
    ----------
    ca_file : str, optional
        As in the configuration of a store.

    Returns
    -------
    CaBundle
        Print it to see the choice and what was tried before.

    Raises
    ------
    ConfigError
        As `find_ca_bundle`.
    """
    return find_ca_bundle([("ca_file", ca_file)])


def find_ca_bundle(settings: Sequence[tuple[str, str | None]] = ()) -> CaBundle:
    """Find the certificate authorities to trust.

    The first of these that exists is used: `settings`, then ``AWS_CA_BUNDLE``, ``SSL_CERT_FILE``
    together with ``SSL_CERT_DIR``, ``CURL_CA_BUNDLE``, ``REQUESTS_CA_BUNDLE``, the file that Python
    itself uses, the files that operating systems are known to keep, Python's directory, certifi.
    Each variable may name a file or a directory.

    Parameters
    ----------
    settings : sequence of (str, str or None), optional
        Names and values of the settings that come before the environment.

    Returns
    -------
    CaBundle
        The choice.

    Raises
    ------
    ConfigError
        A file named by a setting or a variable cannot be read, or there are no certificates
        anywhere.
    """
    tried: list[str] = []
    rows = [[setting] for setting in settings]
    rows += [[(name, env_text(name)) for name in names] for names in _VARIABLES]
    for row in rows:
        if given := [(name, value) for name, value in row if value]:
            return replace(_named_bundle(given), tried=tuple(tried))
        tried += [f"{name} is not set" for name, _ in row]
    for bundle in _default_bundles():
        if Path(bundle.file).is_file() if bundle.file else _has_hashed_names(bundle.path):
            return replace(bundle, tried=tuple(tried))
        tried.append(f"{bundle.file or bundle.path} does not exist ({bundle.source})")
    raise ConfigError(
        "No CA certificates were found; name a file with ca_file or SSL_CERT_FILE, or install"
        f" certifi. Tried: {'; '.join(tried)}."
    )


def _named_bundle(given: Sequence[tuple[str, str]]) -> CaBundle:
    bundle = CaBundle(source=" and ".join(name for name, _ in given))
    for name, value in given:
        if Path(value).is_file() and os.access(value, os.R_OK):
            bundle = replace(bundle, file=value)
        elif any(Path(directory).is_dir() for directory in value.split(os.pathsep)):
            bundle = replace(bundle, path=value)
        else:
            raise ConfigError(f"{name} names {value}, which does not exist or cannot be read.")
    return bundle


def _default_bundles() -> Iterator[CaBundle]:
    with importing:
        import ssl

    python = ssl.get_default_verify_paths()
    yield CaBundle(file=python.openssl_cafile, source="Python's default file")
    for file in _KNOWN_FILES:
        yield CaBundle(file=file, source="a usual place")
    # A directory comes after the files because OpenSSL searches it for each new connection.
    yield CaBundle(path=python.openssl_capath, source="Python's default directory")
    with suppress(ImportError):
        with importing:
            import certifi

        yield CaBundle(file=certifi.where(), source="certifi")


def _has_hashed_names(directory: str) -> bool:
    with suppress(OSError):
        names = (entry.name for entry in Path(directory).iterdir())
        return any(re.fullmatch(r"[0-9a-f]{8}\.\d+", name) for name in names)
    return False
