"""An object behaves like io.BytesIO, in memory or streamed."""

from __future__ import annotations

import csv
import hashlib
import io
import random
import tarfile
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from faults import FaultServer, kinds
from integration.pipes import config_for
from objectpipes import ObjectUrl
from objectpipes.errors import ObjectChangedError, ServerError
from objectpipes.iter import S3FileLister, S3FileLoader

MIB = 1 << 20
MODES = {"whole": 256 * MIB, "streamed": 4096}


def text_with_lines(size: int) -> bytes:
    draw = random.Random(size)
    data = bytearray(draw.randbytes(size).replace(b"\n", b"x"))
    position = 0
    while (position := position + draw.choice([1, 50, 2000, 300_000])) < size:
        data[position] = ord("\n")
    return bytes(data)


SIZES = [0, 1, 100, MIB - 1, MIB, MIB + 1, 3_500_000]
CONTENT = {f"{size}": text_with_lines(size) for size in SIZES}


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer({"bucket": CONTENT}, checksum="CRC32C") as running:
        yield running


def open_object(server: FaultServer, size: int, mode: str) -> Any:
    """Return torch's wrapper, which closes the reader that is its ``file_obj`` when it goes."""
    [(_, stream)] = S3FileLoader(
        [ObjectUrl(f"s3://bucket/{size}", size=size)],
        config=config_for(server),
        prefetch_bytes=MODES[mode],
    )
    return stream


offsets = st.integers(-4_000_000, 4_000_000) | st.integers(-3, 3)
counts = st.none() | st.integers(-1, 4_000_000) | st.integers(0, 100)


def test_etag_is_that_of_the_listing(server: FaultServer) -> None:
    config = config_for(server)
    urls: list[Any] = list(S3FileLister(["s3://bucket"], config=config))
    streams = [stream for _, stream in S3FileLoader(urls, config=config, prefetch_bytes=4 * MIB)]
    assert [stream.etag for stream in streams] == [
        hashlib.md5(CONTENT[url.rpartition("/")[2]]).hexdigest() for url in urls
    ]
    assert [stream.etag for stream in streams] == [url.etag for url in urls]


class LikeBytesIO(RuleBasedStateMachine):
    """Does the same operations on a reader and on a BytesIO."""

    server: FaultServer

    @initialize(size=st.sampled_from(SIZES), mode=st.sampled_from(sorted(MODES)))
    def open(self, size: int, mode: str) -> None:
        self.stream = open_object(self.server, size, mode)
        self.real = self.stream.file_obj
        self.model = io.BytesIO(CONTENT[f"{size}"])

    @rule(count=counts)
    def read(self, count: int | None) -> None:
        assert self.real.read(count) == self.model.read(count)

    @rule(count=counts)
    def readline(self, count: int | None) -> None:
        assert self.real.readline(count) == self.model.readline(count)

    @rule(hint=counts)
    def readlines(self, hint: int | None) -> None:
        assert self.real.readlines(hint) == self.model.readlines(hint)

    @rule(size=st.integers(0, 2_000_000))
    def readinto(self, size: int) -> None:
        ours, theirs = bytearray(size), bytearray(size)
        assert self.real.readinto(ours) == self.model.readinto(theirs)
        assert ours == theirs

    @rule()
    def readinto_what_cannot_be_written(self) -> None:
        for file in (self.real, self.model):
            with pytest.raises(TypeError):
                file.readinto(b"fixed")

    @rule(offset=offsets, whence=st.sampled_from([0, 1, 2, 3, -1]))
    def seek(self, offset: int, whence: int) -> None:
        try:
            expected: int | type = self.model.seek(offset, whence)
        except ValueError:
            with pytest.raises(ValueError, match=r"negative seek|whence"):
                self.real.seek(offset, whence)
        else:
            assert self.real.seek(offset, whence) == expected

    @rule(limit=st.integers(1, 5))
    def iterate(self, limit: int) -> None:
        for _ in range(limit):
            assert next(self.real, None) == next(self.model, None)

    @rule()
    def read_all(self) -> None:
        assert self.real.read() == self.model.read()

    @invariant()
    def same_position(self) -> None:
        if hasattr(self, "real"):
            assert self.real.tell() == self.model.tell()

    def teardown(self) -> None:
        if hasattr(self, "real"):
            self.real.close()


def test_like_bytes_io(server: FaultServer) -> None:
    LikeBytesIO.server = server
    always_the_same = settings(
        max_examples=60,
        stateful_step_count=25,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(LikeBytesIO, settings=always_the_same)


@pytest.mark.parametrize("mode", MODES)
def test_closed_reader(server: FaultServer, mode: str) -> None:
    stream = open_object(server, MIB, mode)
    reader = stream.file_obj
    with reader as entered:
        assert entered is reader
    reader.close()
    assert reader.closed
    for use in (
        reader.read,
        reader.readline,
        reader.readlines,
        lambda: reader.readinto(bytearray(1)),
        lambda: iter(reader),
        lambda: next(reader),
        reader.__enter__,
        reader.flush,
        reader.tell,
        lambda: reader.seek(0),
        reader.readable,
        reader.seekable,
        reader.getvalue,
        reader.getbuffer,
        lambda: memoryview(reader),
    ):
        with pytest.raises(ValueError, match="closed file"):
            use()


@pytest.mark.parametrize("mode", MODES)
def test_seek_too_far(server: FaultServer, mode: str) -> None:
    """An error as of a file on disk, and the position stays. No position wraps around."""
    stream = open_object(server, 100, mode)
    reader = stream.file_obj
    reader.seek(7)
    for offset, whence in ((2**63 - 1, 1), (2**63 - 1, 2), (2**63, 0), (-(2**63) - 1, 1)):
        with pytest.raises(OverflowError):
            reader.seek(offset, whence)
        assert reader.tell() == 7
    assert reader.seek(2**63 - 1) == 2**63 - 1
    assert reader.read() == b""


def test_more_than_there_is_memory_for() -> None:
    """Reading all of it says so, and does not end the process; pieces can still be read."""
    data = random.Random(0).randbytes(3 * MIB)
    with FaultServer({"bucket": {"key": data}}) as server:
        server.faults.add(kinds.WrongContentLength(1 << 49))  # no process can have so much
        [(_, stream)] = S3FileLoader(
            ["s3://bucket/key"], config=config_for(server), prefetch_bytes=MIB
        )
        with pytest.raises(MemoryError, match="read it in pieces"):
            stream.read()
        assert stream.read(10) == data[:10]


@pytest.mark.parametrize("mode", MODES)
def test_interface(server: FaultServer, mode: str) -> None:
    stream = open_object(server, 100, mode)
    reader = stream.file_obj
    assert issubclass(type(reader), io.BufferedIOBase)
    assert reader.readable()
    assert reader.seekable()
    assert not reader.writable()
    assert not reader.isatty()
    assert not reader.closed
    assert reader.size == 100
    assert reader.url == "s3://bucket/100"
    assert reader.attempts == 1
    for missing in (
        reader.fileno,
        lambda: reader.write(b""),
        lambda: reader.writelines([]),
        reader.truncate,
        reader.detach,
    ):
        with pytest.raises(io.UnsupportedOperation):
            missing()


def test_whole_object_is_a_buffer_without_copy(server: FaultServer) -> None:
    stream = open_object(server, MIB, "whole")
    reader = stream.file_obj
    view = memoryview(reader)
    assert view.readonly
    assert view == CONTENT[f"{MIB}"]
    assert reader.getbuffer() == view
    reader.close()
    assert view == CONTENT[f"{MIB}"]  # as long as somebody looks at it, it is there
    with pytest.raises(ValueError, match="closed"):
        reader.getbuffer()


def test_streamed_object_is_no_buffer(server: FaultServer) -> None:
    stream = open_object(server, MIB, "streamed")
    with pytest.raises(BufferError, match="prefetch_bytes"):
        memoryview(stream.file_obj)
    assert not hasattr(stream.file_obj, "getbuffer"), "libraries look for it"


def test_object_in_memory_is_a_buffer(server: FaultServer) -> None:
    stream = open_object(server, MIB, "whole")
    assert hasattr(stream.file_obj, "getbuffer")
    assert stream.getbuffer() == memoryview(stream.file_obj)


@pytest.mark.skipif(not hasattr(hashlib, "file_digest"), reason="new in Python 3.11")
@pytest.mark.parametrize("mode", MODES)
def test_digest_of_a_file(server: FaultServer, mode: str) -> None:
    data = bytes(range(256)) * 10_000
    server.store.put("bucket", "digest", data)
    [(_, stream)] = S3FileLoader(
        [ObjectUrl("s3://bucket/digest", size=len(data))],
        config=config_for(server),
        prefetch_bytes=MODES[mode],
    )
    digest = hashlib.file_digest(stream.file_obj, "sha256")  # type: ignore[attr-defined,unused-ignore]
    assert digest.digest() == hashlib.sha256(data).digest()


@pytest.mark.parametrize("mode", MODES)
def test_text(server: FaultServer, mode: str) -> None:
    rows = [[str(i), "ünïcödé" * 100] for i in range(2000)]
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    data = text.getvalue().encode()
    server.store.put("bucket", "csv", data)
    [(_, stream)] = S3FileLoader(
        [ObjectUrl("s3://bucket/csv", size=len(data))],
        config=config_for(server),
        prefetch_bytes=MODES[mode],
    )
    assert list(csv.reader(io.TextIOWrapper(stream.file_obj, newline=""))) == rows


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("tar_mode", ["r:", "r|"])
def test_tar(server: FaultServer, mode: str, tar_mode: Any) -> None:
    """Also as a stream, which torchdata's reader never finished."""
    members = {f"{i:03}": random.Random(i).randbytes(i * 5000) for i in range(40)}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    server.store.put("bucket", "tar", buffer.getvalue())
    [(_, stream)] = S3FileLoader(
        [ObjectUrl("s3://bucket/tar", size=len(buffer.getvalue()))],
        config=config_for(server),
        prefetch_bytes=MODES[mode],
    )
    found = {}
    with tarfile.open(fileobj=stream, mode=tar_mode) as tar:
        for member in tar:
            file = tar.extractfile(member)
            assert file
            found[member.name] = file.read()
    assert found == members


@pytest.mark.parametrize("mode", MODES)
def test_zip(server: FaultServer, mode: str) -> None:
    """The directory of a ZIP file is at its end, so the stream seeks there first."""
    members = {f"{i:03}": random.Random(i).randbytes(i * 10_000) for i in range(20)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    server.store.put("bucket", "zip", buffer.getvalue())
    [(_, stream)] = S3FileLoader(
        [ObjectUrl("s3://bucket/zip", size=len(buffer.getvalue()))],
        config=config_for(server),
        prefetch_bytes=MODES[mode],
    )
    with zipfile.ZipFile(stream.file_obj) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == members


def test_stream_is_of_one_version() -> None:
    """After the object was replaced, its earlier bytes cannot be read again."""
    data = random.Random(0).randbytes(5 * MIB)
    with FaultServer({"bucket": {"key": data}}) as server:
        [(_, stream)] = S3FileLoader(
            [ObjectUrl("s3://bucket/key", size=len(data))],
            config=config_for(server),
            prefetch_bytes=MIB,
        )
        assert stream.read(10) == data[:10]
        server.store.put("bucket", "key", bytes(5 * MIB))
        with pytest.raises(ObjectChangedError):
            for _ in range(2):
                stream.seek(0)
                assert stream.read() == data


def test_stream_goes_on_after_an_error() -> None:
    """Each read raises the error, until a seek leads to bytes that can be read."""
    data = random.Random(0).randbytes(5 * MIB)
    with FaultServer({"bucket": {"key": data}}) as server:
        server.faults.add(kinds.ResetAt(3 * MIB), match=lambda request: request.range is None)
        server.faults.add(kinds.InternalError(), match=lambda request: request.range is not None)
        [(_, stream)] = S3FileLoader(
            [ObjectUrl("s3://bucket/key", size=len(data))],
            config=config_for(server),
            prefetch_bytes=MIB,
        )
        assert stream.read(2 * MIB) == data[: 2 * MIB]
        for _ in range(3):
            with pytest.raises(ServerError):
                stream.read()
        server.faults.clear()
        stream.seek(0)
        assert stream.read() == data
