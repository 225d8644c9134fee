"""What artifacts are compared with, and what is said of those that are not there."""

from pathlib import Path

from ci.artifacts import describe, row_of
from ci.platforms import read_table
from ci.test_artifacts import check_file, expected, untested_rows

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


def test_every_other_row_is_named_as_not_run() -> None:
    tested = TABLE.artifacts[0]
    lines = list(untested_rows(TABLE, [tested.name]))
    assert [line.artifact for line in lines] == [row.name for row in TABLE.artifacts[1:]]
    assert {result.state for line in lines for result in line.results} == {"not run"}


def test_a_stray_file_fails_by_itself() -> None:
    for name in ("notes.tar.gz", "objectpipes-0.1.0-cp39-cp39-win_arm64.whl"):
        line, row = check_file(Path(name), TABLE, official=False, brief=True)
        assert line.artifact == name
        assert line.failed
        assert row == ""
