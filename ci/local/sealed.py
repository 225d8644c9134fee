"""Runs a program isolated from this machine: no network, no settings, few programs.

It can only use what it is given. Loopback works, for servers that tests start.
"""

import os
import shutil
import socket
import struct
import sys
from pathlib import Path

from ci.command import run
from ci.paths import ROOT

# What build scripts of conda packages may expect; above all no compiler, cmake or Python.
_PROGRAMS = """\
bash sh env cat chmod cp cut date dirname basename find grep gzip head install ln ls mkdir
mktemp mv pwd readlink realpath rm rmdir sed sort tail tar touch tr true uname wc xargs
"""

_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


def run_sealed(*command: str | Path, folder: Path, env: dict[str, str]) -> None:
    """Run a program, given as a path, its output going where ours goes.

    The new folder has the home, the search path and whatever the program leaves. `env` is all of
    its environment but ``HOME`` and ``PATH``.
    """
    variables = {**env, "HOME": folder / "home", "PATH": _search_path(folder / "bin")}
    (folder / "home").mkdir()
    run(
        *("env", "--ignore-environment", *(f"{name}={value}" for name, value in variables.items())),
        *without_network(),
        *(sys.executable, "-m", "ci.local.sealed", *command),
        cwd=ROOT,
    )


def without_network() -> list[str]:
    """Return the beginning of a command that runs in a network namespace of its own."""
    # By its path: the command may have another search path.
    return [_found("unshare"), "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]


def _search_path(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in _PROGRAMS.split():
        (folder / name).symlink_to(_found(name))
    return folder


def _found(name: str) -> str:
    program = shutil.which(name)
    if program is None:
        raise FileNotFoundError(f"there is no {name} on the search path")
    return program


def _bring_up_loopback() -> None:
    import fcntl  # not on Windows, where programs that import this module also run

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))


def main() -> None:
    """Bring up the loopback of a new network namespace, and become the program."""
    _bring_up_loopback()
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
