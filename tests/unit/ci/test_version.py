"""Nightly versions, and their order in conda."""

import datetime
import itertools
import shutil
from pathlib import Path

import pytest
import rattler
from packaging.version import InvalidVersion, Version

from ci.paths import ROOT
from ci.release.version import (
    conda_version,
    main,
    nightly_version,
    project_version,
    recipe_version,
    write_version,
)

IN_ORDER = [
    "0.9.0",
    "1.0.0.dev20261121",
    "1.0.0.dev20261122",
    "1.0.0a1.dev1",
    "1.0.0a1",
    "1.0.0b2",
    "1.0.0rc1.dev20261123",
    "1.0.0rc1",
    "1.0.0",
    "1.0.0.post1",
    "1.0.1.dev20270101",
    "1.0.1",
    "1.10.0",
]


def test_nightly_is_a_development_release_of_the_next_one() -> None:
    day = datetime.date(2026, 11, 2)
    assert nightly_version("0.3.0", day) == "0.3.0.dev20261102"
    assert Version("0.2.9") < Version(nightly_version("0.3.0", day)) < Version("0.3.0rc1")


def test_nightly_of_a_pre_release_sorts_before_it() -> None:
    assert nightly_version("0.3.0rc1", datetime.date(2026, 1, 1)) == "0.3.0.dev20260101"


def test_nightly_refuses_what_is_no_version() -> None:
    with pytest.raises(InvalidVersion):
        nightly_version("soon", datetime.date(2026, 1, 1))


def test_the_list_is_in_the_order_of_pep_440() -> None:
    assert sorted(IN_ORDER, key=Version) == IN_ORDER


def test_conda_sorts_as_pep_440_does() -> None:
    in_conda = [rattler.Version(conda_version(version)) for version in IN_ORDER]
    assert all(earlier < later for earlier, later in itertools.pairwise(in_conda))


def test_conda_leaves_releases_alone() -> None:
    assert conda_version("1.2.3") == "1.2.3"
    assert conda_version("0.3.0.dev20261122") == "0.3.0dev20261122"


def test_conda_refuses_a_local_part() -> None:
    with pytest.raises(ValueError, match="local part"):
        conda_version("1.0+g1234")


def checkout(folder: Path, version: str) -> Path:
    """Make a checkout that has little but a version."""
    (folder / "recipes" / "objectpipes").mkdir(parents=True)
    for name in ["pyproject.toml", "recipes/objectpipes/recipe.yaml"]:
        shutil.copy(ROOT / name, folder / name)
    write_version(version, folder)
    return folder


def test_a_nightly_has_the_same_version_on_pypi_and_conda(tmp_path: Path) -> None:
    nightly = nightly_version("0.3.0", datetime.date(2026, 11, 22))
    root = checkout(tmp_path, nightly)
    assert project_version(root) == "0.3.0.dev20261122"
    assert recipe_version(root) == "0.3.0dev20261122"
    assert Version(recipe_version(root)) == Version(project_version(root))


def test_nothing_but_the_version_is_written(tmp_path: Path) -> None:
    root = checkout(tmp_path, project_version())
    for name in ["pyproject.toml", "recipes/objectpipes/recipe.yaml"]:
        assert (root / name).read_text() == (ROOT / name).read_text()


def test_a_version_with_a_local_part_is_not_written(tmp_path: Path) -> None:
    root = checkout(tmp_path, "1.0")
    with pytest.raises(ValueError, match="local part"):
        write_version("1.1+g1234", root)
    assert project_version(root) == recipe_version(root) == "1.0"


def test_the_nightly_is_told_and_not_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    before = project_version()
    assert main(["--nightly"]) == 0
    printed = capsys.readouterr().out.strip()
    assert printed.startswith(f"{before}.dev2")
    assert (tmp_path / "output").read_text() == f"version={printed}\n"
    assert project_version() == before
