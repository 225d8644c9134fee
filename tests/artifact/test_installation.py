"""The installed package agrees with the platform table, and is imported from its environment."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

import objectpipes
from artifact.expected import Expected

_CPUINFO = Path("/proc/cpuinfo")


def test_the_version_is_that_of_the_artifact(expected: Expected) -> None:
    assert objectpipes.__version__ == expected.version
    assert objectpipes.build_info()["version"] == expected.version


def test_the_transports_are_those_of_the_table(expected: Expected) -> None:
    built = objectpipes.build_info()["transports"]
    if expected.all_transports:
        assert built == expected.transports
    assert "http" in built
    assert set(built) <= set(expected.transports)


@pytest.mark.skipif(not _CPUINFO.exists(), reason="this system does not list the CPU's features")
def test_crcs_use_what_the_cpu_has() -> None:
    features = set(_CPUINFO.read_text().split())
    can_multiply = not features.isdisjoint({"pclmulqdq", "pmull"})
    assert (objectpipes.build_info()["crc"] == "instructions") is can_multiply


def test_it_is_what_was_installed() -> None:
    package = Path(objectpipes.__file__).parent
    assert package.is_relative_to(sys.prefix)
    assert distribution("objectpipes").locate_file("objectpipes") == package


def test_importing_loads_neither_torch_nor_the_engine() -> None:
    code = "import sys, objectpipes; print({'torch', 'objectpipes._ext'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"


def test_the_doctor_finds_nothing_wrong() -> None:
    subprocess.run([sys.executable, "-m", "objectpipes", "doctor", "--install"], check=True)
