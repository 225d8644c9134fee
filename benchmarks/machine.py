"""What results depend on: the machine, the versions, the commit."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from .static_server import StaticServer

_ROOT = Path(__file__).parents[1]
_PACKAGES = (
    "objectpipes",
    "tensorstore",
    "obstore",
    "s3dlio",
    "s3torchconnector",
    "litdata",
    "webdataset",
    "ray",
    "torchdata",
    "boto3",
    "aistore",
    "torch",
)


def machine() -> str:
    """Return processor, memory and system in a line."""
    model = _first(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text())
    kibibytes = int(_first(r"^MemTotal:\s+(\d+) kB$", Path("/proc/meminfo").read_text()))
    return (
        f"{os.cpu_count()} cores ({model}), {kibibytes / (1 << 20):.0f} GiB, "
        f"Linux {platform.release()}, Python {platform.python_version()}"
    )


def versions() -> Mapping[str, str]:
    """Return the versions of the contenders, of torch, nginx and wrk, by name."""
    found = {name: version(name) for name in _PACKAGES}
    found["nginx"] = _first(r"nginx/(\S+)", _output(StaticServer.program.install(), "-v"))
    found["wrk"] = _first(r"wrk (?:\w+/)?(\S+)", _output("wrk", "-v"))
    return found


def commit() -> str:
    """Return the commit of the tree, marked "-dirty" if there are changes to it."""
    return _output("git", "-C", _ROOT, "describe", "--always", "--dirty", "--abbrev=12").strip()


def _output(*command: str | Path) -> str:
    # Without a check: wrk ends with 1 when asked for its version.
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ).stdout


def _first(pattern: str, text: str) -> str:
    """Return what the first match of a pattern with one group has found."""
    found = re.search(pattern, text, re.MULTILINE)
    return found[1] if found else "unknown"
