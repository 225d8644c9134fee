"""The base of all servers: start, become ready, and leave nothing behind."""

from __future__ import annotations

import abc
import contextlib
import functools
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import urllib3

from .errors import ServerStartError
from .process import Process
from .programs import Program
from .scratch import scratch_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from typing_extensions import Self

_POLL_INTERVAL = 0.05  # seconds
CONNECTIONS = 16  # kept per server, for callers with threads


class Server(abc.ABC):
    """A server on 127.0.0.1, in processes of its own; use it, once, in a ``with`` statement.

    To start several at a time, call `start` on each, then `wait_ready` on each, and `stop` at the
    end.

    Attributes
    ----------
    name : str
        What it is called on the command line and in messages.
    program : Program
        Where its program comes from.
    endpoint : str
        Its URL; set by `start`, as the following ones.
    ca_file : Path or None
        PEM file with the CA that its certificate is from, if it speaks TLS.
    directory : Path
        What it stores and logs.
    processes : list[Process]
        The running program, or programs.
    """

    name: ClassVar[str]
    program: ClassVar[Program]
    start_timeout: ClassVar[float] = 30.0  # seconds
    stop_patience: ClassVar[float] = 5.0  # seconds

    endpoint: str
    directory: Path

    def __init__(self) -> None:
        self.ca_file: Path | None = None
        self.processes: list[Process] = []
        self._cleanup = contextlib.ExitStack()

    def start(self) -> None:
        """Start the programs, without waiting for them.

        Raises
        ------
        ServerUnavailable
            A program is not there and can't be installed.
        """
        program = self.program.install()
        self.directory = scratch_directory(self.name)
        self._cleanup.callback(shutil.rmtree, self.directory, ignore_errors=True)
        with self._stopping_on_failure():
            self._start(program)

    def wait_ready(self) -> None:
        """Wait until objects can be stored and read; a server that fails to get there is stopped.

        Raises
        ------
        ServerStartError
            A program has ended, or `start_timeout` is over.
        """
        with self._stopping_on_failure():
            self._wait_until(self._ready)

    def stop(self) -> None:
        """End the programs and remove what they have stored."""
        self._cleanup.close()

    @abc.abstractmethod
    def environment(self) -> Mapping[str, str]:
        """Return the variables that lead clients to this server."""

    @abc.abstractmethod
    def _start(self, program: Path) -> None:
        """Choose ports, write configuration files, set `endpoint`, launch the program."""

    @abc.abstractmethod
    def _ready(self) -> bool:
        """Ask the server whether objects can be stored and read."""

    @contextlib.contextmanager
    def _stopping_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.stop()
            raise

    def _launch(self, process: Process) -> None:
        process.start()
        self._cleanup.callback(process.stop, self.stop_patience)
        self.processes.append(process)

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self.start_timeout
        while not condition():
            self._check_start(deadline)
            time.sleep(_POLL_INTERVAL)

    def _check_start(self, deadline: float) -> None:
        for process in self.processes:
            if process.exit_code is not None:
                reason = f"{process.name} ended with {process.exit_code}"
                raise ServerStartError(self.name, reason, process.log_tail())
        if time.monotonic() > deadline:
            reason = f"not ready after {self.start_timeout:.0f} s"
            tails = "\n".join(process.log_tail() for process in self.processes)
            raise ServerStartError(self.name, reason, tails)

    @functools.cached_property
    def _http(self) -> urllib3.PoolManager:
        http = urllib3.PoolManager(
            maxsize=CONNECTIONS, ca_certs=str(self.ca_file) if self.ca_file else None
        )
        self._cleanup.callback(http.clear)
        return http

    def _status(self, url: str) -> int | None:
        """Return the HTTP status of a URL, None when nobody answers."""
        try:
            return self._http.request("GET", url, timeout=2.0, retries=False).status
        except urllib3.exceptions.HTTPError:
            return None

    def __enter__(self) -> Self:
        self.start()
        self.wait_ready()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
