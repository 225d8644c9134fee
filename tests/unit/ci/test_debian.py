"""Source packages of Debian: what is fetched, and what is refused."""

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from ci.local import debian
from ci.local.debian import DebianError, SourcePackage, fetch_source

PACKAGE = SourcePackage("trixie", "hello", "1.0-1", "0" * 64)


def test_a_source_package_with_another_checksum_is_refused(tmp_path: Path) -> None:
    dsc = tmp_path / "hello_1.0-1.dsc"
    dsc.write_text("Format: 3.0 (quilt)\n")
    with pytest.raises(DebianError, match=r"\.dsc has SHA-256"):
        fetch_source(PACKAGE, tmp_path)
    expected = hashlib.sha256(dsc.read_bytes()).hexdigest()
    assert fetch_source(replace(PACKAGE, dsc_sha256=expected), tmp_path) == dsc


def test_a_version_that_is_not_served_any_more_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*command: object, **options: object) -> None:
        raise subprocess.CalledProcessError(100, "apt-get")

    monkeypatch.setattr(debian, "_private_apt", lambda folder, suite: [])
    monkeypatch.setattr(debian, "run", fail)
    with pytest.raises(DebianError, match=r"cannot fetch hello=1.0-1.* has another version"):
        fetch_source(PACKAGE, tmp_path)


def test_an_interrupted_download_leaves_no_description(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsc = "hello_1.0-1.dsc"
    moved: list[str] = []

    def download(*command: str, cwd: Path | None = None) -> None:
        if cwd:
            for name in ("a.tar", dsc, "z.tar"):
                (cwd / name).write_text("")

    monkeypatch.setattr(debian, "_private_apt", lambda folder, suite: [])
    monkeypatch.setattr(debian, "run", download)
    monkeypatch.setattr("shutil.move", lambda source, to: moved.append(to.name))
    debian._download(PACKAGE, tmp_path / dsc)
    assert moved[-1] == dsc
    assert sorted(moved) == sorted(["a.tar", "z.tar", dsc])


def test_a_missing_program_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None if name == "cc" else name)
    with pytest.raises(DebianError, match=r"^cc is missing: .* install gcc libc6-dev"):
        debian.check_programs("make", "cc")


def test_the_archive_is_the_one_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEBIAN_ARCHIVE", raising=False)
    monkeypatch.setattr("shutil.which", lambda name: name)
    targets = "Other Other http://a.example/\nDebian Debian http://mirror.example/debian/\n"
    monkeypatch.setattr(debian, "output", lambda *command: targets)
    assert debian.archive() == "http://mirror.example/debian/"
    monkeypatch.setattr(debian, "output", lambda *command: "")
    with pytest.raises(DebianError, match="apt-get update"):
        debian.archive()
    monkeypatch.setenv("DEBIAN_ARCHIVE", "http://b.example/")
    assert debian.archive() == "http://b.example/"


def test_sources_of_another_archive_need_no_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBIAN_ARCHIVE", "http://b.example/")
    debian._private_apt(tmp_path, "trixie")
    sources = (tmp_path / "sources.list").read_text()
    assert sources == "deb-src [trusted=yes] http://b.example/ trixie main\n"


@pytest.mark.parametrize(("patched", "options"), [(True, []), (False, ["--skip-patches"])])
def test_patches_can_be_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patched: bool, options: list[str]
) -> None:
    ran: list[object] = []
    monkeypatch.setattr(debian, "check_programs", lambda *names: None)
    monkeypatch.setattr(debian, "fetch_source", lambda package, downloads: Path("hello.dsc"))
    monkeypatch.setattr(debian, "run", lambda *command: ran.extend(command))
    debian.extract_source(PACKAGE, tmp_path, patched=patched)
    assert ran == [
        *("dpkg-source", "--no-check", *options, "--extract", Path("hello.dsc"), tmp_path)
    ]
