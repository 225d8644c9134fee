"""Builds the package, each time in its own directory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

__all__ = ["Build", "prefix_with", "run_unit_tests"]

_ROOT = Path(__file__).parents[2]
_CACHE = Path(os.environ.get("OBJECTPIPES_CACHE") or Path.home() / ".cache/objectpipes")
# What is tested is what is compiled in, not how fast it is. Without debugging information ccache finds
# an object again whatever the directory of the build.
_QUICK = {"build-type": "Debug", "define.CMAKE_CXX_FLAGS_DEBUG": "-O0"}


class Build:
    """``pip wheel`` with some flags, and what came of it.

    Parameters
    ----------
    directory : Path
        Empty, and the build's own.
    flags : str
        Variables of the environment.

    Attributes
    ----------
    output : str
        All that the build printed, with single spaces.
    """

    def __init__(self, directory: Path, **flags: str) -> None:
        self._directory = directory
        settings = {f"cmake.{name}": value for name, value in _QUICK.items()}
        settings["build-dir"] = str(directory / "build")
        finished = subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps"]
            + [f"--config-settings={name}={value}" for name, value in settings.items()]
            + ["--wheel-dir", str(directory), str(_ROOT)],
            env=os.environ | _compiler_cache() | flags,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.output = " ".join(finished.stdout.split())
        self._succeeded = finished.returncode == 0

    @property
    def succeeded(self) -> bool:
        """Whether there is a wheel."""
        return self._succeeded

    def names(self) -> list[str]:
        """Return the names of the wheel's files."""
        return self._wheel().namelist()

    def run(self, program: str) -> str:
        """Return what a Python program prints that has the package, but not the source tree."""
        package = self._directory / "package"
        if not package.exists():
            self._wheel().extractall(package)
        finished = subprocess.run(
            [sys.executable, "-c", program],
            cwd=self._directory,
            env=os.environ | {"PYTHONPATH": str(package), "LD_LIBRARY_PATH": _library_path()},
            capture_output=True,
            text=True,
            check=True,
        )
        return finished.stdout

    def info(self) -> dict[str, Any]:
        """Return `build_info` of the package."""
        info: dict[str, Any] = json.loads(
            self.run("import json, objectpipes; print(json.dumps(objectpipes.build_info()))")
        )
        return info

    def _wheel(self) -> zipfile.ZipFile:
        (file,) = self._directory.glob("*.whl")
        return zipfile.ZipFile(file)


def prefix_with(file: str) -> Path | None:
    """Return the entry of ``CMAKE_PREFIX_PATH`` that has a file matching this pattern."""
    return next((prefix for prefix in _prefixes() if any(prefix.glob(file))), None)


def run_unit_tests(target: str, directory: Path, **options: str) -> None:
    """Build C++ unit tests, and run them.

    Parameters
    ----------
    target : str
        The program.
    directory : Path
        Empty, and the build's own.
    options : str
        Further options of CMake.
    """
    programs = Path(sys.executable).parent
    defined = {
        "CMAKE_BUILD_TYPE": "Debug",
        "CMAKE_CXX_FLAGS_DEBUG": "-O0",
        "CMAKE_MAKE_PROGRAM": str(programs / "ninja"),
        "OBJECTPIPES_CORE_ONLY": "ON",
        "OBJECTPIPES_TESTS": "ON",
        **options,
    }
    environment = {**os.environ, **_compiler_cache(), "LD_LIBRARY_PATH": _library_path()}
    cmake = str(programs / "cmake")
    definitions = [f"-D{name}={value}" for name, value in defined.items()]
    configure = [cmake, "-G", "Ninja", "-S", str(_ROOT), "-B", str(directory), *definitions]
    subprocess.run(configure, env=environment, check=True)
    build = [cmake, "--build", str(directory), "--target", target]
    subprocess.run(build, env=environment, check=True)
    (program,) = directory.rglob(target)
    subprocess.run([program, "--gtest_brief=1"], env=environment, check=True)


def _prefixes() -> list[Path]:
    return [
        Path(entry) for entry in os.environ.get("CMAKE_PREFIX_PATH", "").split(os.pathsep) if entry
    ]


def _library_path() -> str:
    directories = [str(prefix / "lib") for prefix in _prefixes()]
    return os.pathsep.join([*directories, os.environ.get("LD_LIBRARY_PATH", "")])


def _compiler_cache() -> dict[str, str]:
    if shutil.which("ccache") is None:
        return {}
    return {"CMAKE_CXX_COMPILER_LAUNCHER": "ccache", "CCACHE_DIR": str(_CACHE / "ccache")}
