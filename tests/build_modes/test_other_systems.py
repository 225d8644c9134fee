"""The code for other operating systems compiles on this one."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

CSRC = Path(__file__).parents[2] / "csrc"
# Without c-ares and OpenSSL, whose headers are those of the system that they were built for.
SOURCES = ["net/system.cc", "net/reactor.cc", "net/remote_host.cc"]


@pytest.mark.parametrize("target", ["x86_64-windows-gnu", "aarch64-macos"])
def test_sockets_and_waiting_compile(target: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("ziglang, which compiles for other systems")
    for source in SOURCES:
        command = [sys.executable, "-m", "ziglang", "c++", "-target", target, "-std=c++17"]
        command += ["-Wall", "-Wextra", "-Werror", f"-I{CSRC}"]
        command += ["-c", str(CSRC / source), "-o", str(tmp_path / "object.o")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
