"""The requests of the loader: how many, on which connections, and when they stop."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable

import pytest

from faults import Fault, FaultServer, Request, kinds
from integration.fault_matrix import stall_timeout
from integration.pipes import config_for, list_urls, load
from objectpipes import ObjectUrl
from objectpipes.errors import (
    AccessDeniedError,
    IntegrityError,
    InvalidURLError,
    ObjectChangedError,
    ObjectNotFoundError,
    ObjectStoreError,
)
from objectpipes.iter import S3FileLoader

KIB = 1 << 10
MIB = 1 << 20
URL = "s3://bucket/key"


def some_bytes(size: int, seed: int = 0) -> bytes:
    return random.Random(f"{size} {seed}").randbytes(size)


def urls_of(count: int) -> list[str]:
    return [f"s3://bucket/{i:04}" for i in range(count)]


def small_objects(count: int) -> dict[str, bytes]:
    return {f"{i:04}": some_bytes(i % 2000, i) for i in range(count)}


def connections(server: FaultServer) -> int:
    return len({request.connection for request in server.requests})


def becomes_true(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.005)
    return condition()


# --- how many ---------------------------------------------------------------------------------


def test_one_request_for_a_listed_object() -> None:
    content = small_objects(200)
    with FaultServer({"bucket": content}, checksum="CRC32C") as server:
        urls = list_urls(server)
        server.requests.clear()
        assert [data for _, data in load(server, urls)] == list(content.values())
        assert [request.operation for request in server.requests] == ["GetObject"] * 200
        assert not any(request.is_ranged for request in server.requests)


def test_one_request_for_an_object_of_unknown_size() -> None:
    with FaultServer({"bucket": small_objects(100)}) as server:
        load(server, urls_of(100))
        assert len(server.requests) == 100


def test_large_object_of_unknown_size_becomes_a_stream() -> None:
    data = some_bytes(3 * MIB)
    with FaultServer({"bucket": {"key": data}}) as server:
        loader = S3FileLoader([URL], config=config_for(server), prefetch_bytes=2 * MIB)
        for _, stream in loader:
            with pytest.raises(BufferError):
                memoryview(stream.file_obj)
            assert stream.read() == data
        assert len(server.requests) == 2


@pytest.mark.parametrize("listed", [0, 1000, 1 * MIB, 30 * MIB])
@pytest.mark.parametrize("actual", [0, 1000, 5 * MIB])
def test_size_changed_since_the_listing(listed: int, actual: int) -> None:
    """The size in a listing is only a hint."""
    data = some_bytes(actual)
    with FaultServer({"bucket": {"key": data}}) as server:
        url = ObjectUrl(URL, size=listed)
        assert load(server, [url], prefetch_bytes=8 * MIB) == [(URL, data)]


@pytest.mark.parametrize("buffer_size", [1, 256, 128 * MIB])
def test_buffer_size_makes_no_requests(buffer_size: int) -> None:
    """Torchdata's documentation said 256, and meant a request for every 256 bytes."""
    with FaultServer({"bucket": {"key": some_bytes(100_000)}}) as server:
        assert load(server, [URL], buffer_size=buffer_size) == [(URL, some_bytes(100_000))]
        assert len(server.requests) == 1


# --- on which connections ---------------------------------------------------------------------


def test_pipes_share_connections() -> None:
    with FaultServer({"bucket": small_objects(50)}) as server:
        for _ in range(3):
            load(server, list_urls(server), concurrency=1)
        assert connections(server) == 1


def test_no_more_connections_than_concurrency() -> None:
    with FaultServer({"bucket": small_objects(300)}) as server:
        load(server, urls_of(300), concurrency=5)
        assert connections(server) <= 5


def test_refusals_cost_no_connection() -> None:
    with FaultServer({"bucket": small_objects(50)}) as server:
        server.faults.add(kinds.NoSuchKey(), probability=0.3)
        load(server, urls_of(50), concurrency=1, on_error="skip")
        assert connections(server) == 1


def test_closed_connections_cost_nothing() -> None:
    """A server may close idle connections whenever it likes, even as the next request arrives."""
    with FaultServer({"bucket": small_objects(50)}) as server:
        server.faults.add(kinds.CloseOnNextRequest(), probability=0.3)
        found = load(server, urls_of(50), concurrency=1, config=config_for(server, max_attempts=1))
        assert [data for _, data in found] == list(small_objects(50).values())


# --- over several of them ---------------------------------------------------------------------

LARGE = some_bytes(40 * MIB)
SLOW = kinds.SlowDrip(20e6)  # per connection, so that several of them are faster


@pytest.mark.parametrize("prefetch_bytes", [256 * MIB, 32 * MIB], ids=["whole", "streamed"])
def test_slow_connection_gets_help(prefetch_bytes: int) -> None:
    with FaultServer({"bucket": {"key": LARGE}}, checksum="CRC64NVME") as server:
        server.faults.add(SLOW)
        began = time.monotonic()
        url = ObjectUrl(URL, size=len(LARGE))
        assert load(server, [url], prefetch_bytes=prefetch_bytes) == [(URL, LARGE)]
        assert time.monotonic() - began < len(LARGE) / SLOW.rate
        first, *others = server.requests
        assert others
        assert all(request.is_ranged and request.headers["if-match"] for request in others)


def test_single_connection_on_request() -> None:
    with FaultServer({"bucket": {"key": LARGE}}) as server:
        server.faults.add(SLOW)
        assert load(server, [URL], multi_part_download=False) == [(URL, LARGE)]
        assert len(server.requests) == 1


def is_ranged(request: Request) -> bool:
    return request.is_ranged


@pytest.mark.parametrize("prefetch_bytes", [256 * MIB, 32 * MIB], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("fault", "probability"),
    [
        (kinds.SlowDown(), 0.3),
        (kinds.InternalError(), 0.3),
        (kinds.ResetAt(100_000), 0.5),
        (kinds.CloseAt(5 * MIB), 0.5),
        (kinds.StallAt(1000), 0.2),
        (kinds.IgnoreRange(), 0.2),
        (kinds.WrongContentRange(), 0.3),
        (kinds.ChecksumOnRange(), 1.0),
        (kinds.Chunked(), 1.0),
        (kinds.ShortBody(100), 0.5),
    ],
    ids=lambda value: type(value).__name__,
)
def test_faults_of_parts(fault: Fault, probability: float, prefetch_bytes: int) -> None:
    with FaultServer({"bucket": {"key": LARGE}}, checksum="CRC64NVME") as server:
        server.faults.add(SLOW)
        rule = server.faults.add(fault, match=is_ranged, probability=probability)
        config = config_for(server, max_attempts=10, stall_timeout=stall_timeout(fault))
        url = ObjectUrl(URL, size=len(LARGE))
        found = load(server, [url], config=config, prefetch_bytes=prefetch_bytes)
        assert found == [(URL, LARGE)]
        assert rule.hits


@pytest.mark.parametrize(
    ("prefetch_bytes", "error"),
    [(256 * MIB, None), (32 * MIB, ObjectChangedError)],
    ids=["whole", "streamed"],
)
@pytest.mark.parametrize("ignored", [False, True], ids=["pinned", "IgnoreIfMatch"])
def test_parts_of_two_versions_are_never_mixed(
    ignored: bool, prefetch_bytes: int, error: type[ObjectStoreError] | None
) -> None:
    new = some_bytes(len(LARGE), seed=1)
    with FaultServer({"bucket": {"key": LARGE}}) as server:
        server.faults.add(SLOW)
        server.faults.add(kinds.ReplaceObject(new), skip=2, times=1, match=is_ranged)
        if ignored:
            server.faults.add(kinds.IgnoreIfMatch())
        url = ObjectUrl(URL, size=len(LARGE))
        if error is None:
            assert load(server, [url], prefetch_bytes=prefetch_bytes) == [(URL, new)]
        else:
            with pytest.raises(error):
                load(server, [url], prefetch_bytes=prefetch_bytes)


@pytest.mark.parametrize("prefetch_bytes", [256 * MIB, 32 * MIB], ids=["whole", "streamed"])
def test_flip_in_a_part_is_caught(prefetch_bytes: int) -> None:
    with FaultServer({"bucket": {"key": LARGE}}, checksum="SHA256") as server:
        server.faults.add(SLOW)
        server.faults.add(kinds.BitFlip(30 * MIB))
        with pytest.raises(IntegrityError):
            url = ObjectUrl(URL, size=len(LARGE))
            load(server, [url], prefetch_bytes=prefetch_bytes)


# --- order, and what is left out --------------------------------------------------------------


def test_order_is_that_of_the_source() -> None:
    """Whatever time each object takes."""
    content = small_objects(60)
    with FaultServer({"bucket": content}) as server:
        server.faults.add(kinds.StallBeforeReply(0.05), probability=0.3)
        assert load(server, urls_of(60)) == list(zip(urls_of(60), content.values(), strict=True))


def test_unordered_objects_come_as_they_arrive() -> None:
    content = small_objects(60)
    with FaultServer({"bucket": content}) as server:
        server.faults.add(kinds.StallBeforeReply(0.3), match=lambda r: r.key == "0000")
        found = load(server, urls_of(60), ordered=False)
        assert dict(found) == dict(zip(urls_of(60), content.values(), strict=True))
        assert len(found) == 60
        assert found[0][0] != urls_of(60)[0]


def test_same_object_many_times() -> None:
    with FaultServer({"bucket": {"key": b"data"}}) as server:
        assert load(server, [URL] * 100) == [(URL, b"data")] * 100


def test_bad_objects_are_skipped_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with FaultServer({"bucket": small_objects(10)}) as server:
        server.faults.add(kinds.AccessDenied(), match=lambda request: request.key == "0003")
        urls = urls_of(12)
        urls.insert(5, "http://not-s3")
        loader = S3FileLoader(urls, config=config_for(server), on_error="skip")
        with caplog.at_level(logging.WARNING, "objectpipes"):
            read = [url for url, _ in loader]
        bad = [urls_of(12)[3], "http://not-s3", urls_of(12)[10], urls_of(12)[11]]
        assert read == [url for url in urls if url not in bad]
        assert loader.skipped == len(caplog.records) == len(bad)


def test_stream_that_fails_after_its_beginning_is_not_skipped() -> None:
    with FaultServer({"bucket": {"key": some_bytes(3 * MIB)}}, checksum="SHA256") as server:
        server.faults.add(kinds.BitFlip(0))
        config = config_for(server)
        loader = S3FileLoader([URL], config=config, prefetch_bytes=4 * MIB, on_error="skip")
        for _, stream in loader:
            with pytest.raises(IntegrityError):
                stream.read()
        assert loader.skipped == 0


@pytest.mark.parametrize(
    ("position", "error"),
    [(3, AccessDeniedError), (5, InvalidURLError), (8, ObjectNotFoundError)],
)
def test_what_comes_before_an_error_is_yielded(
    position: int, error: type[ObjectStoreError]
) -> None:
    with FaultServer({"bucket": small_objects(8)}) as server:
        urls = urls_of(10)
        if error is AccessDeniedError:
            server.faults.add(kinds.AccessDenied(), match=lambda request: request.key == "0003")
        if error is InvalidURLError:
            urls[5] = "s3://"
        loader = iter(S3FileLoader(urls, config=config_for(server)))
        assert [next(loader)[0] for _ in range(position)] == urls[:position]
        with pytest.raises(error):
            next(loader)


def test_source_that_fails() -> None:
    """Objects read before the source failed are yielded before its exception is raised."""

    def source() -> object:
        yield from urls_of(5)
        raise LookupError("the source is broken")

    with FaultServer({"bucket": small_objects(5)}) as server:
        loader = iter(S3FileLoader(source(), config=config_for(server)))
        assert [next(loader)[0] for _ in range(5)] == urls_of(5)
        with pytest.raises(LookupError, match="the source is broken"):
            next(loader)


@pytest.mark.parametrize("source", [None, 1])
def test_source_of_wrong_type(source: object) -> None:
    """The error comes during iteration, like all errors about URLs."""
    with FaultServer({"bucket": {}}) as server:
        loader = S3FileLoader(source, config=config_for(server))
        with pytest.raises(TypeError, match="not iterable"):
            next(iter(loader))


@pytest.mark.parametrize("url", [None, 1])
def test_url_of_wrong_type(url: object) -> None:
    """The objects before it are yielded."""
    with FaultServer({"bucket": small_objects(5)}) as server:
        loader = iter(S3FileLoader([*urls_of(5), url], config=config_for(server)))
        assert [next(loader)[0] for _ in range(5)] == urls_of(5)
        with pytest.raises(TypeError, match="a URL must be str or bytes"):
            next(loader)


def test_slow_source_does_not_hold_objects_back() -> None:
    def source() -> object:
        for url in urls_of(3):
            yield url
            time.sleep(0.3)

    with FaultServer({"bucket": small_objects(3)}) as server:
        began = time.monotonic()
        next(iter(S3FileLoader(source(), config=config_for(server))))
        assert time.monotonic() - began < 0.8


# --- when to stop -----------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["close", "forget"])
def test_abandoned_iteration_cancels_what_is_under_way(how: str) -> None:
    """After 200 ms, all connections are idle."""
    with FaultServer({"bucket": small_objects(100)}) as server:
        server.faults.add(kinds.StallBeforeReply(), skip=10)
        config = config_for(server)
        loader = iter(S3FileLoader(urls_of(100), config=config, concurrency=20))
        next(loader)
        assert becomes_true(lambda: len(server.requests) == 10 + 20, 5)
        served = {request.connection for request in server.requests[:10]}
        began = time.monotonic()
        if how == "close":
            loader.close()  # type: ignore[attr-defined]
        else:
            del loader
        assert becomes_true(lambda: server.open_connections <= len(served), 5)
        assert time.monotonic() - began < 0.2
        time.sleep(0.1)
        assert len(server.requests) == 10 + 20


def test_closed_stream_cancels_its_transfers() -> None:
    with FaultServer({"bucket": {"key": some_bytes(5 * MIB)}}) as server:
        server.faults.add(kinds.StallAt(3 * MIB))
        config = config_for(server)
        url = ObjectUrl(URL, size=5 * MIB)
        [(_, stream)] = S3FileLoader([url], config=config, prefetch_bytes=MIB)
        assert len(stream.read(MIB)) == MIB
        assert server.open_connections == 1
        stream.close()
        assert becomes_true(lambda: server.open_connections == 0, 1)


def test_nothing_is_asked_before_the_first_object_is() -> None:
    with FaultServer({"bucket": small_objects(1)}) as server:
        loader = S3FileLoader(urls_of(1), config=config_for(server))
        iter(loader)
        time.sleep(0.05)
        assert not server.requests
