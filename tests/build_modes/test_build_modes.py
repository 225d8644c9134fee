"""Each build flag has one meaning, shows in `build_info`, and never falls back silently."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import pybind11
import pytest

from build_modes.builds import Build, prefix_with, run_unit_tests
from servers import AIStore, ServerUnavailable

pytestmark = pytest.mark.timeout(1200)  # a minute is enough for the slowest, on a quiet machine

FLAGS = ["BUILD_S3", "USE_SYSTEM_AWS_SDK_CPP", "USE_SYSTEM_LIBS", "USE_SYSTEM_PYBIND11"]
# pip's copy has the layout of an installation; where it lies it is nobody's system.
PYBIND11 = Path(pybind11.__file__).parent

REFUSED = """
import sys
from objectpipes.cli import main
sys.stderr = sys.stdout
assert main("{command}".split()) != 0
"""
READS_AISTORE = """
import os
from objectpipes.cli import main
os.environ["AIS_ENDPOINT"] = "{endpoint}"
assert main(["ls", "ais://bucket/"]) == 0
assert main(["cat", "ais://bucket/key"]) == 0
"""

needs_aws_sdk = pytest.mark.skipif(
    prefix_with("lib*/cmake/AWSSDK/AWSSDKConfig.cmake") is None,
    reason="there is no aws-sdk-cpp in CMAKE_PREFIX_PATH",
)


@pytest.fixture(autouse=True)
def _no_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    for flag in FLAGS:
        monkeypatch.delenv(flag, raising=False)


def with_pybind11() -> str:
    """Return a ``CMAKE_PREFIX_PATH`` that makes pybind11 one of the system's libraries."""
    return os.pathsep.join(filter(None, [os.environ.get("CMAKE_PREFIX_PATH"), str(PYBIND11)]))


# --- builds that stop -------------------------------------------------------------------------


@pytest.mark.parametrize("flag", FLAGS)
def test_misspelt_value_stops_the_build(flag: str, tmp_path: Path) -> None:
    build = Build(tmp_path, **{flag: "ture"})
    assert not build.succeeded
    assert f"{flag}=ture is neither ON nor OFF" in build.output


@pytest.mark.parametrize(
    ("flag", "library", "remedy"),
    [
        ("USE_SYSTEM_AWS_SDK_CPP", "AWSSDK", "conda install -c conda-forge aws-sdk-cpp"),
        ("USE_SYSTEM_PYBIND11", "pybind11", "conda install -c conda-forge pybind11"),
        ("USE_SYSTEM_LIBS", "AWSSDK", "conda install -c conda-forge aws-sdk-cpp"),
    ],
)
def test_missing_library_stops_the_build(
    flag: str, library: str, remedy: str, tmp_path: Path
) -> None:
    hide = f"-DCMAKE_DISABLE_FIND_PACKAGE_{library}=ON"
    build = Build(tmp_path, **{flag: "1", "CMAKE_ARGS": hide})
    assert not build.succeeded
    assert remedy in build.output


# --- builds -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def without_s3(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Return a build without S3."""
    return Build(tmp_path_factory.mktemp("without_s3"), BUILD_S3="0", USE_SYSTEM_LIBS="0")


@pytest.mark.parametrize("command", ["cat s3://bucket/key", "ls s3://bucket/"])
def test_build_s3_off_says_what_it_lacks(without_s3: Build, command: str) -> None:
    assert without_s3.succeeded, without_s3.output
    info = without_s3.info()
    assert info["build_s3"] is False
    assert info["transports"] == []
    assert info["pugixml"] == ""
    refused = without_s3.run(REFUSED.format(command=command))
    assert "this build has no S3" in refused
    assert "objectpipes.build_info()" in refused


def test_build_s3_off_reads_aistore(without_s3: Build) -> None:
    with ExitStack() as running:
        try:
            server = running.enter_context(AIStore(1))
        except ServerUnavailable as error:
            pytest.skip(str(error))
        server.create_bucket("bucket")
        server.put("bucket", "key", b"content")
        printed = without_s3.run(READS_AISTORE.format(endpoint=server.endpoint))
    assert printed.split() == ["ais://bucket/key", "content"]


def test_aws_without_s3_stops_the_build(tmp_path: Path) -> None:
    build = Build(tmp_path, BUILD_S3="0", USE_SYSTEM_AWS_SDK_CPP="1")
    assert not build.succeeded
    assert "aws-sdk-cpp is a transport of S3" in build.output


def check(build: Build, *, pybind11: bool, aws: bool) -> None:
    assert build.succeeded, build.output
    info = build.info()
    assert info["build_s3"] is True
    assert info["use_system_pybind11"] is pybind11
    assert info["use_system_aws_sdk_cpp"] is aws
    assert info["transports"] == (["http", "aws"] if aws else ["http"])
    assert bool(info["aws_sdk_cpp"]) is aws


def test_build_s3_on(tmp_path: Path) -> None:
    check(Build(tmp_path, BUILD_S3="1"), pybind11=False, aws=False)


def test_system_pybind11(tmp_path: Path) -> None:
    build = Build(tmp_path, USE_SYSTEM_PYBIND11="1", CMAKE_PREFIX_PATH=with_pybind11())
    check(build, pybind11=True, aws=False)


@needs_aws_sdk
def test_system_aws_sdk_cpp(tmp_path: Path) -> None:
    check(Build(tmp_path, USE_SYSTEM_AWS_SDK_CPP="1"), pybind11=False, aws=True)


@needs_aws_sdk
def test_system_libs(tmp_path: Path) -> None:
    build = Build(tmp_path, USE_SYSTEM_LIBS="1", CMAKE_PREFIX_PATH=with_pybind11())
    check(build, pybind11=True, aws=True)


@needs_aws_sdk
def test_unit_tests_of_the_transport_aws(tmp_path: Path) -> None:
    """They are C++ tests like the others, but need the SDK."""
    run_unit_tests("objectpipes_aws_tests", tmp_path, USE_SYSTEM_AWS_SDK_CPP="ON")
