"""The other end of a client process."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from typing_extensions import Self

from .job import Job, Measurement

_ROOT = Path(__file__).parents[1]
_PATIENCE = 300.0  # seconds, for each answer


class ContenderError(Exception):
    """A contender has failed."""


def _trusting(ca_file: str) -> list[str]:
    """Return what runs a command where the machine trusts this authority alone.

    Not all clients can be told of a file. So it lies over the machine's own, in a mount namespace.
    """
    as_user = [] if os.geteuid() == 0 else ["--map-root-user"]
    bind = 'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"'
    return ["unshare", "--mount", *as_user, "sh", "-c", bind, ca_file]


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
        command = [sys.executable, "-m", "benchmarks.client", job.to_json()]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                command if job.ca_file is None else [*_trusting(job.ca_file), *command],
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

    def count_system_calls(self) -> Measurement:
        """Let it measure once, slowed down by strace, which counts the system calls.

        Raises
        ------
        ContenderError
            strace is missing, may not look into the process, or the contender failed.
        """
        if not shutil.which("strace"):
            raise ContenderError("there is no strace")
        counts = Path(self._home.name, "strace")
        strace = subprocess.Popen(
            ["strace", "-c", "-f", "-o", counts, "-p", str(self._process.pid)],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert strace.stderr is not None
        strace.stderr.readline()  # "attached"
        measured = self.measure()
        strace.send_signal(signal.SIGINT)
        strace.communicate(timeout=_PATIENCE)
        total = re.search(r"(?m)^100\.00 +\S+ +\S+ +(\d+)\b.* total$", counts.read_text())
        if total is None:
            raise ContenderError("strace counted nothing")
        # While it warmed up, it was counted, too.
        calls = int(total[1]) * measured.objects // measured.all_objects
        return dataclasses.replace(measured, system_calls=calls)

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
        raise ContenderError(_error_in(self._log.read_text()) or f"ended with {status}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._home.cleanup()


def _error_in(log: str) -> str:
    """Return the first line of the exception that ended a program; a message may have several."""
    after_traceback = re.split(r"(?m)^Traceback .*\n(?:[ \t].*\n)*", log)[-1].strip()
    return after_traceback.partition("\n")[0]
