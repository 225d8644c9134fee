"""``objectpipes doctor --install`` tells what is installed, and why an engine does not load."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import objectpipes
from objectpipes.cli.doctor import install
from objectpipes.cli.doctor.chain import NotNeeded


def doctor_install(**environment: str) -> tuple[int, dict[str, str], str]:
    """Return the exit code, what was printed of each link, and the remedy."""
    output = subprocess.run(
        [sys.executable, "-m", "objectpipes", "doctor", "--install"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert output.stderr == ""
    chain, _, remedy = output.stdout.partition("\n\n")
    links: dict[str, str] = {}
    name = ""
    for line in chain.splitlines():
        name = line[:10].strip() or name
        links[name] = links.get(name, "") + line[12:] + "\n"
    return output.returncode, links, " ".join(remedy.split())


@pytest.fixture
def copied_package(tmp_path: Path) -> Path:
    """Return the package's folder in a place of its own, without an engine."""
    package = tmp_path / "site" / "objectpipes"
    shutil.copytree(
        Path(objectpipes.__file__).parent,
        package,
        ignore=shutil.ignore_patterns("_ext*.so", "_ext*.pyd", "__pycache__"),
    )
    return package


def test_a_working_installation() -> None:
    code, links, remedy = doctor_install()
    assert code == 0
    assert remedy == ""
    assert sys.executable in links["Python"]
    assert "torch 2" in links["torch"]
    assert ".pem" in links["CA file"] or ".crt" in links["CA file"]
    assert "_ext." in links["extension"]
    assert "transports http" in links["built with"]
    assert "list_files_by_s3, load_files_by_s3" in links["pipes"]
    if sys.platform == "linux":
        assert "libstdc++" in links["loads"] or "nothing" in links["loads"]


def test_a_system_that_does_not_tell_what_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "_MAPS", Path("/no/such/file"))
    links = dict(install.InstallDoctor().links())
    assert "_ext." in links["extension"]()
    with pytest.raises(NotNeeded, match="only Linux"):
        links["loads"]()
    assert "OpenSSL" in links["copies"]()


@pytest.mark.parametrize(
    ("version", "told"), [("1.11.332", "aws_sdk_cpp 1.11.332, pybind11"), ("", "pybind11")]
)
def test_every_library_that_was_built_in_is_named(
    monkeypatch: pytest.MonkeyPatch, version: str, told: str
) -> None:
    info = objectpipes.build_info() | {"pugixml": "1.13", "aws_sdk_cpp": version}
    monkeypatch.setattr("objectpipes._engine.build_info", lambda: info)
    links = dict(install.InstallDoctor().links())
    assert f"pugixml 1.13, {told} {info['pybind11']}" in links["built with"]()


def test_a_named_ca_file_that_is_missing() -> None:
    code, links, _ = doctor_install(SSL_CERT_FILE="/no/such/file.pem")
    assert code == 1
    assert "SSL_CERT_FILE names /no/such/file.pem" in links["CA file"]
    assert links["extension"].split() == ["skipped"]


def test_a_package_without_an_engine(copied_package: Path) -> None:
    code, links, remedy = doctor_install(PYTHONPATH=str(copied_package.parent))
    assert code == 1
    assert str(copied_package) in links["package"]
    assert links["extension"].startswith("failed")
    assert "There is no engine in the package" in remedy


def test_an_engine_for_another_python(copied_package: Path) -> None:
    (copied_package / "_ext.cpython-39-x86_64-linux-gnu.so").touch()
    code, _, remedy = doctor_install(PYTHONPATH=str(copied_package.parent))
    assert code == 1
    assert "built for another Python (_ext.cpython-39-x86_64-linux-gnu.so)" in remedy


def test_an_engine_that_cannot_be_loaded(copied_package: Path) -> None:
    (copied_package / f"_ext{EXTENSION_SUFFIXES[0]}").write_text("not a library")
    code, links, remedy = doctor_install(PYTHONPATH=str(copied_package.parent))
    assert code == 1
    assert f"_ext{EXTENSION_SUFFIXES[0]}" in links["extension"]
    assert "--force-reinstall" in remedy
