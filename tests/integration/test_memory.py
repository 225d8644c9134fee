"""What a process holds is one budget, in resident bytes, whatever is read in which way."""

from __future__ import annotations

import asyncio
import operator
import ssl
import sys
import textwrap
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import objectpipes
from faults import FaultServer, kinds
from integration.pipes import config_for
from integration.programs import CONFIG, finish, start
from objectpipes import ObjectUrl, S3Config, aio
from objectpipes._store import Store
from objectpipes.iter import S3FileLoader
from objectpipes.torch._reading import read_in_order
from servers.tls import issue_certificate

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]

KIB = 1 << 10
MIB = 1 << 20
BUDGET = 32 * MIB  # small, so that objects may be, too
SLACK = 64 * MIB  # of the promise: for all else in the process

# Prints how far the program's own memory rose above what it was at first; what workers have handed
# over counts apart. `settled` waits until nothing more is read ahead. `load` is what pipes do,
# without torch.
MEASURE = f"""
import threading
import objectpipes
from objectpipes._store import Store
from objectpipes.options import ReadOptions

BUDGET = {BUDGET}

def resident():
    with open("/proc/self/statm") as file:
        _, resident, shared, *_ = map(int, file.read().split())
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")

peak = 0
def watch():
    global peak
    while True:
        peak = max(peak, resident())
        time.sleep(0.002)

def settled():
    seen = -1
    while seen != (seen := (peak, objectpipes.stats())):
        time.sleep(0.3)

def load(urls, **options):
    options = ReadOptions(**{{"prefetch_bytes": BUDGET, **options}})
    return Store.of(urls[0], config).read(urls, options)

[(_, warm)] = load(["s3://bucket/warm"])
warm.read()
del warm
before = peak = resident()
threading.Thread(target=watch, daemon=True).start()
"""


def rise(script: str, content: Mapping[str, bytes], *faults: kinds.Chunked) -> int:
    """Return by how much a program's memory rose; it prints nothing, and fails by itself."""
    with FaultServer({"bucket": {"warm": b"warm", **content}}) as server:
        for fault in faults:
            server.faults.add(fault, match=lambda request: request.key in content)
        return rise_at(server, script)


def rise_at(server: FaultServer, script: str) -> int:
    program = MEASURE + textwrap.dedent(script) + "\nprint(peak - before)\n"
    return int(finish(start(program, server, CONFIG), 200))


def test_objects_of_all_sizes() -> None:
    """4 KiB to 64 MiB, read slower than they come."""
    script = """
        for url, stream in load(list(objectpipes.list_objects("s3://bucket", config=config))):
            time.sleep(0.01)
            while stream.read(1 << 20):
                pass
            del stream
    """
    sizes = [4 * KIB, 100 * KIB, 64 * MIB, 1 * MIB, 5 * MIB, 20 * KIB, 17 * MIB, 8 * MIB, 3 * MIB]
    assert (
        rise(script, {f"{i:03}": bytes(size) for i, size in enumerate(sizes * 2)}) <= BUDGET + SLACK
    )


def test_chunked_bodies_of_unknown_size() -> None:
    """None is held whole, and each comes whole."""
    script = """
        for _, stream in load(["s3://bucket/large"] * 2):
            settled()
            total = 0
            while piece := stream.read(1 << 20):
                total += len(piece)
            assert total == 160 << 20
            del stream
    """
    assert rise(script, {"large": bytes(160 * MIB)}, kinds.Chunked(MIB)) <= BUDGET + SLACK


@pytest.mark.parametrize("size", [1 * MIB, 7 * MIB, 40 * MIB])
@pytest.mark.parametrize("listed", [True, False])
def test_pipes_that_nobody_waits_for(size: int, listed: bool) -> None:
    """All read ahead together within one budget, and every one delivers."""
    script = f"""
        size = {size}
        url = ObjectUrl("s3://bucket/key", size=size) if {listed} else "s3://bucket/key"
        pipes = [iter(load(["s3://bucket/warm"] + [url] * 40)) for _ in range(24)]
        for pipe in pipes:
            next(pipe)
        settled()
        for pipe in pipes:
            _, stream = next(pipe)
            assert sum(map(len, iter(lambda: stream.read(1 << 20), b""))) == size
    """
    assert rise(script, {"key": bytes(size)}) <= BUDGET + SLACK


@pytest.mark.parametrize("size", [5 * MIB, 10 * MIB])
def test_threads_that_all_wait_for_bodies_of_unknown_size(size: int) -> None:
    """What is awaited may go over the budget, but not all of it together; and none is stuck."""
    script = f"""
        pipes = [iter(load(["s3://bucket/warm"] + ["s3://bucket/key"] * 8)) for _ in range(24)]
        for pipe in pipes:
            next(pipe)
        settled()

        def run(pipe):
            _, stream = next(pipe)
            assert sum(map(len, iter(lambda: stream.read(1 << 20), b""))) == {size}

        threads = [threading.Thread(target=run, args=(pipe,)) for pipe in pipes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    """
    assert rise(script, {"key": bytes(size)}, kinds.Chunked(MIB)) <= BUDGET + SLACK


def of_a_pipe(urls: list[str], config: S3Config) -> Iterator[Any]:
    return map(operator.itemgetter(1), S3FileLoader(urls, config=config))


def of_a_dataset(urls: list[str], config: S3Config) -> Iterator[Any]:
    return read_in_order(urls, Store.of(urls[0], config))


def of_functions(urls: list[str], config: S3Config) -> Iterator[Any]:
    return map(operator.itemgetter(1), objectpipes.read_objects(urls, config=config))


def of_aio(urls: list[str], config: S3Config) -> Iterator[Any]:
    loop = asyncio.new_event_loop()
    objects = aio.read_objects(urls, config=config)

    async def following() -> Any:
        return (await anext(objects))[1]._reader

    try:
        while True:
            yield loop.run_until_complete(following())
    finally:
        loop.run_until_complete(objects.aclose())
        loop.close()


@pytest.mark.parametrize("read", [of_functions, of_a_pipe, of_a_dataset, of_aio])
def test_an_iterator_keeps_nothing_of_what_it_has_yielded(
    read: Callable[[list[str], S3Config], Iterator[Any]],
) -> None:
    """Pipes that nobody iterates on would each hold an object that nobody uses."""
    with FaultServer({"bucket": {f"{i}": bytes(100_000) for i in range(40)}}) as server:
        readers = read([f"s3://bucket/{i}" for i in range(40)], config_for(server))
        for _ in range(3):
            reader = next(readers)
            assert len(reader.read()) == 100_000
            gone = weakref.ref(reader)
            del reader
            assert gone() is None
        del readers


UNREAD = """
    size = 40 << 20
    urls = [ObjectUrl(f"s3://bucket/key{i}", size=size) for i in range(24)]
    held = [stream for _, stream in load(urls)]
    settled()
    for stream in held[::-13]:
        assert sum(map(len, iter(lambda: stream.read(1 << 20), b""))) == size
"""


@pytest.mark.parametrize("tls", [False, True])
def test_streams_that_nobody_reads(
    tls: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a shuffle buffer behind the loader holds them: any one can still be read."""
    data = bytes(40 * MIB)
    content = {"bucket": {"warm": b"", **{f"key{i}": data for i in range(40)}}}
    context = None
    if tls:
        certificate = issue_certificate(tmp_path / "certificate")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate.ca_file))
    with FaultServer(content, tls=context) as server:
        assert rise_at(server, UNREAD) <= BUDGET + SLACK


def test_listings_that_nobody_reads_on() -> None:
    """Each holds a page that was taken, and one that came ahead, of a thousand long keys."""
    script = """
        listings = [objectpipes.list_objects("s3://bucket", config=config) for _ in range(40)]
        for listing in listings:
            next(listing)
        settled()
    """
    keys = {f"{i:04}/{'directory/' * 90}": b"" for i in range(3000)}
    assert rise(script, keys) <= BUDGET + SLACK


def test_epochs_of_forked_workers() -> None:
    """A parent that lives long hands nothing of an epoch on to the workers of the next."""
    script = """
        from torch.utils.data import DataLoader
        from objectpipes.iter import IterableWrapper, S3FileLoader
        before = peak = resident()

        def shared():
            arenas = open("/proc/self/smaps").read().split("memfd:objectpipes")[1:]
            return sum(int(arena.split("Rss:", 1)[1].split()[0]) << 10 for arena in arenas)

        urls = IterableWrapper([f"s3://bucket/{i}" for i in range(40)]).sharding_filter()
        files = urls.load_files_by_s3(config=config, prefetch_bytes=BUDGET)
        high = 0
        for epoch in range(20):
            loader = DataLoader(files, num_workers=2, batch_size=None)
            read = 0
            for _, stream in loader:
                read += len(stream.read())
            assert read == 40 << 20
            high = max(high, shared())  # the last stream keeps its arena
        assert 1 << 20 <= high <= 256 << 20, high
    """
    assert rise(script, {f"{i}": bytes(MIB) for i in range(40)}) <= BUDGET + SLACK


@pytest.mark.parametrize("size", [10 * MIB, 60 * MIB])
def test_large_objects_stay_within_the_budget(size: int) -> None:
    """Those that are handed over at once are still there while others take their room."""
    prefetch_bytes = 256 * MIB
    count = 2 * prefetch_bytes // size + 2
    before = objectpipes.stats()["bytes"]

    def read_ahead_of(consumed: int) -> int:
        """Return how much there is once nothing more comes."""
        come = -1
        while come != (come := objectpipes.stats()["bytes"] - before):
            time.sleep(0.2)
        return come - consumed

    with FaultServer({"bucket": {"key": bytes(size)}}) as server:
        urls = [ObjectUrl("s3://bucket/key", size=size)] * count
        loader = S3FileLoader(urls, config=config_for(server), prefetch_bytes=prefetch_bytes)
        for number, _ in zip(range(1, 4), loader, strict=False):
            assert read_ahead_of(number * size) <= prefetch_bytes + size


def test_epochs_do_not_add_up() -> None:
    """Nor do abandoned ones."""
    script = """
        def resident():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * 4096

        def epoch(stop=None):
            urls = S3FileLister(["s3://bucket"], config=config)
            for i, (url, stream) in enumerate(S3FileLoader(urls, config=config)):
                if i == stop:
                    break
                stream.read()

        epoch()
        epoch(50)
        before = resident()
        for i in range(10):
            epoch(i * 10)
        print(resident() - before)
    """
    content = {f"{i:03}": bytes(i * 2000) for i in range(100)}
    with FaultServer({"bucket": content}) as server:
        grown = int(finish(start(script, server), 200))
    assert grown < 48 * MIB
