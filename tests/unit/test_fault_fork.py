"""Forked processes do not keep open what the fault server and the fault proxy have ended."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import socket
import sys
from collections.abc import Iterator

import pytest

from faults import FaultProxy, FaultServer, kinds

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]

REQUEST = b"GET /bucket/key HTTP/1.1\r\n\r\n"


@contextlib.contextmanager
def forked_process() -> Iterator[None]:
    """Run a forked process that does nothing."""
    fork = multiprocessing.get_context("fork")
    started = fork.Event()

    def sleep() -> None:
        started.set()
        signal.pause()

    process = fork.Process(target=sleep)
    process.start()
    try:
        assert started.wait(30)
        yield
    finally:
        process.kill()
        process.join()


def connect(port: int) -> socket.socket:
    """Return a connection that has served one request."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=30)
    sock.sendall(REQUEST)
    received = b""
    while not received.endswith(b"data"):
        received += sock.recv(1000)
    return sock


def test_server_resets() -> None:
    with FaultServer({"bucket": {"key": b"data"}}) as server:
        server.faults.add(kinds.ResetBeforeReply(), skip=1)
        with connect(server.port) as sock, forked_process():
            sock.sendall(REQUEST)
            with pytest.raises(ConnectionResetError):
                sock.recv(1)


def test_server_gives_up_its_port() -> None:
    server = FaultServer({})
    with contextlib.ExitStack() as stack:
        with server:
            stack.enter_context(forked_process())
        with pytest.raises(ConnectionRefusedError):
            connect(server.port)


def test_proxy_refuses_and_accepts_again() -> None:
    with (
        FaultServer({"bucket": {"key": b"data"}}) as server,
        FaultProxy("127.0.0.1", server.port) as proxy,
        connect(proxy.port) as sock,
        forked_process(),
    ):
        proxy.refuse()
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
        with pytest.raises(ConnectionRefusedError):
            connect(proxy.port)
        proxy.accept()
        connect(proxy.port).close()
