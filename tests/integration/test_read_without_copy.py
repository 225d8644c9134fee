"""Objects that are asked for as bytes are received into bytes; nobody sees more of it than the time."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from faults import FaultServer, kinds
from integration.pipes import config_for
from objectpipes.iter import IterableWrapper

pytestmark = pytest.mark.timeout(60)

SIZES = [65_535, 65_536, 65_537, 100_000, 131_072, 200_001, 1 << 20, 5_000_000]
CONTENT = {f"{i:03}": random.Random(i).randbytes(SIZES[i // 40]) for i in range(40 * len(SIZES))}
LARGE = [key for key, data in CONTENT.items() if len(data) >= 65_536]


@pytest.fixture(scope="module")
def serving() -> Iterator[FaultServer]:
    with FaultServer({"bucket": CONTENT}, checksum="CRC32C") as running:
        yield running


@pytest.fixture
def server(serving: FaultServer) -> Iterator[FaultServer]:
    yield serving
    serving.faults.clear()


def files(server: FaultServer, keys: list[str], **options: Any) -> Iterator[tuple[str, Any]]:
    urls = IterableWrapper([f"s3://bucket/{key}" for key in keys])
    for url, stream in urls.load_files_by_s3(config=config_for(server), **options):
        yield url.rpartition("/")[2], stream


def is_without_copy(stream: Any) -> bool:
    """Return whether all bytes are one object, however often they are asked for."""
    same: bool = stream.getvalue() is stream.getvalue()
    return same


@pytest.mark.parametrize("size", SIZES[1:])
def test_no_copy_once_others_were_asked_for(server: FaultServer, size: int) -> None:
    keys = [key for key, data in CONTENT.items() if len(data) == size]
    without_copy = 0
    for key, stream in files(server, keys, concurrency=2, prefetch_bytes=4 * size):
        without_copy += is_without_copy(stream)
        data = stream.read()
        assert data == CONTENT[key]
        assert len(data) == stream.size
        assert stream.read() == b""
        assert stream.seek(0) == 0
        assert stream.read() == data
    assert without_copy >= len(keys) // 2


def test_small_objects_are_copied(server: FaultServer) -> None:
    keys = [key for key in CONTENT if key not in LARGE]
    assert not any(is_without_copy(stream) for _, stream in files(server, keys))


def test_views_outlive_everything(server: FaultServer) -> None:
    views = {}
    for key, stream in files(server, LARGE):
        views[key] = stream.getbuffer(), stream.read()
    del stream
    for key, found in views.items():
        assert all(view == CONTENT[key] for view in found)


def test_part_of_an_object_is_a_copy(server: FaultServer) -> None:
    for key, stream in files(server, LARGE[:100]):
        stream.read()
        stream.seek(1)
        assert stream.read() == CONTENT[key][1:]
        stream.seek(0)
        assert stream.read(10) == CONTENT[key][:10]
        buffer = bytearray(len(CONTENT[key]))
        stream.seek(0)
        assert stream.readinto(buffer) == len(buffer)
        assert buffer == CONTENT[key]


def test_damaged_and_broken_replies_leave_nothing_behind(server: FaultServer) -> None:
    server.faults.add(kinds.BitFlip(50_000), probability=0.1, times=30)
    server.faults.add(kinds.CloseAt(60_000), probability=0.1, times=30)
    for key, stream in files(server, LARGE):
        assert stream.read() == CONTENT[key]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_child_of_a_process_that_reads(server: FaultServer) -> None:
    """The child neither uses nor frees blocks of the parent."""
    reading = files(server, LARGE)
    key, stream = next(reading)
    stream.read()
    pid = os.fork()
    if pid == 0:
        good = stream.read() == b"" and stream.getvalue() == CONTENT[key]
        del stream
        good = good and all(found.read() == CONTENT[key] for key, found in files(server, LARGE))
        os._exit(0 if good else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert all(found.read() == CONTENT[key] for key, found in reading)


def test_threads(server: FaultServer) -> None:
    """Each thread is offered what the others' objects are received into."""
    wrong: list[str] = []

    def read() -> None:
        wrong.extend(key for key, found in files(server, LARGE) if found.read() != CONTENT[key])

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(50)
        assert not thread.is_alive()
    assert not wrong
