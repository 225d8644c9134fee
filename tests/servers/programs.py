"""Where the servers' programs come from."""

import abc
import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .errors import ServerUnavailable

_HOME = Path.home()  # of the developer: a test that runs later may have another one
_BUILD_TIMEOUT = 1800.0  # seconds; one build takes three minutes on two idle cores


class Program(abc.ABC):
    """A program that a server consists of."""

    @abc.abstractmethod
    def find(self) -> Path | None:
        """Return the path of the program, None if it is not installed."""

    @abc.abstractmethod
    def install(self) -> Path:
        """Return the path of the program; install it first if need be and possible.

        Raises
        ------
        ServerUnavailable
            It is not there and can't be installed.
        """


class SystemProgram(Program):
    """A program that comes with a package of this Python or of the system.

    Parameters
    ----------
    name : str
        The program's file name.
    package : str
        How to get it, for people.
    """

    def __init__(self, name: str, package: str) -> None:
        self._name = name
        self._package = package

    def find(self) -> Path | None:
        # A service's program is in sbin, which users do not have in their PATH.
        places = [sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath), "/usr/sbin"]
        found = shutil.which(self._name, path=os.pathsep.join(places))
        return Path(found) if found else None

    def install(self) -> Path:
        found = self.find()
        if found is None:
            raise ServerUnavailable(self._name, f"install it with {self._package}")
        return found


class GoProgram(Program):
    """A program that is compiled from a pinned Go module, once per version.

    ``go/<server>/go.mod`` names the program (``tool``) and its version (``require``). The variable
    ``<PROGRAM>_BIN`` names a program to use instead. Compiled ones are kept in
    ``$OBJECTPIPES_CACHE/servers``, by default ``~/.cache/objectpipes/servers``.

    Parameters
    ----------
    server : str
        The folder of the module.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        self._module = Path(__file__).parent / "go" / server
        self._name, self._version = _pinned((self._module / "go.mod").read_text())
        self._override = f"{self._name.upper()}_BIN"

    def find(self) -> Path | None:
        path = Path(os.environ.get(self._override) or self._cached).absolute()
        return path if os.access(path, os.X_OK) else None

    def install(self) -> Path:
        found = self.find()
        if found is not None:
            return found
        if chosen := os.environ.get(self._override):
            raise ServerUnavailable(self._server, f"{self._override}={chosen} is no program")
        if not shutil.which("go"):
            reason = f"install Go (https://go.dev/dl), or let {self._override} name the program"
            raise ServerUnavailable(self._server, reason)
        with _lock(self._cached.parent):
            if not self._cached.exists():  # another process may have built it meanwhile
                self._build()
        return self._cached

    @property
    def _cached(self) -> Path:
        cache = Path(os.environ.get("OBJECTPIPES_CACHE") or _HOME / ".cache" / "objectpipes")
        return cache.absolute() / "servers" / f"{self._server}-{self._version}" / self._name

    def _build(self) -> None:
        """Compile into a folder beside the final place: what is there is always complete."""
        with tempfile.TemporaryDirectory(dir=self._cached.parent) as folder:
            settings = {
                "HOME": str(_HOME),
                "GOBIN": folder,
                "GOFLAGS": "",
                "GOTOOLCHAIN": "local",
                "GOWORK": "off",
                "CGO_ENABLED": "0",
            }
            try:
                subprocess.run(
                    ["go", "install", "-trimpath", "-ldflags=-s -w", "tool"],
                    cwd=self._module,
                    env={**os.environ, **settings},
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    timeout=_BUILD_TIMEOUT,
                    check=True,
                )
            except subprocess.CalledProcessError as error:
                reason = f"go install failed:\n{error.stderr[-2000:]}"
                raise ServerUnavailable(self._server, reason) from error
            except subprocess.TimeoutExpired as error:
                reason = f"go install took more than {_BUILD_TIMEOUT:.0f} s"
                raise ServerUnavailable(self._server, reason) from error
            Path(folder, self._name).replace(self._cached)


def _pinned(go_mod: str) -> tuple[str, str]:
    """Return name and version of the one program that a go.mod has as its tool."""
    (package,) = re.findall(r"^tool (\S+)$", go_mod, re.MULTILINE)
    required = re.findall(r"^(?:require)?\s+(\S+) (v\S+)", go_mod, re.MULTILINE)
    (version,) = (v for module, v in required if f"{package}/".startswith(f"{module}/"))
    return package.rpartition("/")[2], version


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Let one process at a time work in a folder, which is made; the lock ends with the process."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
