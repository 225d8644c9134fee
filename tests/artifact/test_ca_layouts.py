"""TLS works wherever a distribution keeps its certificates, with nothing set."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from artifact.cells import SIZES, Store, content

# Where the file with all certificates is, below /etc, and what leads to it. Python itself looks in
# /etc/ssl/certs by the hashes of names; there are none, so that the file is what is found.
_EXTRACTED = "pki/ca-trust/extracted/pem/tls-ca-bundle.pem"
_LAYOUTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "debian": ("ssl/certs/ca-certificates.crt", {}),
    "fedora": (
        _EXTRACTED,
        {
            "pki/tls/certs/ca-bundle.crt": _EXTRACTED,
            "pki/tls/certs/ca-certificates.crt": _EXTRACTED,
            "ssl/certs": "pki/tls/certs",
        },
    ),
    "rhel8": (
        _EXTRACTED,
        {"pki/tls/certs/ca-bundle.crt": _EXTRACTED, "ssl/certs": "pki/tls/certs"},
    ),
    "opensuse": ("ssl/ca-bundle.pem", {}),
    "alpine": ("ssl/certs/ca-certificates.crt", {"ssl/cert.pem": "ssl/certs/ca-certificates.crt"}),
}

# What programs need of /etc besides certificates.
_KEPT = ("group", "hosts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "nsswitch.conf", "passwd")

_ENTER = 'mount --bind "$0" /etc && exec "$@"'
_WITH_FILE = 'mount --bind "$CA_FILE" "$0" && exec "$@"'


def file_of_environment() -> Path | None:
    """Return the certificates that the environment brings, as those of conda do, or None."""
    file = Path(ssl.get_default_verify_paths().openssl_cafile)
    return file if file.is_relative_to(sys.prefix) and file.exists() else None


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """Return a folder to be used as /etc, that holds no certificate."""
    folder = tmp_path / "etc"
    folder.mkdir()
    for name in _KEPT:
        source = Path("/etc", name)
        if source.is_dir():
            shutil.copytree(source, folder / name)
        elif source.exists():
            shutil.copy(source, folder / name)
    return folder


@pytest.fixture
def cat(etc: Path, tls_store: Store) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Return a function that reads an object where `etc` is /etc, with few variables set."""
    namespace = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    enter = [*namespace, "sh", "-c", _ENTER, str(etc)]
    try:
        subprocess.run([*enter, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("there are no mount namespaces for this user")
    needed = {k: v for k, v in tls_store.environment.items() if k != "AWS_CA_BUNDLE"}

    def run(prefix: Sequence[str] = (), **variables: str) -> subprocess.CompletedProcess[bytes]:
        settings = [f"{name}={value}" for name, value in {**needed, **variables}.items()]
        command = [sys.executable, "-m", "objectpipes", "cat"]
        options = [f"--transport={tls_store.transport}", tls_store.url("sizes/3")]
        return subprocess.run(
            [*enter, "env", "--ignore-environment", *settings, *prefix, *command, *options],
            capture_output=True,
        )

    return run


needs_those_of_system = pytest.mark.skipif(
    file_of_environment() is not None, reason="the environment has certificates of its own"
)


@needs_those_of_system
@pytest.mark.parametrize("layout", _LAYOUTS)
def test_certificates_are_found(
    etc: Path,
    tls_store: Store,
    cat: Callable[..., subprocess.CompletedProcess[bytes]],
    layout: str,
) -> None:
    file, links = _LAYOUTS[layout]
    (etc / file).parent.mkdir(parents=True)
    shutil.copy(tls_store.ca_file, etc / file)
    for link, target in links.items():
        (etc / link).parent.mkdir(parents=True, exist_ok=True)
        (etc / link).symlink_to(f"/etc/{target}")
    done = cat()
    assert done.stderr == b""
    assert done.stdout == content(SIZES[3])


def test_those_of_the_environment_come_before_those_of_the_system(
    tls_store: Store, cat: Callable[..., subprocess.CompletedProcess[bytes]]
) -> None:
    file = file_of_environment()
    if file is None:
        pytest.skip("the environment has no certificates of its own")
    assert cat().returncode != 0  # a private CA is not among them
    mount = ["sh", "-c", _WITH_FILE, str(file)]
    done = cat(mount, CA_FILE=tls_store.ca_file)
    assert done.stderr == b""
    assert done.stdout == content(SIZES[3])


@needs_those_of_system
def test_without_certificates_the_way_out_is_named(
    tls_store: Store, cat: Callable[..., subprocess.CompletedProcess[bytes]]
) -> None:
    done = cat()
    assert done.returncode != 0
    assert b"ca_file" in done.stderr
    assert cat(SSL_CERT_FILE=tls_store.ca_file).stdout == content(SIZES[3])
