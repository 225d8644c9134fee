"""Finding the Python interpreters of this machine."""

import shutil
import subprocess
from pathlib import Path

from ci.command import output
from ci.local import cpython
from ci.local.debian import DebianError


class NoSuchPythonError(Exception):
    """No interpreter of that version was found."""


def find_python(version: str) -> Path:
    """Return the interpreter that ``pythonVERSION`` on the search path starts.

    A free-threaded one ("3.13t"), which few machines have, is otherwise compiled by
    `ci.local.cpython`.
    """
    name = f"python{version}"
    program = shutil.which(name)
    if program is None and version == cpython.FREE_THREADED:
        return _compiled(version)
    if program is None:
        raise NoSuchPythonError(f"there is no {name} on the search path")
    try:
        # The program may be a shim of pyenv, which needs the version in its environment.
        found = output(
            program, "-c", "import sys; print(sys.executable)", env={"PYENV_VERSION": version}
        )
    except subprocess.CalledProcessError as error:
        raise NoSuchPythonError(f"{program} does not start") from error
    return Path(found)


def interpreter_of(environment: Path) -> Path:
    """Return the Python of an environment, be it a virtual one or one of conda."""
    places = [environment / "bin/python", environment / "Scripts/python.exe"]
    return next((place for place in places if place.exists()), environment / "python.exe")


def _compiled(version: str) -> Path:
    try:
        return cpython.free_threaded_python()
    except (DebianError, subprocess.CalledProcessError) as error:
        raise NoSuchPythonError(f"Python {version} cannot be compiled: {error}") from error
