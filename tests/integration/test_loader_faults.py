"""With any fault of a server, a read returns exact bytes or raises the right exception, in time."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

import pytest

from faults import Fault, FaultServer, StoredObject, kinds
from faults.checksums import ALGORITHMS
from integration import fault_matrix
from integration.fault_matrix import BYTES, Outcome, assert_comes_to, stall_timeout
from integration.pipes import config_for, load
from objectpipes import ObjectUrl, stats
from objectpipes.errors import (
    AccessDeniedError,
    EndpointError,
    ExpiredCredentialsError,
    IntegrityError,
    ObjectChangedError,
    ObjectNotFoundError,
    ObjectStoreError,
    ProtocolError,
    ReadTimeoutError,
    ServerError,
    ThrottledError,
)

pytestmark = pytest.mark.usefixtures("transport")

KIB = 1 << 10
MIB = 1 << 20
URL = "s3://bucket/key"


def stored(size: int, checksum: str | None = "CRC64NVME", seed: int = 0) -> StoredObject:
    return StoredObject(random.Random(f"{size} {seed}").randbytes(size), checksum)


# --- every kind of fault, and every size ------------------------------------------------------


@dataclass(frozen=True)
class Row(fault_matrix.Row):
    """What becomes of a read that meets a fault.

    Attributes
    ----------
    spares
        Objects up to this size are not hurt.
    resumed
        The fault is about ranges: the read is broken before, so that it has to be resumed.
    streamed
        What a streamed read comes to, at the first time, if that is worse: it cannot begin anew.
    split
        What the read of a large object may come to instead, again and again, if the machine is so
        slow that it is split: then it meets the fault in replies to ranges.
    aws
        What a read over aws-sdk-cpp may come to instead. The SDK tells the status of a reply only at
        its end: what breaks early begins anew and not in the middle, and the length of an error's
        text has to be right, too.
    """

    spares: int = -1
    resumed: bool = False
    streamed: Outcome = None
    split: tuple[Outcome, ...] = ()
    aws: tuple[Outcome, ...] = ()

    def outcome(self, subject: Subject, *, always: bool) -> Outcome:
        if subject.size <= self.spares:
            return BYTES
        if subject.streamed and self.streamed:
            return self.streamed
        return self.always if always else self.once

    def outcomes(self, subject: Subject, transport: str, *, always: bool) -> set[Outcome]:
        outcomes = {self.outcome(subject, always=always)}
        if always and subject.can_be_split:
            outcomes.update(self.split)
        if transport == "aws":
            outcomes.update(self.aws)
        return outcomes


TABLE = [
    Row(kinds.ResetBeforeReply(), BYTES, EndpointError),
    Row(kinds.CloseBeforeReply(), BYTES, EndpointError),
    Row(kinds.ResetAfterHead(), BYTES, EndpointError, spares=0),
    Row(kinds.ResetAt(1000), BYTES, EndpointError, spares=1),
    Row(kinds.ResetAt(MIB), BYTES, BYTES),  # every attempt gets on, so there may be any number
    Row(kinds.CloseAt(1000), BYTES, EndpointError, spares=1),
    Row(kinds.CloseAt(-1), BYTES, EndpointError, spares=0),
    Row(kinds.StallBeforeReply(), BYTES, ReadTimeoutError),
    Row(kinds.StallAt(1000), BYTES, ReadTimeoutError, spares=1),
    Row(kinds.SlowDrip(30e6), BYTES, BYTES),
    Row(kinds.GarbageStatusLine(), BYTES, ProtocolError),
    Row(kinds.InformationalFirst(3), BYTES, BYTES),
    Row(kinds.OversizedHeaders(), BYTES, ProtocolError),
    Row(kinds.Chunked(), BYTES, BYTES),
    Row(kinds.NoContentLength(), BYTES, BYTES),
    Row(kinds.CloseAfterReply(announced=True), BYTES, BYTES),
    Row(kinds.CloseAfterReply(announced=False), BYTES, BYTES),
    Row(kinds.CloseOnNextRequest(), BYTES, BYTES),
    Row(kinds.InternalError(), BYTES, ServerError),
    Row(kinds.BadGateway(), BYTES, ServerError),
    Row(kinds.EmptyServiceUnavailable(), BYTES, ServerError),
    Row(kinds.SlowDown(), BYTES, ThrottledError),
    Row(kinds.TooManyRequests(), BYTES, ThrottledError),
    Row(kinds.AccessDenied(), AccessDeniedError, AccessDeniedError),
    Row(kinds.NoSuchKey(), ObjectNotFoundError, ObjectNotFoundError),
    Row(
        kinds.RangeNotSatisfiable(),
        BYTES,
        BYTES,
        1,
        resumed=True,
        streamed=ObjectChangedError,
        split=(ObjectChangedError,),
        aws=(BYTES, ObjectChangedError),
    ),
    Row(kinds.ExpiredToken(400), BYTES, ExpiredCredentialsError),
    Row(kinds.ExpiredToken(403), BYTES, ExpiredCredentialsError),
    Row(kinds.RequestTimeTooSkewed(), BYTES, BYTES),
    Row(kinds.PermanentRedirect("eu-west-1"), BYTES, BYTES),
    Row(kinds.AuthorizationHeaderMalformed("eu-west-1"), BYTES, BYTES),
    Row(kinds.RedirectLoop(), BYTES, EndpointError),
    Row(kinds.ErrorInside200(), BYTES, ServerError),
    Row(kinds.WebPage(), EndpointError, EndpointError),
    Row(kinds.WebPage(403), EndpointError, EndpointError),
    Row(kinds.BitFlip(0), BYTES, IntegrityError, spares=0, streamed=IntegrityError),
    Row(kinds.BitFlip(100_000, bit=7), BYTES, IntegrityError, spares=1, streamed=IntegrityError),
    Row(kinds.WrongChecksum(), BYTES, IntegrityError, streamed=IntegrityError),
    Row(kinds.ChecksumOnRange(), BYTES, BYTES, resumed=True),
    Row(kinds.IgnoreRange(), BYTES, BYTES, resumed=True),
    Row(kinds.WrongContentRange(), BYTES, ProtocolError, spares=1, resumed=True, aws=(BYTES,)),
    Row(kinds.WrongTotal(), BYTES, ProtocolError, spares=1, resumed=True, aws=(BYTES,)),
    Row(
        kinds.WrongContentLength(10),
        BYTES,
        ObjectChangedError,
        streamed=ObjectChangedError,
        split=(ProtocolError,),
        aws=(ReadTimeoutError, ProtocolError),
    ),
    Row(
        kinds.WrongContentLength(-10),
        BYTES,
        IntegrityError,
        0,
        streamed=IntegrityError,
        split=(ProtocolError,),
        aws=(ProtocolError,),
    ),
    Row(
        kinds.ShortBody(),
        BYTES,
        IntegrityError,
        spares=0,
        streamed=IntegrityError,
        split=(ProtocolError,),
        aws=(ObjectChangedError, ProtocolError),
    ),
    Row(kinds.MissingETag(), BYTES, BYTES),
    Row(kinds.WeakETag(), BYTES, BYTES),
]


@dataclass(frozen=True)
class Subject:
    """An object of the matrix, and how it is read."""

    name: str
    size: int
    streamed: bool = False

    @property
    def url(self) -> str:
        return ObjectUrl(URL, size=self.size) if self.streamed else URL

    @property
    def can_be_split(self) -> bool:
        return self.size > 16 * MIB and not self.streamed

    @property
    def prefetch_bytes(self) -> int:
        return 16 * MIB if self.streamed else 256 * MIB


SUBJECTS = [
    Subject("0 B", 0),
    Subject("1 B", 1),
    Subject("128 KiB", 128 * KIB),
    Subject("20 MiB", 20 * MIB),
    Subject("20 MiB streamed", 20 * MIB, streamed=True),
]
CONTENT = {subject.size: stored(subject.size) for subject in SUBJECTS}


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
@pytest.mark.parametrize("always", [False, True], ids=["once", "always"])
@pytest.mark.parametrize("row", TABLE, ids=lambda row: type(row.fault).__name__)
def test_matrix(row: Row, always: bool, subject: Subject, transport: str) -> None:
    """Each kind, once and always, for each size: exact bytes or the right exception, in time."""
    expected = row.outcomes(subject, transport, always=always)
    content = CONTENT[subject.size]
    with FaultServer({"bucket": {"key": content}}) as server:
        if row.resumed:
            server.faults.add(kinds.ResetAt(1000), times=1)
        server.faults.add(row.fault, times=None if always else 1)
        config = config_for(server, stall_timeout=stall_timeout(row.fault))
        assert_comes_to(
            expected,
            URL,
            content.data,
            lambda: load(
                server, [subject.url], config=config, prefetch_bytes=subject.prefetch_bytes
            ),
        )


def test_matrix_is_complete() -> None:
    """Each kind is in the table, or tested by name elsewhere."""
    elsewhere = {
        "EmptyPage", "ErrorReply", "IgnoreIfMatch", "MalformedListing", "MissingToken",
        "ReplaceObject", "RotateCredentials", "TemporaryRedirect", "TokenLoop",
        "TruncatedListing", "V2Ignored", "V2Refused",
    }  # fmt: skip
    assert {type(row.fault).__name__ for row in TABLE} | elsewhere == set(kinds.__all__)


# --- never a wrong byte -----------------------------------------------------------------------

FLIPS = 20  # for each algorithm, whole and streamed: 200 in all


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_flip_is_caught(algorithm: str) -> None:
    draw = random.Random(algorithm)
    content = {f"{i:02}": stored(draw.randint(1, 300_000), algorithm, i) for i in range(FLIPS)}
    with FaultServer({"bucket": content}) as server:
        for key, obj in content.items():
            flip = kinds.BitFlip(draw.randrange(len(obj.data)), draw.randrange(8))
            server.faults.add(flip, match=lambda request, key=key: request.key == key)  # type: ignore[misc]
        for key in content:
            with pytest.raises(IntegrityError, match=algorithm.lower()):
                load(server, [f"s3://bucket/{key}"])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_flip_in_a_stream_is_caught(algorithm: str) -> None:
    """The end of a damaged stream is never delivered, so no reader takes it for complete."""
    draw = random.Random(algorithm)
    obj = stored(1_500_000, algorithm)
    with FaultServer({"bucket": {"key": obj}}) as server:
        for _ in range(FLIPS):
            server.faults.clear()
            flip = kinds.BitFlip(draw.randrange(len(obj.data)), draw.randrange(8))
            server.faults.add(flip)
            with pytest.raises(IntegrityError, match=algorithm.lower()):
                load(server, [ObjectUrl(URL, size=len(obj.data))], prefetch_bytes=MIB)


@pytest.mark.parametrize("prefetch_bytes", [256 * MIB, MIB], ids=["whole", "streamed"])
@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA1", "SHA256"])
def test_composite_checksum(algorithm: str, prefetch_bytes: int) -> None:
    """The checksum of a multipart upload is compared, too, once the size of its parts is known."""
    data = stored(2_500_000).data
    obj = StoredObject(data, algorithm, part_sizes=(MIB, MIB, 2_500_000 - 2 * MIB), composite=True)
    with FaultServer({"bucket": {"key": obj}}) as server:
        before = stats()["verified"]
        assert load(server, [URL], prefetch_bytes=prefetch_bytes) == [(URL, data)]
        assert stats()["verified"] == before + 1
        server.faults.add(kinds.BitFlip(2_000_000))
        with pytest.raises(IntegrityError):
            load(server, [URL], prefetch_bytes=prefetch_bytes)


def test_checksum_of_uneven_parts_is_left_alone() -> None:
    """Only the first part's size can be asked for; what cannot be compared is no error."""
    obj = StoredObject(stored(2000).data, "CRC32C", part_sizes=(1000, 300, 700), composite=True)
    with FaultServer({"bucket": {"key": obj}}) as server:
        assert load(server, [URL]) == [(URL, obj.data)]


def test_verify_can_be_turned_off() -> None:
    with FaultServer({"bucket": {"key": stored(1000)}}) as server:
        server.faults.add(kinds.WrongChecksum())
        assert load(server, [URL], verify=False) == [(URL, stored(1000).data)]
        assert "x-amz-checksum-mode" not in server.requests[0].headers


def test_cut_body_without_length_is_noticed() -> None:
    """The end of the connection does not prove the end of the body."""
    with FaultServer({"bucket": {"key": stored(100_000, None)}}) as server:
        server.faults.add(kinds.NoContentLength())
        server.faults.add(kinds.CloseAt(50_000))
        with pytest.raises(ObjectStoreError):
            load(server, [URL])


OLD = stored(3 * MIB, seed=1)
NEW = [
    pytest.param(stored(3 * MIB, seed=2), id="same size"),
    pytest.param(stored(2 * MIB, seed=2), id="smaller"),
    pytest.param(stored(5 * MIB, seed=2), id="larger"),
    pytest.param(stored(100, seed=2), id="shorter than what was read"),
    pytest.param(stored(0, seed=2), id="empty"),
]


@pytest.mark.parametrize("identity", ["pinned", "IgnoreIfMatch", "MissingETag", "WeakETag"])
@pytest.mark.parametrize("new", NEW)
def test_replaced_object_is_read_anew(new: StoredObject, identity: str) -> None:
    """Bytes of two versions are never mixed, whatever distinguishes them."""
    with FaultServer({"bucket": {"key": OLD}}) as server:
        server.faults.add(kinds.ResetAt(MIB), times=1)
        server.faults.add(kinds.ReplaceObject(new.data), skip=1, times=1)
        if identity != "pinned":
            server.faults.add(getattr(kinds, identity)())
        assert load(server, [URL]) == [(URL, new.data)]


@pytest.mark.parametrize("new", NEW)
def test_stream_of_replaced_object_fails(new: StoredObject) -> None:
    with FaultServer({"bucket": {"key": OLD}}) as server:
        server.faults.add(kinds.ResetAt(2 * MIB), times=1)
        server.faults.add(kinds.ReplaceObject(new.data), skip=1, times=1)
        with pytest.raises(ObjectChangedError):
            load(server, [ObjectUrl(URL, size=3 * MIB)], prefetch_bytes=4 * MIB)


def test_object_that_keeps_changing() -> None:
    with FaultServer({"bucket": {"key": OLD}}) as server:
        server.faults.add(kinds.ResetAt(MIB))
        for seed in range(20):
            new = stored(3 * MIB, seed=10 + seed)
            server.faults.add(kinds.ReplaceObject(new.data), skip=seed, times=1)
        with pytest.raises(ObjectChangedError):
            load(server, [URL])


# --- many objects -----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [kinds.SlowDown(), kinds.InternalError()], ids=["503", "500"])
def test_random_failures_of_a_tenth(fault: Fault) -> None:
    """An epoch over a store that refuses every tenth request loses nothing."""
    content = {f"{i:03}": stored(4 * KIB, seed=i) for i in range(300)}
    with FaultServer({"bucket": content}) as server:
        rule = server.faults.add(fault, probability=0.1)
        urls = [f"s3://bucket/{key}" for key in content]
        found = load(server, urls, config=config_for(server, max_attempts=10))
        assert found == [(url, content[url[-3:]].data) for url in urls]
        assert rule.hits > 10


def test_error_carries_the_facts() -> None:
    with FaultServer({"bucket": {"key": b""}}) as server:
        server.faults.add(kinds.InternalError())
        with pytest.raises(ServerError) as caught:
            load(server, [URL])
        error = caught.value
        assert (error.url, error.status, error.code) == (URL, 500, "InternalError")
        assert error.request_id == server.requests[-1].id
        assert error.attempts == len(server.requests) == 3


def test_retry_after_is_honoured() -> None:
    with FaultServer({"bucket": {"key": b"data"}}) as server:
        server.faults.add(kinds.SlowDown(retry_after=1), times=1)
        assert load(server, [URL]) == [(URL, b"data")]
        first, second = server.requests
        assert second.time - first.time > 0.99


def test_timeout_limits_a_whole_object() -> None:
    """Even if each byte comes in time."""
    with FaultServer({"bucket": {"key": bytes(10_000)}}) as server:
        server.faults.add(kinds.SlowDrip(1000))
        began = time.monotonic()
        with pytest.raises(ReadTimeoutError, match="1000 ms"):
            load(server, [URL], timeout=1)
        assert time.monotonic() - began < 3
