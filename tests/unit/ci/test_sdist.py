"""The source distribution holds what a build needs, and nothing else."""

import shutil
import tarfile
from pathlib import Path

import pytest

from ci.artifacts import sdist
from ci.artifacts.sdist import build_sdist, expected_files, problems_of
from ci.command import output
from ci.paths import ROOT


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the checkout as a clone, with things in it that no one asked for."""
    root = tmp_path / "clone"
    for name in output("git", "ls-files", cwd=ROOT).splitlines():
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
    output("git", "init", "--quiet", cwd=root)
    output("git", "add", "--all", cwd=root)
    for stray in [".venv/lib/some.dist-info/LICENSE", "notes.md", "src/objectpipes/_ext.so"]:
        (root / stray).parent.mkdir(parents=True, exist_ok=True)
        (root / stray).write_text("stray")
    monkeypatch.setattr(sdist, "ROOT", root)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    return root


def archive(folder: Path, names: set[str]) -> Path:
    """Make a source distribution of empty files."""
    path = folder / "objectpipes-0.1.0.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(f"objectpipes-0.1.0/{name}"))
    return path


def test_it_holds_sources_and_licence_whatever_else_lies_around(
    clone: Path, tmp_path: Path
) -> None:
    assert build_sdist(tmp_path / "dist").name.endswith(".tar.gz")


def test_tests_are_no_sources() -> None:
    expected = expected_files()
    assert {"LICENSE", "README.md", "csrc/python/module.cc"} <= expected
    assert not any("_test." in name or "testdata" in name for name in expected)


def test_what_is_too_much_or_missing_is_named(tmp_path: Path) -> None:
    found = archive(tmp_path, {"LICENSE", "notes.md"})
    assert list(problems_of(found, {"LICENSE", "csrc/a.cc"})) == [
        "notes.md does not belong into it",
        "csrc/a.cc is missing",
    ]
