"""The pipes for tar shards: members of archives, and samples made of members."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from typing import Any

from .._archives import MemberPaths, check_mode, open_tar, split_path
from ._base import (
    IterDataPipe,
    OurPipe,
    PromptStreamWrapper,
    StreamWrapper,
    validate_pathname_binary_tuple,
)
from ._functional import functional_form
from ._hand_over import hand_over_through_shared_memory


@functional_form("load_from_tar")
class TarArchiveLoaderIterDataPipe(OurPipe, IterDataPipe[tuple[str, StreamWrapper]]):
    """Read the members of tar archives (functional name: ``load_from_tar``).

    Yields ``(path, stream)`` for each regular file of each archive, in order. The path is the path
    of the archive followed by the name of the member. Directories, links and devices are skipped.
    Archives are read as they arrive, even if they are compressed with gzip, bzip2, xz or zstd.

    Parameters
    ----------
    datapipe : iterable of (str, binary file)
        Archives, as ``load_files_by_s3``, ``load_files_by_ais`` or `FileOpener` yield them.
    mode : str, optional
        As for `tarfile.open`: ``"r:*"`` detects the compression, ``"r:"`` expects none, and
        ``"r:gz"``, ``"r:bz2"``, ``"r:xz"`` and ``"r:zst"`` expect that one.
    length : int, optional
        What ``len()`` of this pipe returns; -1: it has no length. Nothing is done to enforce it.

    Raises
    ------
    ConfigError
        At construction, for an unknown mode.
    ArchiveError
        During iteration, for an archive that is cut off or damaged. The error names the archive and
        the offset. It is also a `tarfile.ReadError`.
    NotSupportedError
        During iteration, for sparse files, and for zstd if no library for it is installed.

    Notes
    -----
    A stream can be read while its archive is open: until the iteration over the archive has ended
    and all its streams are closed. Members of up to 16 MiB can also be read later. A member refers
    to the memory into which the archive was received. When the archive has moved on, the member is
    copied. So holding members, as ``shuffle`` does, takes only the memory of their bytes.

    Examples
    --------
    >>> from objectpipes.iter import IterableWrapper
    >>> shards = IterableWrapper(["s3://bucket/shards/"]).list_files_by_s3(masks="*.tar")
    >>> samples = shards.load_files_by_s3().load_from_tar().webdataset()
    """

    def __init__(
        self, datapipe: Iterable[tuple[str, Any]], mode: str = "r:*", length: int = -1
    ) -> None:
        super().__init__()
        check_mode(mode)
        self.datapipe = datapipe
        self.mode = mode
        self.length = length

    def __iter__(self) -> Iterator[tuple[str, StreamWrapper]]:
        hand_over_through_shared_memory()
        compression = check_mode(self.mode)
        for element in self.datapipe:
            validate_pathname_binary_tuple(element)
            path, stream = element
            wrapped = isinstance(stream, StreamWrapper)
            file = stream.file_obj if wrapped else stream
            parent = stream if wrapped else None
            try:
                if isinstance(file, tarfile.TarFile):
                    members = _members_of(file, path)
                else:
                    members = open_tar(file, path, compression)
                for member_path, member in members:
                    yield member_path, PromptStreamWrapper(member, parent, name=member_path)
            finally:
                if wrapped:
                    stream.autoclose()

    def __len__(self) -> int:
        if self.length == -1:
            raise TypeError(f"{type(self).__name__} instance doesn't have valid length")
        return self.length


def _members_of(archive: tarfile.TarFile, path: str) -> Iterator[tuple[str, Any]]:
    """Read an archive that is already open."""
    path_of = MemberPaths(path)
    for member in archive:
        if member.isfile():
            yield path_of(member.name), archive.extractfile(member)


@functional_form("webdataset")
class WebDatasetIterDataPipe(OurPipe, IterDataPipe[dict[str, Any]]):
    """Group files whose paths differ only in the extension (functional name: ``webdataset``).

    Consecutive files with the same path up to the first dot of the name become one dictionary: each
    extension (``".jpg"``) maps to the data, and ``"__key__"`` to the path before the dot. Files
    without an extension are skipped.

    Parameters
    ----------
    source_datapipe : iterable of (str, object)
        Paths and data, as ``load_from_tar`` yields them, decoded or not.

    Examples
    --------
    >>> from objectpipes.iter import IterableWrapper
    >>> files = IterableWrapper([("a/1.jpg", b"..."), ("a/1.cls", b"3")])
    >>> list(files.webdataset())
    [{'__key__': 'a/1', '.jpg': b'...', '.cls': b'3'}]
    """

    def __init__(self, source_datapipe: Iterable[tuple[str, Any]]) -> None:
        super().__init__()
        self.source_datapipe = source_datapipe

    def __iter__(self) -> Iterator[dict[str, Any]]:
        sample: dict[str, Any] = {}
        current = ""
        for path, data in self.source_datapipe:
            prefix, suffix = split_path(path)
            if not suffix:
                continue
            if prefix != current:
                if current:
                    yield sample
                sample = {"__key__": prefix}
                current = prefix
            sample[suffix] = data
        if sample:
            yield sample
