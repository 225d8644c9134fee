"""The recipe describes the packages that the table lists."""

from pathlib import Path
from typing import Any

import pytest

from ci.artifacts.conda_package import _CONSUMER_TEST, main, render
from ci.table.platforms import read_table

PLATFORMS = [row.platform for row in read_table().built_by("rattler-build")]

PINS = """\
python:
  - 3.9.* *_cpython
cxx_compiler_version:
  - 99  # [linux]
  - 98  # [not linux]
"""


def requirements(platform: str, pins: Path | None = None) -> dict[str, Any]:
    """Return what the package for Python 3.12 requires."""
    (variant,) = render(["3.12"], platform=platform, pins=pins)
    found: dict[str, Any] = variant.recipe.to_dict()["requirements"]
    return found


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_and_python_is_rendered(platform: str) -> None:
    (row,) = (row for row in read_table().built_by("rattler-build") if row.platform == platform)
    variants = render(row.python, platform=platform)
    assert {variant.variant["target_platform"] for variant in variants} == {platform}
    assert len(variants) == len(row.python)


@pytest.mark.parametrize(
    ("platform", "compiler", "library"),
    [
        ("linux-64", "gxx_linux-64", "sysroot_linux-64 2.17.*"),
        ("osx-arm64", "clangxx_osx-arm64", "macosx_deployment_target_osx-arm64 11.0.*"),
        ("win-64", "vs2022_win-64", "vs_win-64"),
    ],
)
def test_each_system_has_its_compiler_and_c_library(
    platform: str, compiler: str, library: str
) -> None:
    build = requirements(platform)["build"]
    assert {compiler, library} <= set(build)


def test_pins_decide_versions_by_platform_but_not_the_pythons(tmp_path: Path) -> None:
    pins = tmp_path / "conda_build_config.yaml"
    pins.write_text(PINS)
    assert "gxx_linux-64 99.*" in requirements("linux-64", pins)["build"]
    assert "clangxx_osx-64 98.*" in requirements("osx-64", pins)["build"]


def test_aws_sdk_cpp_is_required_where_its_transport_is_built(tmp_path: Path) -> None:
    pins = tmp_path / "conda_build_config.yaml"
    pins.write_text("aws_transport:\n  - false\n")
    assert "aws-sdk-cpp" in requirements("linux-64")["host"]
    assert "aws-sdk-cpp" not in requirements("linux-64", pins)["host"]


def test_rendering_tells_what_is_required(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--python", "3.12", "--render", "osx-64"]) == 0
    printed = capsys.readouterr().out
    assert "osx-64 python 3.12.* *_cpython\n  build: macosx_deployment_target_osx-64" in printed


@pytest.mark.parametrize(
    ("line", "ran"),
    [
        ("+ objectpipes --version", True),
        (r"(%PREFIX%) C:\work>objectpipes --version", True),
        ("script: objectpipes --version", False),
    ],
)
def test_the_downstream_test_is_seen_to_run_on_every_system(line: str, ran: bool) -> None:
    assert bool(_CONSUMER_TEST.search(line)) is ran
