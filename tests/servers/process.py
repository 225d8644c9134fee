"""A server's program as a process."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class Process:
    """A program in a session of its own, with its output in a file.

    A session of its own keeps the terminal's Ctrl-C away, so that who started it stops it, in
    order. The environment is nearly empty: no setting of the developer's reaches a server.

    Parameters
    ----------
    name : str
        What to call it in messages.
    program : Path
        What to run.
    arguments : Sequence[str]
        Its arguments.
    directory : Path
        Where it runs, and where its output goes: ``<name>.log``.
    environment : Mapping[str, str], optional
        Variables it needs besides ``PATH``, ``HOME`` and ``TMPDIR``.
    """

    def __init__(
        self,
        name: str,
        program: Path,
        arguments: Sequence[str],
        directory: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._command: list[str | Path] = [program, *arguments]
        self._directory = directory
        self._log = directory / f"{name}.log"
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(directory),
            "TMPDIR": str(directory),
            **(environment or {}),
        }
        self._popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the program, again if it has run before; its output is appended."""
        with self._log.open("ab") as log:
            self._popen = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._directory,
                env=self._environment,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id, of the last start."""
        return self._started().pid

    @property
    def exit_code(self) -> int | None:
        """The exit code (or minus the signal that ended it); None while it runs."""
        return self._started().poll()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the program and its children; none is sent to one that has ended."""
        # poll() reaps an ended leader, and another process may have its id by now.
        if self.exit_code is None:
            os.killpg(self.pid, number)

    def stop(self, patience: float) -> None:
        """End the program: ask, and after `patience` seconds kill. Returns once it is gone."""
        if patience:
            self.send(signal.SIGTERM)
        try:
            self._started().wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the program at once; returns when it is gone."""
        self.send(signal.SIGKILL)
        self._started().wait()

    def log_tail(self, lines: int = 20) -> str:
        """Return the end of the output, under a headline."""
        tail = self._log.read_text(errors="replace").splitlines()[-lines:]
        return "\n".join([f"--- {self._log.name}", *tail])

    def _started(self) -> subprocess.Popen[bytes]:
        if self._popen is None:
            raise RuntimeError(f"{self.name} has not been started")
        return self._popen
