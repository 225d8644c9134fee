"""Nightly versions, and their order in conda."""

import datetime
import itertools

import pytest
import rattler
from packaging.version import InvalidVersion, Version

from ci.version import conda_version, nightly_version

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
