"""A release is complete, and an upload that broke off can be resumed."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

from ci.artifacts.files import describe
from ci.release import publish
from ci.release.version import project_version
from ci.table.platforms import read_table


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is run in place of the real programs: each command in a line."""
    commands: list[str] = []

    def run(*command: str | Path) -> None:
        commands.append(" ".join(Path(word).name for word in command))

    def upload(files: list[str], *arguments: str, **options: bool) -> None:
        commands.append(f"conda {[Path(file).name for file in files]} {options}")

    monkeypatch.setattr(publish, "run", run)
    monkeypatch.setattr(publish, "upload_package_to_prefix", upload)
    return commands


def test_a_release_without_all_files_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], uploads: list[str]
) -> None:
    sdist = describe(Path("objectpipes-0.1.0.tar.gz"))
    gaps = list(publish.missing(read_table(), [sdist]))
    assert "wheel-musllinux-x86_64: 0 of 8 files are here" in gaps
    assert not any(gap.startswith(("sdist", "local")) for gap in gaps)
    monkeypatch.setattr(publish, "built_files", lambda: [sdist])
    assert publish.main(["--tag", "v999"]) == 1
    assert "the tag is v999" in capsys.readouterr().err
    assert uploads == []


def test_every_step_passes_over_what_is_there(
    make_wheel: Callable[..., Path], uploads: list[str], tmp_path: Path
) -> None:
    wheel = make_wheel(linked={"curl": "8.14.1"})
    wheel.with_name(f"{wheel.name}.publish.attestation").touch()
    package = describe(tmp_path / "conda/linux-64/objectpipes-0.1.0-py311h327343a_0.conda")
    publish.publish([describe(wheel), package], "0.1.0")
    twine, conda, view, upload = uploads
    assert "--skip-existing" in twine
    assert "'skip_existing': True" in conda
    assert view == "gh release view v0.1.0"
    assert upload.startswith("gh release upload v0.1.0 --clobber ")
    assert upload.endswith(".cdx.json")


def test_a_release_that_is_not_there_is_made(
    monkeypatch: pytest.MonkeyPatch, uploads: list[str], tmp_path: Path
) -> None:
    def run(*command: str | Path) -> None:
        if command[:3] == ("gh", "release", "view"):
            raise subprocess.CalledProcessError(1, "gh")
        uploads.append(" ".join(Path(word).name for word in command))

    monkeypatch.setattr(publish, "run", run)
    monkeypatch.setattr(publish, "DIST", tmp_path)
    sdist = tmp_path / f"objectpipes-{project_version()}.tar.gz"
    sdist.touch()
    publish.publish([describe(sdist)], "0.1.0")
    assert [command.split(" v0.1.0")[0] for command in uploads[-2:]] == [
        "gh release create",
        "gh release upload",
    ]
    assert uploads[0] == f"pypi-attestations sign {sdist.name}"
    feedstock = f"objectpipes-{project_version()}-conda-forge.zip"
    assert uploads[-1].endswith(f" {sdist.name} {feedstock}")
    with ZipFile(tmp_path / feedstock) as archive:
        assert "recipes/objectpipes/recipe.yaml" in archive.namelist()
