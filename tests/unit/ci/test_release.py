"""Why a version cannot be released, and what a release uploads."""

from pathlib import Path

import pytest

from ci.artifacts.files import describe
from ci.paths import ROOT
from ci.release import release
from ci.release.changelog import problems_of, read_changelog
from ci.table.platforms import read_table

CHANGELOG = """\
# Changelog

## [0.2.0] - 2026-11-22

News.

## [0.1.0]
"""


@pytest.fixture
def changelog(tmp_path: Path) -> Path:
    file = tmp_path / "CHANGELOG.md"
    file.write_text(CHANGELOG)
    return file


def test_the_changelog_is_read_newest_first(changelog: Path) -> None:
    entries = read_changelog(changelog)
    assert [(entry.version, entry.date, entry.text) for entry in entries] == [
        ("0.2.0", "2026-11-22", "News."),
        ("0.1.0", "", ""),
    ]


def test_only_what_the_changelog_tells_of_is_released(changelog: Path) -> None:
    entries = read_changelog(changelog)
    assert problems_of("0.2.0", entries) == []
    assert problems_of("0.3.0", entries) == ["the first version in the changelog is not 0.3.0"]
    assert len(problems_of("0.1.0", entries[1:])) == 2
    assert problems_of("0.1.0", []) != []


def test_the_changelog_of_this_checkout_can_be_read() -> None:
    assert read_changelog()


def test_a_tag_of_another_version_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in ("table.generated", "table.agreement", "release.vulnerabilities"):
        monkeypatch.setattr(f"ci.{module}.main", lambda arguments: 0)
    assert release.main(["--check", "--tag", "v999"]) == 1
    assert "the tag is v999" in capsys.readouterr().err


def test_the_plan_names_each_file_and_where_it_goes() -> None:
    sdist = describe(Path("objectpipes-0.1.0.tar.gz"))
    plan = release.plan(read_table(), [sdist])
    assert "| sdist, 1 files | PyPI, GitHub | objectpipes-0.1.0.tar.gz |" in plan
    assert "| wheel-manylinux-x86_64, 8 files | PyPI, GitHub | none |" in plan
    assert "| conda-osx-64, 6 files | https://prefix.dev/objectpipes, GitHub | none |" in plan


def test_a_rehearsal_compares_the_bytes_of_two_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(release, "artifact_files", lambda: [])
    monkeypatch.setattr(release, "run", lambda *words: commands.append([*map(str, words)]))
    release.build()
    assert commands[0] == [str(ROOT / "scripts" / "build-wheel"), "--twice"]


def test_what_this_machine_built_for_itself_goes_nowhere() -> None:
    wheel = "objectpipes-0.1.0-cp311-cp311-manylinux_2_28_x86_64.whl"
    package = "stand-ins/linux-64/objectpipes-0.1.0-py311h327343a_0.conda"
    plan = release.plan(read_table(), [describe(Path(wheel)), describe(Path(package))])
    nowhere = [line for line in plan.splitlines() if "nowhere" in line]
    assert [line.split(" | ")[0] for line in nowhere] == [
        "| local-wheel-x86_64",
        "| local-conda-linux-64",
    ]
    assert plan.count(wheel) == 1
