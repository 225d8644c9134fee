"""The certificate authorities are found where the machine keeps them, and never guessed."""

from __future__ import annotations

import ssl
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from objectpipes import tls
from objectpipes.errors import ConfigError
from objectpipes.tls import find_ca_bundle, tls_info


class PythonPaths(NamedTuple):
    """What ssl.get_default_verify_paths() says on an imitated system."""

    openssl_cafile: str
    openssl_capath: str


class System:
    """An imitated system, on which nothing exists that a test does not put there."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.known = [str(root / "debian.crt"), str(root / "rhel.crt")]
        self.python_file = root / "python" / "cert.pem"
        self.python_dir = root / "python" / "certs"
        paths = PythonPaths(str(self.python_file), str(self.python_dir))
        patch.setattr(ssl, "get_default_verify_paths", lambda: paths)
        patch.setattr(tls, "_KNOWN_FILES", self.known)

    def file(self, path: str | Path) -> str:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("PEM")
        return str(file)


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    return System(tmp_path, monkeypatch)


def test_order_of_settings_and_variables(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them goes before those set earlier in this test."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "AWS_CA_BUNDLE"):
        file = system.file(name)
        monkeypatch.setenv(name, file)
        assert find_ca_bundle().file == file
        assert find_ca_bundle().source == name
    file = system.file("argument")
    assert find_ca_bundle([("ca_file", file), ("other", "missing")]).file == file


def test_order_of_defaults(system: System) -> None:
    certifi = pytest.importorskip("certifi")
    assert find_ca_bundle().file == certifi.where()
    system.file(system.python_dir / "0a1b2c3d.0")
    assert find_ca_bundle().path == str(system.python_dir)
    for file in (*reversed(system.known), str(system.python_file)):
        assert find_ca_bundle().file != file
        system.file(file)
        assert find_ca_bundle().file == file


@pytest.mark.parametrize(
    "name",
    ["AWS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"],
)
def test_named_but_missing_is_an_error_that_names_it(
    name: str, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.file(system.python_file)
    monkeypatch.setenv(name, "/nowhere/ca.pem")
    with pytest.raises(ConfigError, match=f"{name} names /nowhere/ca.pem"):
        find_ca_bundle()


def test_missing_argument_is_an_error(system: System) -> None:
    with pytest.raises(ConfigError, match="ca_file names /nowhere"):
        tls_info("/nowhere")


def test_variable_set_to_nothing_counts_as_not_set(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.file(system.python_file)
    monkeypatch.setenv("SSL_CERT_FILE", "")
    assert find_ca_bundle().source == "Python's default file"


def test_ssl_cert_file_and_dir_go_together(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    file = system.file("ca.pem")
    directories = f"/nowhere:{system.root}"
    monkeypatch.setenv("SSL_CERT_FILE", file)
    monkeypatch.setenv("SSL_CERT_DIR", directories)
    bundle = find_ca_bundle()
    assert (bundle.file, bundle.path) == (file, directories)
    assert bundle.source == "SSL_CERT_FILE and SSL_CERT_DIR"


def test_bundle_variable_may_name_a_directory(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(system.root))
    assert find_ca_bundle().path == str(system.root)


def test_empty_default_directory_is_passed_over(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian without ca-certificates has the directory, and nothing in it."""
    system.python_dir.mkdir(parents=True)
    monkeypatch.setitem(sys.modules, "certifi", None)
    with pytest.raises(ConfigError):
        find_ca_bundle()


def test_nothing_anywhere_lists_everything_tried(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "certifi", None)
    with pytest.raises(ConfigError) as caught:
        find_ca_bundle([("ca_file", None)])
    for place in ("ca_file", "AWS_CA_BUNDLE", "SSL_CERT_DIR", *system.known, system.python_dir):
        assert str(place) in str(caught.value)


def test_info_tells_choice_and_reason(system: System) -> None:
    system.file(system.known[1])
    lines = str(tls_info()).splitlines()
    assert lines[0] == f"CA certificates: {system.known[1]} (a usual place)"
    assert "AWS_CA_BUNDLE is not set" in lines
    assert f"{system.known[0]} does not exist (a usual place)" in lines


def test_choice_on_this_machine_is_loadable() -> None:
    bundle = tls_info()
    context = ssl.create_default_context(cafile=bundle.file or None, capath=bundle.path or None)
    assert bundle.path or context.cert_store_stats()["x509_ca"] > 0
