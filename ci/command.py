"""Runs other programs. Prints each command first, so that a log can be replayed by hand."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def run(
    *command: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> None:
    """Run a program, its output going where ours goes. Any exit code but 0 is an error."""
    _announce(command)
    subprocess.run(command, cwd=cwd, env={**environment(), **(env or {})}, check=True)


def output(
    *command: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> str:
    """Run a program quietly and return what it printed, without surrounding white space.

    Any exit code but 0 is an error.
    """
    return subprocess.run(
        command,
        cwd=cwd,
        env={**environment(), **(env or {})},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.strip()


def environment() -> dict[str, str]:
    """Return our environment with the programs beside this Python first on the search path.

    uv trusts the same authorities as the system, as pip does.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {"UV_SYSTEM_CERTS": "true", **os.environ, "PATH": path}


def _announce(command: tuple[str | Path, ...]) -> None:
    print("+", shlex.join(str(word) for word in command), flush=True)
