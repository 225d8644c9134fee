"""Threads use objects of the engine at the same time, and close them under each other."""

from __future__ import annotations

import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from typing import Any

import pytest

from faults import FaultServer, kinds
from integration.pipes import CREDENTIALS, config_for
from objectpipes import Credentials, ObjectUrl, S3Config
from objectpipes._store import Store
from objectpipes.iter import S3FileLoader
from objectpipes.options import ListFilters, ReadOptions

MIB = 1 << 20
URL = "s3://bucket/key"
THREADS = 8


def at_once(work: Callable[[], object]) -> None:
    """Call `work` in many threads, and raise an exception of any of them."""
    barrier = threading.Barrier(THREADS)
    raised: list[BaseException] = []

    def run() -> None:
        try:
            barrier.wait()
            work()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


@contextmanager
def switching_often() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def window_of(config: S3Config) -> Any:
    options = ReadOptions(prefetch_bytes=MIB, ordered=False, timeout=60)
    return Store.reached_by(config).open_window(options)


def listing_of(config: S3Config) -> Any:
    return Store.reached_by(config).open_listing("s3://bucket", ListFilters())


def open_stream(server: FaultServer, size: int) -> Any:
    """Return torch's wrapper, which closes the reader that is its ``file_obj`` when it goes."""
    [(_, stream)] = S3FileLoader(
        [ObjectUrl(URL, size=size)], config=config_for(server), prefetch_bytes=MIB
    )
    return stream


# --- closed under a reader ----------------------------------------------------------------------


def closed_soon(target: Any) -> threading.Timer:
    timer = threading.Timer(0.2, target.close)
    timer.start()
    return timer


@pytest.mark.parametrize("method", ["read", "readline", "readall", "getvalue"])
def test_a_stream_is_closed_by_another_thread(method: str) -> None:
    with FaultServer({"bucket": {"key": bytes(3 * MIB)}}) as server:
        server.faults.add(kinds.StallAt(2 * MIB))
        stream = open_stream(server, 3 * MIB)
        closed_soon(stream.file_obj)
        with pytest.raises(ValueError, match=r"I/O operation on closed file\."):
            getattr(stream.file_obj, method)()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no timer signals")
def test_a_stream_is_closed_by_a_signal_handler() -> None:
    with FaultServer({"bucket": {"key": bytes(3 * MIB)}}) as server:
        server.faults.add(kinds.StallAt(2 * MIB))
        stream = open_stream(server, 3 * MIB)
        before = signal.signal(signal.SIGALRM, lambda *_: stream.file_obj.close())
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(ValueError, match="closed file"):
                stream.file_obj.read()
        finally:
            signal.signal(signal.SIGALRM, before)


def test_a_window_is_closed_by_another_thread() -> None:
    with FaultServer({"bucket": {"key": b"data"}}) as server:
        server.faults.add(kinds.StallBeforeReply())
        window = window_of(config_for(server))
        window.submit([URL])
        closed_soon(window)
        with pytest.raises(ValueError, match="the window is closed"):
            window.take(1, True)


def test_a_listing_is_closed_by_another_thread() -> None:
    with FaultServer({"bucket": {"key": b"data"}}) as server:
        server.faults.add(kinds.StallBeforeReply())
        listing = listing_of(config_for(server))
        closed_soon(listing)
        assert listing.next_page() is None


# --- used by many -------------------------------------------------------------------------------


def test_a_stream_is_read_by_many_threads() -> None:
    """Each read returns bytes of the object that belong together, whoever moved the position."""
    words = [i.to_bytes(8, "big") for i in range(3 * MIB // 8)]
    data = b"".join(words)

    def read(stream: Any) -> None:
        draw = random.Random()
        for _ in range(40):
            stream.seek(draw.randrange(len(words)) * 8)
            found = stream.read(draw.choice([8, 800, 400_000]))
            assert data[int.from_bytes(found[:8], "big") * 8 :][: len(found)] == found

    with FaultServer({"bucket": {"key": data}}) as server, switching_often():
        stream = open_stream(server, len(data))
        at_once(partial(read, stream.file_obj))


def test_a_window_is_emptied_by_many_threads() -> None:
    """Each object goes to one thread, with its URL; closing the window ends the waits."""
    content = {f"{i:03}": b"%03d" % i * 1000 for i in range(400)}
    urls = iter([f"s3://bucket/{key}" for key in content])
    lock = threading.Lock()
    delivered: list[tuple[str, bytes]] = []

    def work(window: Any) -> None:
        with suppress(ValueError):
            while True:
                with lock:
                    pulled = list(islice(urls, 5))
                window.submit(pulled)
                items, failure = window.take(3, True)
                assert failure is None
                delivered.extend((url, reader.read()) for url, reader in items)
                if len(delivered) == len(content):
                    window.close()

    with FaultServer({"bucket": content}) as server, switching_often():
        at_once(partial(work, window_of(config_for(server))))
    assert sorted(delivered) == [(f"s3://bucket/{key}", data) for key, data in content.items()]


def test_a_listing_is_read_by_many_threads() -> None:
    content = {f"{i:03}": b"" for i in range(200)}
    listed: list[str] = []

    def work(listing: Any) -> None:
        while (page := listing.next_page()) is not None:
            listed.extend(page)

    with FaultServer({"bucket": content}, page_size=5) as server, switching_often():
        at_once(partial(work, listing_of(config_for(server))))
    assert sorted(listed) == [f"s3://bucket/{key}" for key in content]


def test_credentials_are_renewed_for_many_threads() -> None:
    """Pipes of one configuration share a client, whose credentials any of them may replace."""
    content = {f"{i:02}": b"data" for i in range(40)}
    urls = [f"s3://bucket/{key}" for key in content]

    def renewed() -> Credentials:
        time.sleep(0.001)
        return Credentials(CREDENTIALS.access_key, CREDENTIALS.secret_key, str(random.random()))

    with FaultServer({"bucket": content}) as server, switching_often():
        server.faults.add(kinds.ExpiredToken(), times=2)
        config = config_for(server, credentials=renewed)

        def read() -> None:
            loader = S3FileLoader(urls, config=config)
            assert [stream.read() for _, stream in loader] == list(content.values())

        at_once(read)
