"""With any fault of a node, a read returns exact bytes or raises the right exception, in time."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from faults import Fault, FaultServer, Request, kinds
from faults.fault import Serve
from faults.messages import Reply
from faults.store import Store
from integration.ais_gateway import FaultNode
from integration.clusters import running
from integration.fault_matrix import BYTES, Outcome, Row, assert_comes_to, stall_timeout
from objectpipes import AISConfig, ObjectUrl, stats
from objectpipes.errors import (
    AccessDeniedError,
    BucketNotFoundError,
    EndpointError,
    IntegrityError,
    ObjectChangedError,
    ObjectNotFoundError,
    ProtocolError,
    ReadTimeoutError,
    ServerError,
    ThrottledError,
)
from objectpipes.iter import AISFileLister, AISFileLoader
from servers import AIStore

SIZES = [128 << 10, 6 << 20]  # the larger one is streamed
PREFETCH_BYTES = 16 << 20
SMALL = {f"small {number:02}": random.Random(number).randbytes(5000) for number in range(40)}


def name_of(size: int) -> str:
    return f"{size} bytes"


def data_of(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@dataclass(frozen=True)
class Refusal(Fault):
    """An error as AIStore writes it."""

    status: int
    tcode: str = ""
    message: str = "says the fault node"

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        document = {"tcode": self.tcode, "message": self.message, "status": self.status}
        return Reply(self.status).with_body(json.dumps(document).encode())


class WrongChecksum(Fault):
    """A checksum that does not match the body."""

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        return serve(request).with_headers({"Ais-Checksum-Value": "0123456789abcdef"})


class WithoutIdentity(Fault):
    """Neither version nor checksum."""

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        return serve(request).with_headers({"Ais-Version": None, "Ais-Checksum-Value": None})


@dataclass(frozen=True)
class Nodes:
    """A gateway and a target, in front of those of a cluster with one target."""

    gateway: FaultServer
    target: FaultServer


@pytest.fixture(scope="module")
def cluster() -> Iterator[Nodes]:
    with running(AIStore(targets=1)) as cluster:
        cluster.create_bucket("bucket")
        for size in SIZES:
            cluster.put("bucket", name_of(size), data_of(size))
        for name, data in SMALL.items():
            cluster.put("bucket", name, data)
        cluster.create_bucket("ranges", {"checksum": {"type": "md5", "enable_read_range": True}})
        cluster.put("ranges", "key", data_of(RANGED))
        url = cluster.targets[0].url
        with (
            FaultNode(url) as target,
            FaultNode(cluster.endpoint, {url: target.endpoint}) as gateway,
        ):
            # There is no other gateway to turn to: test_ais_clusters.py has those.
            gateway.stand_in_for(cluster.endpoint)
            yield Nodes(gateway, target)


@pytest.fixture
def nodes(cluster: Nodes) -> Iterator[Nodes]:
    """Return the nodes, without faults."""
    yield cluster
    cluster.gateway.faults.clear()
    cluster.target.faults.clear()


def config_for(nodes: Nodes, fault: Fault, *, always: bool) -> AISConfig:
    return AISConfig(
        endpoint_url=nodes.gateway.endpoint,
        # With one attempt, what a target refuses is still asked of the gateway.
        max_attempts=1 if always else 3,
        stall_timeout=stall_timeout(fault),
    )


def load(url: str, config: AISConfig) -> list[tuple[str, bytes]]:
    loader = AISFileLoader([url], config=config, prefetch_bytes=PREFETCH_BYTES)
    return [(url, opened.read()) for url, opened in loader]


def is_read(request: Request) -> bool:
    return request.path.startswith("/v1/objects/")


def is_list(request: Request) -> bool:
    return request.path.startswith("/v1/buckets/") and request.method == "GET"


# --- a target ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class TargetRow(Row):
    """The outcomes of a read whose target has a fault.

    Attributes
    ----------
    resumed
        The fault is about ranges: the read is broken before, so that it has to be resumed.
    streamed
        What a streamed read comes to, if that is worse: it cannot begin anew.
    """

    resumed: bool = False
    streamed: Outcome = None


TARGET = [
    TargetRow(kinds.ResetBeforeReply(), BYTES, EndpointError),
    TargetRow(kinds.CloseBeforeReply(), BYTES, EndpointError),
    TargetRow(kinds.ResetAfterHead(), BYTES, EndpointError),
    TargetRow(kinds.ResetAt(1000), BYTES, EndpointError),
    TargetRow(kinds.CloseAt(-1), BYTES, EndpointError),
    TargetRow(kinds.StallBeforeReply(), BYTES, EndpointError),
    TargetRow(kinds.StallAt(1000), BYTES, ReadTimeoutError),
    TargetRow(kinds.SlowDrip(30e6), BYTES, BYTES),
    TargetRow(kinds.GarbageStatusLine(), BYTES, EndpointError),
    TargetRow(kinds.InformationalFirst(3), BYTES, BYTES),
    TargetRow(kinds.OversizedHeaders(), BYTES, EndpointError),
    TargetRow(kinds.Chunked(), BYTES, BYTES),
    TargetRow(kinds.NoContentLength(), BYTES, BYTES),
    TargetRow(kinds.CloseAfterReply(announced=False), BYTES, BYTES),
    TargetRow(kinds.CloseOnNextRequest(), BYTES, BYTES),
    TargetRow(Refusal(500), BYTES, ServerError),
    TargetRow(kinds.BadGateway(), BYTES, ServerError),
    TargetRow(kinds.EmptyServiceUnavailable(), BYTES, ServerError),
    TargetRow(Refusal(429, "ErrTooManyRequests"), BYTES, ThrottledError),
    TargetRow(Refusal(400, "ErrFailedTo", "connection refused"), BYTES, ServerError),
    TargetRow(Refusal(401), BYTES, ServerError),
    TargetRow(Refusal(403), BYTES, AccessDeniedError),
    TargetRow(Refusal(404, "ErrNotFound"), BYTES, ObjectNotFoundError),
    TargetRow(kinds.WebPage(), BYTES, EndpointError),
    TargetRow(kinds.WebPage(403), BYTES, EndpointError),
    TargetRow(kinds.BitFlip(0), BYTES, IntegrityError, streamed=IntegrityError),
    TargetRow(kinds.BitFlip(100_000, bit=7), BYTES, IntegrityError, streamed=IntegrityError),
    TargetRow(WrongChecksum(), BYTES, IntegrityError, streamed=IntegrityError),
    TargetRow(WithoutIdentity(), BYTES, BYTES),
    TargetRow(kinds.IgnoreRange(), BYTES, BYTES, resumed=True),
    TargetRow(kinds.WrongContentRange(), BYTES, ProtocolError, resumed=True),
    TargetRow(kinds.WrongTotal(), BYTES, BYTES, resumed=True, streamed=ObjectChangedError),
    TargetRow(kinds.WrongContentLength(10), BYTES, ReadTimeoutError, streamed=ObjectChangedError),
    TargetRow(kinds.WrongContentLength(-10), BYTES, IntegrityError, streamed=ObjectChangedError),
    TargetRow(kinds.ShortBody(), BYTES, IntegrityError, streamed=ObjectChangedError),
]


@pytest.mark.parametrize("size", SIZES, ids=["whole", "streamed"])
@pytest.mark.parametrize("always", [False, True], ids=["once", "always"])
@pytest.mark.parametrize("row", TARGET, ids=lambda row: type(row.fault).__name__)
def test_target(nodes: Nodes, row: TargetRow, always: bool, size: int) -> None:
    """Each kind, once and always: exact bytes or the right exception, in time."""
    streamed = size == SIZES[-1]
    expected = row.always if always else row.once
    if streamed and row.streamed:
        expected = row.streamed

    if row.resumed:
        nodes.target.faults.add(kinds.ResetAt(100_000), match=is_read, times=1)
    nodes.target.faults.add(row.fault, match=is_read, times=None if always else 1)
    config = config_for(nodes, row.fault, always=always and not row.resumed)
    url = f"ais://bucket/{name_of(size)}"
    if streamed:
        url = ObjectUrl(url, size=size)
    assert_comes_to([expected], url, data_of(size), lambda: load(url, config))


def test_every_second_request_of_a_connection_is_lost(nodes: Nodes) -> None:
    """As when something on the way forgets idle connections: no read waits for one after another.

    With one attempt, a read asks the target once, and then the gateway.
    """

    def lost() -> Callable[[Request], bool]:
        seen: Counter[int] = Counter()

        def is_second(request: Request) -> bool:
            seen[request.connection] += 1
            return seen[request.connection] % 2 == 0

        return is_second

    config = AISConfig(endpoint_url=nodes.gateway.endpoint, max_attempts=1, stall_timeout=2)
    urls = [f"ais://bucket/{name}" for name in SMALL]
    list(AISFileLoader(urls, config=config, concurrency=8))  # leaves idle connections
    for node in (nodes.gateway, nodes.target):
        node.faults.add(kinds.StallBeforeReply(), match=lost())
    timeouts = stats()["timeouts"]
    for number, url in enumerate(urls[:4], 1):
        loader = AISFileLoader([url], config=config, concurrency=1, timeout=60)
        with suppress(EndpointError, ReadTimeoutError):
            [(_, opened)] = loader
            assert opened.read() == SMALL[url.rpartition("/")[2]]
        assert stats()["timeouts"] - timeouts <= 2 * number


# --- what targets make of objects -------------------------------------------------------------


class Transformed(Fault):
    """The output of an ETL: of another size, without checksum or version."""

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        return Reply(200).with_body(b"transformed")


def read_queries(target: FaultServer) -> list[dict[str, str]]:
    return [dict(request.query) for request in target.requests if is_read(request)]


@pytest.mark.parametrize("args", [{"side": 64}, '{"side": 64}'], ids=["mapping", "text"])
def test_etl(nodes: Nodes, args: Any) -> None:
    """Name and arguments reach the target, and the listed facts of the object are ignored."""
    nodes.target.faults.add(Transformed(), match=lambda request: "etl_name" in request.query)
    config = AISConfig(endpoint_url=nodes.gateway.endpoint)
    listed: list[Any] = list(AISFileLister(["ais://bucket"], config=config))
    url = listed[0]
    assert url.size != len(b"transformed")
    seen = len(read_queries(nodes.target))
    ((_, opened),) = AISFileLoader([url], config=config, etl_name="resize", etl_args=args)
    assert opened.read() == b"transformed"
    (query,) = read_queries(nodes.target)[seen:]
    assert query == {"etl_name": "resize", "etl_args": '{"side": 64}', "provider": "ais"}


def test_latest(nodes: Nodes) -> None:
    config = AISConfig(endpoint_url=nodes.gateway.endpoint)
    seen = len(read_queries(nodes.target))
    for latest in (True, False):
        (_,) = AISFileLoader([f"ais://bucket/{name_of(SIZES[0])}"], config=config, latest=latest)
    assert read_queries(nodes.target)[seen:] == [
        {"provider": "ais", "latest-ver": "true"},
        {"provider": "ais"},
    ]


# --- ranges with checksums of their own ------------------------------------------------------

RANGED = 3_000_000


def read_from(begin: int, config: AISConfig) -> bytes:
    url = ObjectUrl("ais://ranges/key", size=RANGED)
    ((_, opened),) = AISFileLoader([url], config=config, prefetch_bytes=1 << 20)
    opened.seek(begin)
    found: bytes = opened.read()
    return found


def is_ranged(request: Request) -> bool:
    return is_read(request) and "range" in request.headers


def test_a_damaged_range_that_fits_into_a_chunk_is_read_again(nodes: Nodes) -> None:
    fault = kinds.BitFlip(2_900_000)
    nodes.target.faults.add(fault, match=is_ranged, times=1)
    noticed = stats()["integrity_failures"]
    found = read_from(2_500_000, config_for(nodes, fault, always=False))
    assert found == data_of(RANGED)[2_500_000:]
    assert stats()["integrity_failures"] == noticed + 1


@pytest.mark.parametrize(
    ("begin", "times"), [(2_500_000, None), (1_500_000, 1)], ids=["always", "too long to keep back"]
)
def test_a_damaged_range_is_never_read_to_its_end(
    nodes: Nodes, begin: int, times: int | None
) -> None:
    fault = kinds.BitFlip(2_900_000)
    nodes.target.faults.add(fault, match=is_ranged, times=times)
    with pytest.raises(IntegrityError, match="ais://ranges/key"):
        read_from(begin, config_for(nodes, fault, always=False))


# --- the gateway ------------------------------------------------------------------------------

READ_AND_LIST = [
    Row(kinds.ResetBeforeReply(), BYTES, EndpointError),
    Row(kinds.CloseBeforeReply(), BYTES, EndpointError),
    Row(kinds.StallBeforeReply(), BYTES, ReadTimeoutError),
    Row(kinds.GarbageStatusLine(), BYTES, ProtocolError),
    Row(kinds.InformationalFirst(3), BYTES, BYTES),
    Row(kinds.OversizedHeaders(), BYTES, ProtocolError),
    Row(kinds.Chunked(), BYTES, BYTES),
    Row(kinds.CloseAfterReply(announced=False), BYTES, BYTES),
    Row(Refusal(500), BYTES, ServerError),
    Row(kinds.BadGateway(), BYTES, ServerError),
    Row(kinds.EmptyServiceUnavailable(), BYTES, ServerError),
    Row(Refusal(429, "ErrRateLimitFrontend"), BYTES, ThrottledError),
    Row(kinds.WebPage(403), EndpointError, EndpointError),
    Row(Refusal(403), AccessDeniedError, AccessDeniedError),
    Row(Refusal(404, "ErrBckNotFound"), BucketNotFoundError, BucketNotFoundError),
]
LIST = [
    *READ_AND_LIST,
    Row(kinds.ResetAt(10), BYTES, EndpointError),
    Row(kinds.CloseAt(-1), BYTES, EndpointError),
    Row(kinds.StallAt(10), BYTES, ReadTimeoutError),
    Row(kinds.ShortBody(), BYTES, ProtocolError),
    Row(kinds.WebPage(), BYTES, ProtocolError),
]


@pytest.mark.parametrize("always", [False, True], ids=["once", "always"])
@pytest.mark.parametrize("row", READ_AND_LIST, ids=lambda row: type(row.fault).__name__)
def test_gateway_of_a_read(nodes: Nodes, row: Row, always: bool) -> None:
    """The gateway is asked because the target refuses clients that no gateway sent."""
    nodes.target.faults.add(Refusal(403), match=is_read, times=1)
    nodes.gateway.faults.add(row.fault, match=is_read, times=None if always else 1)
    config = config_for(nodes, row.fault, always=always)
    url, data = f"ais://bucket/{name_of(SIZES[0])}", data_of(SIZES[0])
    assert_comes_to([row.always if always else row.once], url, data, lambda: load(url, config))


@pytest.mark.parametrize("always", [False, True], ids=["once", "always"])
@pytest.mark.parametrize("row", LIST, ids=lambda row: type(row.fault).__name__)
def test_gateway_of_a_listing(nodes: Nodes, row: Row, always: bool) -> None:
    """All names or the right exception, in time."""
    nodes.gateway.faults.add(row.fault, match=is_list, times=None if always else 1)
    config = config_for(nodes, row.fault, always=always)
    prefix, names = "ais://bucket", "".join([*map(name_of, sorted(SIZES)), *SMALL]).encode()

    def list_names() -> list[tuple[str, bytes]]:
        urls = list(AISFileLister([prefix], config=config))
        return [(prefix, b"".join(url.removeprefix(f"{prefix}/").encode() for url in urls))]

    assert_comes_to([row.always if always else row.once], prefix, names, list_names)


@pytest.mark.parametrize("about", ["/v1/daemon", "/v1/buckets/"])
@pytest.mark.parametrize(
    "fault",
    [kinds.ResetBeforeReply(), kinds.StallAt(10), Refusal(500), kinds.WebPage(), kinds.ShortBody()],
    ids=lambda fault: type(fault).__name__,
)
def test_what_the_gateway_does_not_tell_is_not_needed(
    nodes: Nodes, fault: Fault, about: str
) -> None:
    """Reads work without the cluster map and without the properties of the bucket."""
    nodes.gateway.faults.add(fault, match=lambda request: request.path.startswith(about))
    url, data = f"ais://bucket/{name_of(SIZES[0])}", data_of(SIZES[0])
    assert load(url, config_for(nodes, fault, always=False)) == [(url, data)]
