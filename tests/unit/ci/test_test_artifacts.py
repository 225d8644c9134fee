"""What artifacts are compared with, and what is said of those that are not there."""

from pathlib import Path

import pytest

from ci.artifacts import test_artifacts
from ci.artifacts.environments import NotRunnableError
from ci.artifacts.files import BuiltFile, describe, row_of
from ci.artifacts.results import Result
from ci.artifacts.test_artifacts import check_file, expected, untested_rows
from ci.table.platforms import read_table

TABLE = read_table()


def test_a_wheel_must_be_what_its_row_says() -> None:
    wheel = describe(Path("objectpipes-0.1.0-cp311-cp311-manylinux_2_28_x86_64.whl"))
    assert expected(wheel, row_of(wheel, TABLE, official=True), TABLE) == {
        "version": "0.1.0",
        "transports": ["http", "aws"],
        "all_transports": True,
        "vendored": True,
        "cells": [
            *(("minio", transport) for transport in ("http", "aws")),
            *(("minio-tls", transport) for transport in ("http", "aws")),
            *(("seaweed", transport) for transport in ("http", "aws")),
            *(("moto", transport) for transport in ("http", "aws")),
            ("aistore", "http"),
        ],
    }


def test_what_is_built_from_source_has_the_transports_it_was_asked_for() -> None:
    sdist = describe(Path("objectpipes-0.1.0.tar.gz"))
    facts = expected(sdist, row_of(sdist, TABLE), TABLE)
    assert not facts["all_transports"]
    assert not facts["vendored"]


def test_without_a_gil_only_programs_are_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\n[ "$2" = artifact.smoke ]\n')
    python.chmod(0o755)
    monkeypatch.setattr(test_artifacts, "make_environment", lambda built, folder: python)
    wheel = describe(Path("objectpipes-0.1.0-cp313-cp313t-manylinux_2_28_x86_64.whl"))
    line = test_artifacts.install_and_test(wheel, row_of(wheel, TABLE), TABLE, brief=False)
    assert {(result.name, result.state) for result in line.results} == {
        ("smoke.py", "passed"),
        ("threads.py", "failed"),
        ("tests/artifact", "not run"),
    }


def test_a_wheel_that_runs_elsewhere_only_is_tested_in_a_root(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(built: BuiltFile, folder: Path) -> Path:
        raise NotRunnableError("another machine")

    monkeypatch.setattr(test_artifacts, "make_environment", refuse)
    in_root = Result("aarch64", "smoke.py", "passed")
    monkeypatch.setattr(test_artifacts, "smoke_test", lambda built: [in_root])
    wheel = describe(Path("objectpipes-0.1.0-cp311-cp311-manylinux_2_28_aarch64.whl"))
    line = test_artifacts.install_and_test(wheel, row_of(wheel, TABLE), TABLE, brief=False)
    not_run = Result("installation", "tests/artifact", "not run", "another machine")
    assert line.results == [not_run, in_root]


def test_every_other_row_is_named_as_not_run() -> None:
    tested = TABLE.artifacts[0]
    lines = list(untested_rows(TABLE, [tested.name]))
    assert [line.artifact for line in lines] == [row.name for row in TABLE.artifacts[1:]]
    assert {result.state for line in lines for result in line.results} == {"not run"}


def test_what_would_make_a_row_is_a_command() -> None:
    reasons = {line.artifact: line.results[0].reason for line in untested_rows(TABLE, [])}
    assert reasons["local-wheel-x86_64"] == "none was given; scripts/build-wheel makes it"
    assert "scripts/build-wheel --arch aarch64 makes it" in reasons["local-wheel-aarch64"]


def test_a_stray_file_fails_by_itself() -> None:
    for name in ("notes.tar.gz", "objectpipes-0.1.0-cp39-cp39-win_arm64.whl"):
        line, row = check_file(Path(name), TABLE, official=False, brief=True)
        assert line.artifact == name
        assert line.failed
        assert row == ""
