"""The other end of a client process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from typing_extensions import Self

from .job import Job, Measurement

_ROOT = Path(__file__).parents[1]
_PATIENCE = 120.0  # seconds, for each answer


class ContenderError(Exception):
    """A contender has failed."""


class ClientProcess:
    """A contender in a process of its own, ready to be measured; use it in a ``with`` statement.

    Parameters
    ----------
    job
        What it is to do.
    environment
        Its variables, besides a home of its own.

    Raises
    ------
    ContenderError
        It has failed, or delivered something wrong.
    """

    def __init__(self, job: Job, environment: Mapping[str, str]) -> None:
        self._home = tempfile.TemporaryDirectory()
        self._log = Path(self._home.name, "log")
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.client", job.to_json()],
                cwd=_ROOT,
                env={**environment, "HOME": self._home.name},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def wait_ready(self) -> None:
        """Wait until it has checked its bytes."""
        self._answer()

    def measure(self) -> Measurement:
        """Let it measure once."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Measurement(**json.loads(self._answer()))

    def _answer(self) -> str:
        assert self._process.stdout is not None
        impatience = threading.Timer(_PATIENCE, self._process.kill)
        impatience.start()
        answer = self._process.stdout.readline()
        impatience.cancel()
        if answer:
            return answer
        status = self._process.wait()
        last_line = self._log.read_text().strip().rpartition("\n")[2]
        raise ContenderError(last_line or f"ended with {status}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._home.cleanup()
