"""The platform table: what it refuses, and the matrices made from it."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from ci.table.platforms import TableError, build_matrix, check_matrix, main, make_table, read_table

DATA: dict[str, Any] = {
    "aws_verified": "never",
    "server": [
        {"name": "minio", "protocol": "s3", "about": "MinIO"},
        {"name": "aistore", "protocol": "ais", "about": "AIStore"},
    ],
    "artifact": [
        {
            "name": "linux",
            "channel": "wheel",
            "platform": "manylinux_2_28_x86_64",
            "needs": "glibc 2.28",
            "python": ["3.10", "3.14t"],
            "transports": ["http", "aws"],
            "dependencies": "vendored",
            "builder": "cibuildwheel",
            "runner": "ubuntu",
            "verified": "never",
        },
        {
            "name": "windows",
            "channel": "wheel",
            "platform": "win_amd64",
            "needs": "Windows 10",
            "python": ["3.9", "3.10"],
            "transports": ["http"],
            "dependencies": "vendored",
            "builder": "cibuildwheel",
            "runner": "windows",
            "verified": "2026-11-22, by hand",
        },
        {
            "name": "local",
            "channel": "wheel",
            "platform": "macosx_11_0_arm64",
            "needs": "macOS 11",
            "python": ["3.10"],
            "transports": ["http"],
            "dependencies": "vendored",
            "builder": "scripts/build-wheel",
            "verified": "never",
        },
    ],
}


def data(**changes: object) -> dict[str, Any]:
    """Return the table above with values of its first artifact replaced."""
    changed = copy.deepcopy(DATA)
    changed["artifact"][0].update(changes)
    return changed


def test_the_real_table_is_valid() -> None:
    assert {artifact.channel for artifact in read_table().artifacts} == {"wheel", "conda", "sdist"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("channel", "egg"),
        ("dependencies", "some"),
        ("transports", ["http", "ftp"]),
        ("python", ["3.10", "4"]),
        ("verified", "yesterday"),
        ("verified", ""),
        ("name", "local"),
    ],
)
def test_a_wrong_value_is_refused(key: str, value: object) -> None:
    with pytest.raises(TableError, match=r"linux|local"):
        make_table(data(**{key: value}))


def test_the_transport_aws_was_verified_never_or_at_some_date() -> None:
    verified = "2026-11-27, aws-sdk-cpp 1.11.332"
    assert make_table(data() | {"aws_verified": verified}).aws_verified == verified
    with pytest.raises(TableError, match="aws_verified"):
        make_table(data() | {"aws_verified": "yesterday"})


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(TypeError, match="pythons"):
        make_table(data(pythons=["3.10"]))
    with pytest.raises(TableError, match="artefact"):
        make_table(data() | {"artefact": []})


def test_a_wheel_has_a_wheels_platform_tag() -> None:
    with pytest.raises(TableError, match="linux-64"):
        _ = make_table(data(platform="linux-64")).artifacts[0].arch


def test_identifiers_are_those_of_cibuildwheel() -> None:
    linux, windows, macos = make_table(data()).artifacts
    assert linux.identifiers == ["cp310-manylinux_x86_64", "cp314t-manylinux_x86_64"]
    assert windows.identifiers == ["cp39-win_amd64", "cp310-win_amd64"]
    assert macos.identifiers == ["cp310-macosx_arm64"]
    assert [row.system for row in (linux, windows, macos)] == ["linux", "windows", "macos"]


@pytest.mark.parametrize(
    ("changes", "tests"),
    [
        ({}, "all"),
        ({"untested": ["ca layouts", "vendored"]}, "all, not ca layouts, not vendored"),
        ({"python": ["3.13", "3.13t"]}, "all, 3.13t only lists and reads"),
        ({"foreign": True}, "lists and reads"),
        ({"platform": "musllinux_1_2_x86_64"}, "lists and reads"),
    ],
)
def test_what_a_row_is_tested_by(changes: dict[str, object], tests: str) -> None:
    assert make_table(data(**changes)).artifacts[0].tests == tests


def test_a_wheel_that_is_cross_compiled_is_foreign() -> None:
    rows = read_table().built_by("scripts/build-wheel")
    assert {row.arch: row.foreign for row in rows} == {"x86_64": False, "aarch64": True}


def test_pythons_are_sorted_as_numbers() -> None:
    assert make_table(data()).pythons() == ["3.9", "3.10", "3.14t"]


def test_only_rows_with_a_runner_are_built_by_workflows() -> None:
    assert build_matrix(make_table(data()), "wheel") == [
        {
            "name": "linux",
            "runner": "ubuntu",
            "python": "3.10\n3.14t",
            "build": "cp310-manylinux_x86_64 cp314t-manylinux_x86_64",
            "test": "yes",
        },
        {
            "name": "windows",
            "runner": "windows",
            "python": "3.9\n3.10",
            "build": "cp39-win_amd64 cp310-win_amd64",
            "test": "",
        },
    ]


def test_the_diagonal_takes_another_python_for_every_row() -> None:
    jobs = build_matrix(make_table(data()), "wheel", diagonal=True)
    assert [job["build"] for job in jobs] == ["cp310-manylinux_x86_64", "cp310-win_amd64"]


def test_the_aws_transport_is_not_tested_with_aistore() -> None:
    table = make_table(data())
    pairs = [
        (server.name, transport) for server, transport in check_matrix(table, table.artifacts[0])
    ]
    assert pairs == [("minio", "http"), ("minio", "aws"), ("aistore", "http")]


def test_the_program_prints_the_matrix_that_a_workflow_reads(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    assert main(["conda"]) == 0
    printed = capsys.readouterr().out
    assert {job["name"] for job in json.loads(printed)["include"]} == {
        "conda-linux-64",
        "conda-linux-aarch64",
        "conda-osx-64",
        "conda-osx-arm64",
        "conda-win-64",
        "conda-win-arm64",
    }
    assert (tmp_path / "output").read_text() == f"jobs={printed}"
