"""Members of tar shards: whole and streamed, kept and read late, damaged, and hostile."""

from __future__ import annotations

import gc
import io
import random
import tarfile
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from torch.utils.data import DataLoader
from torch.utils.data.datapipes.utils.common import StreamWrapper

from archives import ARCHIVES, COMPRESSIONS, FILES, make_tar, many_samples, shard_of
from faults import FaultServer
from integration.pipes import config_for
from objectpipes import ObjectUrl, _archives
from objectpipes.errors import ArchiveError, ConfigError, NotSupportedError
from objectpipes.iter import IterableWrapper, TarArchiveLoader

MIB = 1 << 20
MODES = {"whole": 256 * MIB, "streamed": 4096}
LARGE = random.Random(1).randbytes(17 * MIB)  # more than is held in memory
STORED = {
    "small.tar": make_tar(FILES),
    "samples.tar": make_tar(many_samples(0, 300, 20_000)),
    "large.tar": make_tar({"a": b"1", "large.bin": LARGE, "b": b"2", "b.large": LARGE[::-1]}),
}


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer({"bucket": STORED}, checksum="CRC32C") as running:
        yield running


def members(server: FaultServer, key: str, mode: str) -> Any:
    urls = [ObjectUrl(f"s3://bucket/{key}", size=len(STORED[key]))]
    files = IterableWrapper(urls).load_files_by_s3(
        config=config_for(server), prefetch_bytes=MODES[mode]
    )
    return files.load_from_tar()


def expected_of(key: str) -> list[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(STORED[key])) as tar:
        return [
            (f"s3://bucket/{key}/{member.name}", tar.extractfile(member).read())  # type: ignore[union-attr]
            for member in tar
        ]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("key", STORED)
def test_members_of_shards_in_a_store(server: FaultServer, key: str, mode: str) -> None:
    found = [(path, stream.read()) for path, stream in members(server, key, mode)]
    assert found == expected_of(key)


@pytest.mark.parametrize("mode", MODES)
def test_members_can_be_read_late_and_in_any_order(server: FaultServer, mode: str) -> None:
    held = [*members(server, "samples.tar", mode)]
    random.Random(0).shuffle(held)
    assert sorted((path, stream.read()) for path, stream in held) == sorted(
        expected_of("samples.tar")
    )


@pytest.mark.parametrize("mode", MODES)
def test_a_large_member_is_read_piece_by_piece_or_left_out(server: FaultServer, mode: str) -> None:
    large = {}
    for path, stream in members(server, "large.tar", mode):
        name = path.rpartition("/")[2]
        if name == "large.bin":
            assert stream.read(1000) == LARGE[:1000]
            stream.seek(-5, io.SEEK_END)
            assert stream.read() == LARGE[-5:]
            stream.seek(16 * MIB)
            assert stream.read(3) == LARGE[16 * MIB : 16 * MIB + 3]
            assert stream.tell() == 16 * MIB + 3
        large[name] = stream
    assert [*large] == ["a", "large.bin", "b", "b.large"]


def test_members_of_a_stream_do_not_keep_it_in_memory(server: FaultServer) -> None:
    """A view keeps bytes in place; without one, they are copied when the archive moves on."""
    held = []
    for index, (_, stream) in enumerate(members(server, "samples.tar", "streamed")):
        held.append((stream, memoryview(stream.file_obj) if index % 7 == 0 else None))
    expected = expected_of("samples.tar")
    for (stream, view), (_, data) in zip(held, expected, strict=True):
        assert view is None or view == data
        assert memoryview(stream.file_obj) == data
        assert stream.read() == data


def test_members_are_views_of_what_was_received() -> None:
    archive = make_tar({"a": b"first", "b": b"second"})
    reader = iter(_archives.open_tar(archive, "a.tar"))
    _, first = next(reader)
    _, second = next(reader)
    with memoryview(first) as one, memoryview(second) as two:  # type: ignore[arg-type]
        address = [bytes_at(view) for view in (one, two)]
    assert address[1] - address[0] == 1024


def bytes_at(view: memoryview) -> int:
    import numpy

    return int(numpy.frombuffer(view, dtype=numpy.uint8).ctypes.data)


def test_a_worker_hands_members_over(server: FaultServer) -> None:
    pipe = members(server, "samples.tar", "whole")
    loader = DataLoader(pipe, batch_size=None, num_workers=1)
    assert [(path, stream.read()) for path, stream in loader] == expected_of("samples.tar")


def test_an_archive_that_is_given_up_is_closed() -> None:
    class File(io.BytesIO):
        pass

    file = File(shard_of(0, 100))
    gone = weakref.ref(file)
    wrapper = StreamWrapper(file)
    members = iter(TarArchiveLoader([("a.tar", wrapper)]))
    _, stream = next(members)
    del members, file
    assert not wrapper.closed, "a member is still in use"
    stream.close()
    assert wrapper.closed
    del stream, wrapper
    gc.collect()
    assert gone() is None


def test_samples_are_grouped(server: FaultServer) -> None:
    samples = [*members(server, "small.tar", "whole").webdataset()]
    root = "s3://bucket/small.tar/d"
    assert [sample["__key__"] for sample in samples] == [
        f"{root}/{name}" for name in ("000", "001", "block", "two")
    ]
    assert samples[0][".cls"].read() == b"7"
    assert samples[3][".tar.gz"].read() == FILES["d/two.tar.gz"]


# --- what is wrong with an archive -----------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_truncated_shard_names_itself_and_the_offset(mode: str) -> None:
    whole = make_tar({f"{i}.bin": bytes([i]) * 700 for i in range(4)})
    end = 4 * (512 + 1024)
    lengths = [0, 1, 511, 512, 513, 1100, 1536, 1537, 5000, end - 1, end, end + 511, end + 1023]
    stored = {f"{length}.tar": whole[:length] for length in lengths}
    with FaultServer({"bucket": stored}) as server:
        for key in stored:
            files = IterableWrapper([f"s3://bucket/{key}"]).load_files_by_s3(
                config=config_for(server), prefetch_bytes=MODES[mode]
            )
            with pytest.raises(ArchiveError, match=r"cut off at offset \d+") as caught:
                for number, (_, stream) in enumerate(files.load_from_tar()):
                    assert stream.read() == bytes([number]) * 700
            assert caught.value.url == f"s3://bucket/{key}"
            assert f"offset {key.partition('.')[0]}" in str(caught.value)
            assert isinstance(caught.value, tarfile.ReadError)


def with_bytes(archive: bytes, offset: int, data: bytes) -> bytes:
    return archive[:offset] + data + archive[offset + len(data) :]


DAMAGED = {
    "no archive": (b"<html>" + b"x" * 2000, 0),
    "a header": (with_bytes(shard_of(0, 2, 300), 1024 + 3, b"?"), 1024),
    "a zero block": (with_bytes(shard_of(0, 2, 300), 1024, bytes(512)), 1536),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_shard_names_itself_and_the_offset(name: str) -> None:
    archive, offset = DAMAGED[name]
    pipe = TarArchiveLoader([("s3://b/a.tar", StreamWrapper(io.BytesIO(archive)))])
    with pytest.raises(ArchiveError, match=rf"offset {offset}\b.*s3://b/a\.tar"):
        list(pipe)


def test_members_before_the_damage_are_delivered() -> None:
    archive = DAMAGED["a header"][0]
    names = []
    with pytest.raises(ArchiveError):
        for path, _ in _archives.open_tar(archive, "a.tar"):
            names.append(path)
    assert names == ["a.tar/000000.jpg"]


def test_sparse_files_are_refused_by_name() -> None:
    member = tarfile.TarInfo("holes.bin")
    member.type = tarfile.GNUTYPE_SPARSE
    archive = make_tar({"a": b"1", "holes.bin": member})
    pipe = TarArchiveLoader([("s3://b/a.tar", StreamWrapper(io.BytesIO(archive)))])
    with pytest.raises(NotSupportedError, match=r'"holes\.bin" at offset 1024 .* sparse') as caught:
        list(pipe)
    assert caught.value.url == "s3://b/a.tar"


def test_a_size_that_no_memory_holds_is_not_believed() -> None:
    """For a file of unknown size, memory grows with the bytes that arrive."""
    header = bytearray(make_tar({"huge": b""})[:512])
    header[124:136] = b"\x80" + (1 << 60).to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)

    class NotSeekable(io.RawIOBase):
        left = bytes(header) + b"x" * 3_000_000

        def read(self, size: int = -1) -> bytes:
            data, self.left = self.left[:size], self.left[size:]
            return data

    for file in (NotSeekable(), io.BytesIO(NotSeekable.left)):
        with pytest.raises(ArchiveError, match="cut off"):
            for _, member in _archives.open_tar(file, "a.tar"):
                while member.read(MIB):
                    pass


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_compressed_archive_that_is_cut_off(compression: str) -> None:
    whole = COMPRESSIONS[compression](make_tar({"a": random.Random(2).randbytes(100_000)}))
    for length in (len(whole) // 2, len(whole) - 1_000):
        with pytest.raises(ArchiveError, match=r"s3://b/a\.tar"):
            [*_archives.open_tar(io.BytesIO(whole[:length]), "s3://b/a.tar")]


def test_zstd() -> None:
    zstandard = pytest.importorskip("zstandard")
    archive = make_tar(many_samples(0, 100, 20_000))
    packed = zstandard.compress(archive)
    found = [(path, file.read()) for path, file in _archives.open_tar(io.BytesIO(packed), "a")]
    assert found == [(f"a/{name}", data) for name, data in many_samples(0, 100, 20_000).items()]
    with pytest.raises(ArchiveError, match="cut off"):
        [*_archives.open_tar(io.BytesIO(packed[: len(packed) // 2]), "a")]


def test_zstd_without_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for module in ("compression", "zstandard"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(NotSupportedError, match="pip install zstandard"):
        _archives.open_tar(io.BytesIO(b"\x28\xb5\x2f\xfd...."), "a.tar.zst")


@pytest.mark.parametrize("mode", ["", "w", "r:zip", "rb", "r::"])
def test_a_mode_that_is_none(mode: str) -> None:
    with pytest.raises(ConfigError, match="mode must be"):
        TarArchiveLoader([], mode=mode)


def test_whatever_the_bytes_an_archive_gives_members_or_a_typed_error() -> None:
    draw = random.Random(3)
    for archive in ARCHIVES.values():
        for _ in range(20):
            damaged = bytearray(archive)
            for _ in range(draw.randrange(1, 4)):
                damaged[draw.randrange(len(damaged))] = draw.randrange(256)
            try:
                for _, file in _archives.open_tar(bytes(damaged), "a.tar", ""):
                    file.read()
            except (ArchiveError, NotSupportedError):
                pass
