"""Runs servers on this machine: ports, processes, and cleaning up after them."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

_START_TIMEOUT_S = 30.0


def free_ports(count: int) -> list[int]:
    """Return ports that nobody uses now."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for listener in sockets:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in sockets]


@contextmanager
def running(
    command: Sequence[str], log: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server as long as the block, in the directory of its log."""
    directory = log.parent
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={"PATH": os.defpath, "HOME": str(directory), **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us: who reads ends first
        )
    try:
        yield process
    finally:
        process.kill()  # a gentle end takes long, because it saves data that nobody needs
        process.wait()


def wait_until(
    ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, name: str
) -> None:
    """Wait for a server, at most half a minute."""
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            tail = log.read_text(errors="replace")[-1000:]
            raise OSError(f"{name} does not start. The end of its log: {tail}")
        time.sleep(0.05)


def http_status(port: int, path: str) -> int:
    """Return what a server on this machine answers; 0 for nothing."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
