"""Tar pipes give what torchdata 0.9's give, for archives of every kind, but keep ``s3://``.

Not run where torchdata 0.9 is missing.
"""

from __future__ import annotations

import io
import sys
import tarfile
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from torch.utils.data.datapipes.utils.common import StreamWrapper

from archives import ARCHIVES, COMPRESSIONS, FILES, make_tar
from objectpipes.iter import IterableWrapper, TarArchiveLoader, WebDataset
from old_torchdata import FOLDER, needs_newer_torch

pytestmark = [
    needs_newer_torch,
    pytest.mark.skipif(
        not (FOLDER / "torchdata" / "datapipes").is_dir(), reason="there is no torchdata 0.9"
    ),
]


@pytest.fixture(scope="module")
def theirs() -> Iterator[Any]:
    """Return torchdata 0.9's pipes; the newer torchdata is hidden meanwhile."""
    newer = _take_out_torchdata()
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.syspath_prepend(FOLDER)
        warnings.simplefilter("ignore")
        import torchdata.datapipes.iter as pipes

        yield pipes
    _take_out_torchdata()
    sys.modules.update(newer)


def _take_out_torchdata() -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.partition(".")[0] == "torchdata"]
    return {name: sys.modules.pop(name) for name in names}


class NotSeekable(io.RawIOBase):
    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


def source(path: str, data: bytes, *, seekable: bool = True) -> Iterator[tuple[str, Any]]:
    yield path, StreamWrapper(io.BytesIO(data) if seekable else NotSeekable(data))


def contents(pipe: Any) -> list[tuple[str, bytes]]:
    return [(path, stream.read()) for path, stream in pipe]


@pytest.mark.parametrize(
    "path", ["folder/a.tar", "/folder/./a.tar", "../a.tar", "a.tar", "s3://b/a.tar"]
)
@pytest.mark.parametrize("name", ARCHIVES)
def test_members_are_the_same(theirs: Any, name: str, path: str) -> None:
    expected = contents(theirs.TarArchiveLoader(source(path, ARCHIVES[name])))
    expected = [(found.replace("s3:/", "s3://"), data) for found, data in expected]
    assert contents(TarArchiveLoader(source(path, ARCHIVES[name]))) == expected


@pytest.mark.parametrize("seekable", [True, False])
@pytest.mark.parametrize("mode", ["r:*", "r|*", "explicit"])
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_compressed_archives_are_the_same(
    theirs: Any, compression: str, mode: str, seekable: bool
) -> None:
    archive = COMPRESSIONS[compression](make_tar(FILES))
    mode = f"r:{compression}" if mode == "explicit" else mode
    expected = contents(
        theirs.TarArchiveLoader(source("a.tar", archive, seekable=seekable), mode=mode)
    )
    ours = contents(TarArchiveLoader(source("a.tar", archive, seekable=seekable), mode=mode))
    assert ours == expected
    assert len(ours) == len(FILES)


def test_an_archive_that_begins_inside_of_its_file(theirs: Any) -> None:
    def begun() -> Iterator[tuple[str, Any]]:
        file = io.BytesIO(b"before" + make_tar(FILES))
        file.seek(len(b"before"))
        yield "a.tar", StreamWrapper(file)

    assert contents(TarArchiveLoader(begun())) == contents(theirs.TarArchiveLoader(begun()))


PATHS = [
    ["a/1.jpg", "a/1.cls", "a/2.jpg"],
    ["1", "a/1.jpg", "readme", "a/1.cls"],
    ["a.b/1.tar.gz", "a.b/1.x", "a.b/2", "a.b/.hidden", ".hidden"],
    ["a/1.jpg", "b/1.jpg", "a/1.cls"],
    ["a\\1.jpg", "a/1.cls"],
    ["s3://b.c/shard.tar/1.jpg", "s3://b.c/shard.tar/1.cls", "s3://b.c/shard.tar/2.jpg"],
    ["1.jpg", "1.jpg"],
    ["readme"],
    [],
]


@pytest.mark.parametrize("paths", PATHS, ids=" ".join)
def test_samples_are_the_same(theirs: Any, paths: list[str]) -> None:
    files = [(path, index) for index, path in enumerate(paths)]
    assert [*WebDataset(files)] == [*theirs.WebDataset(files)]


def test_functional_forms_do_not_collide(theirs: Any) -> None:
    chain = theirs.IterableWrapper(
        [("a.tar", StreamWrapper(io.BytesIO(make_tar(FILES))))], deepcopy=False
    )
    members = chain.load_from_tar()
    assert type(members) is TarArchiveLoader
    assert type(members.webdataset()) is WebDataset
    assert type(IterableWrapper([]).load_from_tar(mode="r:", length=3)) is TarArchiveLoader
    assert len(IterableWrapper([]).load_from_tar(length=3)) == 3
    with pytest.raises(TypeError, match="TarArchiveLoaderIterDataPipe instance doesn't have valid"):
        len(IterableWrapper([]).load_from_tar())


def test_a_tarfile_is_read_on(theirs: Any) -> None:
    def opened() -> Iterator[tuple[str, Any]]:
        yield "a.tar", StreamWrapper(tarfile.TarFile(fileobj=io.BytesIO(make_tar(FILES))))

    assert contents(TarArchiveLoader(opened())) == contents(theirs.TarArchiveLoader(opened()))
