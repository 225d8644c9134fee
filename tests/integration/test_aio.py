"""Objects are listed, read and opened without blocking the event loop."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any

import pytest

from faults import FaultServer, kinds
from objectpipes import ObjectUrl, S3Config, aio
from objectpipes.errors import ConfigError, InvalidURLError, ObjectNotFoundError

from .pipes import config_for

MIB = 1 << 20
BIG = os.urandom(3 * MIB)
OBJECTS = {**{f"small/{number:03}": os.urandom(500) for number in range(200)}, "big": BIG}
URLS = [f"s3://bucket/{key}" for key in OBJECTS]
EXPECTED = {f"s3://bucket/{key}": data for key, data in OBJECTS.items()}


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer({"bucket": OBJECTS}) as server:
        yield server


@pytest.fixture
def config(server: FaultServer) -> Iterator[S3Config]:
    yield config_for(server)
    server.faults.clear()


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a test that must not hang."""

    async def limited() -> None:
        await asyncio.wait_for(work, 60)

    asyncio.run(limited())


async def source(urls: list[str]) -> AsyncIterator[str]:
    for url in urls:
        yield url


def test_list(config: S3Config) -> None:
    async def work() -> None:
        found = [url async for url in aio.list_objects("s3://bucket/", config=config)]
        assert sorted(found) == sorted(URLS)
        assert all(isinstance(url, ObjectUrl) and url.size is not None for url in found)
        few = [url async for url in aio.list_objects("s3://bucket/", config=config, masks="*/00?")]
        assert len(few) == 10

    run(work())


@pytest.mark.parametrize(("prefetch_bytes", "count"), [(1, 4), (MIB, 201), (256 * MIB, 201)])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_read(config: S3Config, asynchronous: bool, prefetch_bytes: int, count: int) -> None:
    """With memory for reading many ahead, and for none."""
    wanted = URLS[-count:]

    async def work() -> None:
        urls = source(wanted) if asynchronous else wanted
        objects = aio.read_objects(urls, config=config, prefetch_bytes=prefetch_bytes)
        read = [(url, await reader.read()) async for url, reader in objects]
        assert read == [(url, EXPECTED[url]) for url in wanted]
        assert all(isinstance(url, ObjectUrl) for url, _ in read)

    run(work())


def test_read_what_is_listed_in_any_order(config: S3Config) -> None:
    async def work() -> None:
        urls = aio.list_objects("s3://bucket/", config=config)
        objects = aio.read_objects(urls, config=config, ordered=False)
        assert {url: await reader.read() async for url, reader in objects} == EXPECTED
        assert [url async for url, _ in aio.read_objects([], config=config)] == []

    run(work())


def test_what_has_arrived_does_not_wait_for_the_source(config: S3Config) -> None:
    async def work() -> None:
        more = asyncio.Event()

        async def waiting() -> AsyncIterator[str]:
            yield URLS[0]
            await more.wait()
            yield URLS[1]

        objects = aio.read_objects(waiting(), config=config)
        assert (await anext(objects))[0] == URLS[0]
        more.set()
        assert (await anext(objects))[0] == URLS[1]
        with pytest.raises(StopAsyncIteration):
            await anext(objects)

    run(work())


@pytest.mark.parametrize("prefetch_bytes", [1, 256 * MIB])
def test_open(config: S3Config, prefetch_bytes: int) -> None:
    async def work() -> None:
        opened = await aio.open_object(
            "s3://bucket/big", config=config, prefetch_bytes=prefetch_bytes
        )
        async with opened as reader:
            assert (reader.size, reader.url) == (len(BIG), "s3://bucket/big")
            assert await reader.read(10) == BIG[:10]
            assert await reader.seek(-5, 2) == len(BIG) - 5
            assert await reader.read() == BIG[-5:]
            assert await reader.seek(MIB) == await reader.tell() == MIB
            buffer = bytearray(100)
            assert await reader.readinto(buffer) == 100
            assert buffer == BIG[MIB : MIB + 100]
            assert await reader.getbuffer() == BIG
            await reader.seek(0)
            assert b"".join([line async for line in reader]) == BIG
        assert reader.closed
        with pytest.raises(ValueError, match="closed"):
            await reader.read()

    run(work())


def test_open_many_at_once(config: S3Config) -> None:
    async def read(url: str) -> bytes:
        async with await aio.open_object(url, config=config) as reader:
            return await reader.read()

    async def work() -> None:
        assert await asyncio.gather(*map(read, URLS)) == list(EXPECTED.values())

    run(work())


def test_errors(config: S3Config) -> None:
    async def work() -> None:
        with pytest.raises(ObjectNotFoundError):
            await aio.open_object("s3://bucket/none", config=config)
        with pytest.raises(InvalidURLError):
            await aio.open_object("none", config=config)
        with pytest.raises(InvalidURLError):
            await anext(aio.list_objects("http://host"))
        with pytest.raises(ConfigError):
            aio.read_objects([], timeout=-1)
        with pytest.raises(ConfigError):
            aio.list_objects("s3://bucket", min_size=-1)
        with pytest.raises(TypeError, match="must be str or bytes"):
            await anext(aio.read_objects([None], config=config))  # type: ignore[list-item]
        urls = [URLS[0], "s3://bucket/none", URLS[1]]
        skipping = aio.read_objects(source(urls), config=config, on_error="skip")
        assert [url async for url, _ in skipping] == [URLS[0], URLS[1]]
        objects = aio.read_objects(urls, config=config)
        assert (await anext(objects))[0] == URLS[0]
        with pytest.raises(ObjectNotFoundError):
            await anext(objects)

    run(work())


def test_error_of_the_source_comes_after_what_came_before(config: S3Config) -> None:
    async def failing() -> AsyncIterator[str]:
        yield URLS[0]
        raise KeyError("source")

    async def work() -> None:
        objects = aio.read_objects(failing(), config=config)
        assert await (await anext(objects))[1].read() == EXPECTED[URLS[0]]
        with pytest.raises(KeyError, match="source"):
            await anext(objects)

    run(work())


async def beats_during(work: Coroutine[Any, Any, Any]) -> int:
    """Return how often another task ran in the event loop while something waited."""
    beats = 0

    async def heart() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.01)
            beats += 1

    beating = asyncio.create_task(heart())
    try:
        await work
    finally:
        beating.cancel()
    return beats


def test_event_loop_goes_on(server: FaultServer, config: S3Config) -> None:
    """The server is silent for a second during opening, reading and listing."""

    async def opening() -> None:
        async with await aio.open_object(URLS[0], config=config) as reader:
            await reader.read()

    async def reading() -> None:
        async for _, reader in aio.read_objects(["s3://bucket/big"], config=config):
            await reader.read()

    async def listing() -> None:
        async for _ in aio.list_objects("s3://bucket/", config=config):
            pass

    async def work() -> None:
        await opening()  # what is loaded once has been
        for slow in (opening, reading, listing):
            server.faults.add(kinds.StallBeforeReply(1.0), times=1)
            assert await beats_during(slow()) >= 20

    run(work())


def test_cancelled_waits_end_and_leave_nothing(server: FaultServer, config: S3Config) -> None:
    """The server never answers: cancelling ends the wait at once, and its thread soon."""

    async def opening() -> None:
        await aio.open_object(URLS[0], config=config)

    async def reading() -> None:
        async for _ in aio.read_objects(URLS, config=config):
            pass

    async def listing() -> None:
        async for _ in aio.list_objects("s3://bucket/", config=config):
            pass

    async def work() -> None:
        server.faults.add(kinds.StallBeforeReply())
        for waiting in (opening, reading, listing):
            task = asyncio.create_task(waiting())
            await asyncio.sleep(0.5)
            task.cancel()
            began = time.monotonic()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - began < 5

    run(work())
    began = time.monotonic()
    aio._threads(os.getpid()).shutdown()  # joins them: none waits for the server any more
    aio._threads.cache_clear()
    assert time.monotonic() - began < 10


def test_closing_ends_what_waits(server: FaultServer, config: S3Config) -> None:
    async def work() -> None:
        reader = await aio.open_object("s3://bucket/big", config=config, prefetch_bytes=1)
        server.faults.add(kinds.StallBeforeReply())
        await reader.seek(2 * MIB)
        reading = asyncio.create_task(reader.read())
        await asyncio.sleep(0.2)
        await reader.close()
        with pytest.raises(ValueError, match="closed"):
            await reading

    run(work())


def test_abandoned_iterators_are_closed(config: S3Config) -> None:
    async def work() -> None:
        async for _ in aio.read_objects(URLS, config=config):
            break
        async for _ in aio.list_objects("s3://bucket/", config=config):
            break
        gc.collect()
        await asyncio.sleep(0)

    before = threading.active_count()
    for _ in range(10):
        run(work())
    assert threading.active_count() <= before + aio._MAX_THREADS
