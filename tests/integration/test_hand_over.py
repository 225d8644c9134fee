"""Objects from workers of a DataLoader arrive unchanged, through shared memory."""

from __future__ import annotations

import gc
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from torch.utils.data import DataLoader
from torch.utils.data.datapipes.utils.common import StreamWrapper

from faults import FaultServer
from integration.pipes import config_for
from objectpipes.iter import IterableWrapper

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has memory without a name"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
]

SIZES = [0, 1, 16_383, 16_384, 100_000, 1_000_000]
CONTENT = {f"{i:03}": random.Random(i).randbytes(SIZES[i % len(SIZES)]) for i in range(120)}
EXPECTED = {f"s3://bucket/{key}": data for key, data in CONTENT.items()}


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer({"bucket": CONTENT}) as running:
        yield running


def loader(server: FaultServer, *, rounds: int = 1, **options: Any) -> DataLoader[Any]:
    urls = IterableWrapper([*EXPECTED] * rounds).sharding_filter()
    files = urls.load_files_by_s3(config=config_for(server))
    return DataLoader(files, num_workers=2, collate_fn=list, **{"batch_size": 8, **options})


def shared_memory_in_use() -> int:
    """Return the bytes of the arenas that are mapped here."""
    total, here = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split()[0]:
            here = "memfd:objectpipes" in line
        elif here and line.startswith("Rss:"):
            total += int(line.split()[1]) << 10
    return total


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_objects_arrive_whole(server: FaultServer, method: str) -> None:
    found: dict[str, bytes] = {}
    for batch in loader(server, multiprocessing_context=method):
        for url, stream in batch:
            assert stream.tell() == 0
            found[url] = stream.read()
    assert found == EXPECTED


def test_readers_keep_what_they_know(server: FaultServer) -> None:
    for batch in loader(server):
        for url, stream in batch:
            if len(EXPECTED[url]) >= SIZES[3]:
                assert (stream.url, stream.size) == (url, len(EXPECTED[url]))
                assert (stream.attempts, stream.closed) == (1, False)
                assert bytes(stream.getbuffer()) == EXPECTED[url]


def test_bytes_pass_through_shared_memory(server: FaultServer) -> None:
    """Otherwise all other tests here would also pass with pipes."""
    for batch in loader(server):
        last = batch
    assert shared_memory_in_use() > 0
    del last


def test_position_is_kept(server: FaultServer) -> None:
    pipe = IterableWrapper([*EXPECTED]).sharding_filter()
    files = pipe.load_files_by_s3(config=config_for(server)).map(_read_some)
    for url, stream in DataLoader(files, num_workers=2, batch_size=None):
        assert stream.tell() == min(10, len(EXPECTED[url]))
        assert stream.read() == EXPECTED[url][10:]


def test_objects_may_be_kept(server: FaultServer) -> None:
    """If objects exceed the memory that a worker can share, the rest comes through the pipe."""
    content = {f"{i:02}": random.Random(i).randbytes(8 << 20) for i in range(4)}
    urls = [f"s3://bucket/{key}" for key in content] * 20  # 320 MiB for each worker
    with FaultServer({"bucket": content}) as running:
        files = IterableWrapper(urls).sharding_filter().load_files_by_s3(config=config_for(running))
        kept = list(DataLoader(files, num_workers=2, batch_size=None, prefetch_factor=1))
    assert len(kept) == len(urls)
    for url, stream in kept:
        assert stream.getbuffer() == content[url.rpartition("/")[2]]


def test_nothing_is_overwritten_while_it_is_kept(server: FaultServer) -> None:
    kept: list[tuple[str, StreamWrapper]] = []
    for index, batch in enumerate(loader(server, rounds=10)):
        kept += batch[:1] if index % 5 == 0 else []
    for url, stream in kept:
        assert stream.read() == EXPECTED[url]


def test_views_keep_the_memory(server: FaultServer) -> None:
    views = [
        (url, stream.getbuffer())
        for batch in loader(server, rounds=5)
        for url, stream in batch
        if len(EXPECTED[url]) >= SIZES[3]
    ]
    gc.collect()
    assert all(view == EXPECTED[url] for url, view in views)


def test_children_of_the_main_process_free_nothing(server: FaultServer) -> None:
    """They inherit the readers, and release them when they end."""
    batches = iter(loader(server, rounds=10, prefetch_factor=1))
    kept = next(batches) + next(batches)
    child = os.fork()
    if child == 0:
        kept.clear()
        gc.collect()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    for batch in batches:
        assert all(stream.read() == EXPECTED[url] for url, stream in batch)
    assert all(stream.read() == EXPECTED[url] for url, stream in kept)


def test_memory_of_workers_that_ended_is_given_back(server: FaultServer) -> None:
    """It is returned when the next workers hand over something."""
    in_use = []
    for _ in range(6):
        for batch in loader(server):
            del batch
        in_use.append(shared_memory_in_use())
    assert max(in_use) <= 3 * in_use[0]


def _read_some(item: tuple[str, StreamWrapper]) -> tuple[str, StreamWrapper]:
    item[1].read(10)
    return item
