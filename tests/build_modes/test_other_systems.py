"""The engine compiles for other operating systems, on this one."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

CSRC = Path(__file__).parents[2] / "csrc"
SOURCES = sorted(
    source
    for source in CSRC.rglob("*.cc")
    if source.relative_to(CSRC).parts[0] not in ("python", "testing")
    and source.parent.name != "aws"
    and not source.stem.endswith(("_test", "_fuzz"))
)
# The headers of the libraries for Linux, which are the same for other systems; but that of c-ares
# says which header of the system has its types.
HEADERS = ["ares*.h", "openssl/*.h", "*-linux-*/openssl/*.h", "nlohmann", "pugi*.hpp", "xxh*.h"]
ARES_BUILD_ON_WINDOWS = """
#include <winsock2.h>
#include <ws2tcpip.h>
#define CARES_TYPEOF_ARES_SOCKLEN_T socklen_t
#define CARES_TYPEOF_ARES_SSIZE_T ssize_t
typedef CARES_TYPEOF_ARES_SOCKLEN_T ares_socklen_t;
typedef CARES_TYPEOF_ARES_SSIZE_T ares_ssize_t;
"""
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]
# Of the driver of zig, about options that it adds itself.
WARNINGS += ["-Wno-unused-command-line-argument"]
# Includes most others: compiled once, it saves two thirds of the time.
COMMON_HEADER = CSRC / "engine" / "read_window.h"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("target", ["x86_64-windows-gnu", "aarch64-macos"])
def test_engine_compiles(target: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("ziglang, which compiles for other systems")
    headers = headers_for(target, tmp_path / "include")
    command = [sys.executable, "-m", "ziglang", "c++", "-target", target, "-std=c++17", *WARNINGS]
    command += ["-g0", "-fno-sanitize=all", f"-I{CSRC}", "-isystem", str(headers)]
    compiled_header = tmp_path / "common.pch"

    def errors_of(*arguments: str | Path) -> str:
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=600)
        return done.stderr if done.returncode else ""

    def errors_in(source: Path) -> str:
        output = tmp_path / "-".join(source.relative_to(CSRC).with_suffix(".o").parts)
        return errors_of("-include-pch", compiled_header, "-c", source, "-o", output)

    assert len(SOURCES) > 60
    assert not errors_of("-x", "c++-header", COMMON_HEADER, "-o", compiled_header)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        assert not "\n".join(filter(None, threads.map(errors_in, SOURCES)))
    assert len(list(tmp_path.glob("*.o"))) == len(SOURCES)


def headers_for(target: str, folder: Path) -> Path:
    """Gather the libraries' headers, and nothing of this system's, in a folder."""
    installed = Path("/usr/include")
    for pattern in HEADERS:
        found = list(installed.glob(pattern))
        if not found:
            pytest.skip(f"{installed}/{pattern}, headers of the engine's libraries")
        for header in found:
            link = folder / (f"openssl/{header.name}" if "openssl" in pattern else header.name)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(header)
    if "windows" in target:
        (folder / "ares_build.h").unlink()
        (folder / "ares_build.h").write_text(ARES_BUILD_ON_WINDOWS)
    return folder
