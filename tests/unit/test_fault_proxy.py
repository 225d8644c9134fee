"""The fault proxy passes every byte but those it was told not to."""

from __future__ import annotations

import random
import socket
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from faults import FaultProxy, FaultServer, stream

DATA = random.Random(0).randbytes(5 << 20)
REQUEST = b"GET /bucket/key HTTP/1.1\r\nConnection: close\r\n\r\n"
SILENCE = 0.1  # seconds without a byte after which a stream that should stall counts as stalled
KEEP_ALIVE = b"GET /bucket/key HTTP/1.1\r\n\r\n"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer({"bucket": {"key": DATA}}) as server:
        yield server


@pytest.fixture
def proxy(server: FaultServer) -> Iterator[FaultProxy]:
    with FaultProxy("127.0.0.1", server.port) as proxy:
        yield proxy


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port))


def read_to_end(sock: socket.socket, stalls_after: int | None = None) -> tuple[bytes, str]:
    """Read until the end, which for a stall comes after so many bytes."""
    received = bytearray()
    while True:
        stalled = stalls_after is not None and len(received) >= stalls_after
        sock.settimeout(SILENCE if stalled else 30)
        try:
            data = sock.recv(1 << 20)
        except ConnectionResetError:
            return bytes(received), "reset"
        except TimeoutError:
            return bytes(received), "silence"
        if not data:
            return bytes(received), "close"
        received += data


def ask(port: int, stalls_after: int | None = None) -> tuple[bytes, str]:
    with connect(port) as sock:
        sock.sendall(REQUEST)
        return read_to_end(sock, stalls_after)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_passes_everything(server: FaultServer, proxy: FaultProxy) -> None:
    received, end = ask(proxy.port)
    assert received.endswith(b"\r\n\r\n" + DATA)
    assert end == "close"
    assert len(server.requests) == proxy.connections == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells when bytes have arrived")
@pytest.mark.parametrize("offset", [0, 1, 100, 1 << 20])
def test_reset_at(proxy: FaultProxy, offset: int) -> None:
    proxy.faults.add(stream.ResetAt(offset))
    received, end = ask(proxy.port)
    assert (len(received), end) == (offset, "reset")


@pytest.mark.parametrize("offset", [0, 1, 100, 1 << 20])
def test_close_at(proxy: FaultProxy, offset: int) -> None:
    proxy.faults.add(stream.CloseAt(offset))
    received, end = ask(proxy.port)
    assert (len(received), end) == (offset, "close")


@pytest.mark.parametrize("offset", [0, 1, 100, 1 << 20])
def test_stall_at(server: FaultServer, proxy: FaultProxy, offset: int) -> None:
    proxy.faults.add(stream.StallAt(offset))
    received, end = ask(proxy.port, stalls_after=offset)
    assert (len(received), end) == (offset, "silence")
    wait_until(lambda: server.open_connections == 0)


def test_stall_for_a_while(proxy: FaultProxy) -> None:
    proxy.faults.add(stream.StallAt(1000, seconds=0.1))
    started = time.monotonic()
    received, end = ask(proxy.port)
    assert received.endswith(DATA)
    assert end == "close"
    assert time.monotonic() - started >= 0.1


def test_bit_flips(proxy: FaultProxy) -> None:
    head = len(ask(proxy.port)[0]) - len(DATA)
    flipped = bytearray(DATA)
    for bit, offset in enumerate([0, 9, 10, 300_000, len(DATA) - 1]):
        flipped[offset] ^= 1 << bit
        proxy.faults.add(stream.BitFlip(head + offset, bit))
    assert ask(proxy.port)[0][head:] == flipped


def test_offsets_count_over_all_replies_of_a_connection(proxy: FaultProxy) -> None:
    right, _ = ask(proxy.port)
    proxy.faults.add(stream.CloseAt(len(right) + 100))
    with connect(proxy.port) as sock:
        sock.sendall(KEEP_ALIVE)
        received, end = read_to_end(sock, stalls_after=len(right))
        assert (len(received), end) == (len(right), "silence")
        sock.sendall(KEEP_ALIVE)
        received, end = read_to_end(sock)
        assert (len(received), end) == (100, "close")


def test_faults_are_chosen_by_connection(proxy: FaultProxy) -> None:
    proxy.faults.add(stream.CloseAt(0), match=lambda link: link.number == 2)
    assert [len(ask(proxy.port)[0]) == 0 for _ in range(3)] == [False, True, False]


def test_refuse_and_accept_again(proxy: FaultProxy) -> None:
    with connect(proxy.port) as sock:
        sock.sendall(KEEP_ALIVE)
        sock.recv(1)
        proxy.refuse()
        assert read_to_end(sock)[1] == "reset"
    with pytest.raises(ConnectionRefusedError):
        connect(proxy.port)
    proxy.accept()
    assert ask(proxy.port)[1] == "close"


def test_server_that_is_down_resets_clients() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with FaultProxy("127.0.0.1", port) as proxy, connect(proxy.port) as sock:
        assert read_to_end(sock) == (b"", "reset")


def test_client_that_leaves_frees_the_server(server: FaultServer, proxy: FaultProxy) -> None:
    with connect(proxy.port) as sock:
        sock.sendall(KEEP_ALIVE)
        sock.recv(1000)
        assert server.open_connections == 1
    wait_until(lambda: server.open_connections == 0)


@pytest.mark.parametrize(("to_server", "to_client"), [(0.02, 0.0), (0.0, 0.02), (0.01, 0.01)])
def test_latency_is_added_per_direction(
    server: FaultServer, to_server: float, to_client: float
) -> None:
    with FaultProxy(
        "127.0.0.1", server.port, latency_to_server=to_server, latency_to_client=to_client
    ) as proxy:
        sent = time.monotonic()
        with connect(proxy.port) as sock:
            sock.sendall(REQUEST)
            sock.recv(1)
        arrived = time.monotonic()
    assert server.requests[0].time - sent >= to_server
    assert arrived - server.requests[0].time >= to_client


def test_latency_does_not_limit_bandwidth(server: FaultServer) -> None:
    """20 pieces of 256 KiB, one after the other, would take 5 s."""
    with FaultProxy("127.0.0.1", server.port, latency_to_client=0.25) as proxy:
        started = time.monotonic()
        assert ask(proxy.port)[0].endswith(DATA)
        assert time.monotonic() - started < 2.5
