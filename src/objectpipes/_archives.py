"""Reads the members of tar archives, compressed or not, from any binary file."""

from __future__ import annotations

import importlib
import io
import os.path
import posixpath
from collections.abc import Callable
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Protocol, TypeVar, cast

from . import _engine
from ._importing import importing
from .errors import ArchiveError, ConfigError, NotSupportedError, ObjectStoreError

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from . import _ext

_MAGIC = {
    b"\x1f\x8b": "gz",
    b"BZh": "bz2",
    b"\xfd7zXZ\0": "xz",
    b"\x5d\0\0": "xz",  # LZMA's older format
    b"\x28\xb5\x2f\xfd": "zst",
}
_MAX_MAGIC = max(map(len, _MAGIC))
_COMPRESSIONS = ("", "*", *dict.fromkeys(_MAGIC.values()))


_T = TypeVar("_T")


class BinaryFile(Protocol):
    """A file to read bytes from. If it has a method ``seekable``, it may be able to seek."""

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes."""
        ...


def check_mode(mode: str) -> str:
    """Return the compression in a mode of `tarfile.open`: ``"*"`` for any, ``""`` for none."""
    opening, separator, compression = mode.replace("|", ":").partition(":")
    if opening != "r" or compression not in _COMPRESSIONS:
        known = ", ".join(repr(f"r:{name}") for name in _COMPRESSIONS)
        raise ConfigError(f"mode must be 'r' or one of {known}, not {mode!r}.")
    return compression if separator else "*"


def open_tar(
    file: BinaryFile | bytes | memoryview, url: str, compression: str = "*", *, part: bool = False
) -> _ext.TarReader:
    """Return the regular files of an archive as ``(path, file)``, in its order.

    It is read from the current position of a binary file. A file that cannot seek is read once, to
    its end. Paths of members begin with `url`, which also names the archive in errors.
    `compression` is what `check_mode` returns. With `part`, the file is a part of an archive that
    begins and ends between two members. A member of at most 16 MiB can still be read when `file` is
    closed.

    An archive that is cut off or damaged is an `ArchiveError`, after its earlier members.
    """
    if compression and not isinstance(file, (bytes, memoryview)):
        file = _decompressed(file, url, compression)
    paths = MemberPaths(url)
    return _engine.ext.TarReader(
        file,
        url=url,
        prefix=paths.prefix,
        path_of=paths,
        section=_open_section,
        part=part,
    )


def split_path(path: str) -> tuple[str, str]:
    """Split a path at the first dot of its last part; the extension has the dot, or is empty."""
    path = path.replace("\\", "/")
    dot = path.find(".", path.rfind("/") + 1)
    return (path, "") if dot < 0 else (path[:dot], path[dot:])


class MemberPaths:
    """Joins the path of an archive and those of its members, as torchdata does.

    Unlike `os.path.normpath`, it keeps both slashes of ``s3://``.
    """

    def __init__(self, archive: str) -> None:
        scheme, separator, path = archive.partition("://")
        self._root = f"{scheme}://" if separator else ""
        self._archive = path if separator else archive
        # For names that normpath does not change; empty if it would change even the archive's path.
        self.prefix = self("x")[:-1] if os.path.sep == "/" or self._root else ""

    def __call__(self, name: str) -> str:
        if not self._root:
            return os.path.normpath(os.path.join(self._archive, name))  # noqa: PTH118
        if name.startswith("/"):
            return posixpath.normpath(name)
        joined = posixpath.join("/", self._archive, name)
        return self._root + posixpath.normpath(joined).lstrip("/")


# A member that is too large for memory ------------------------------------------------------------


def _open_section(file: IO[bytes], begin: int, size: int, name: str) -> io.BufferedReader:
    return io.BufferedReader(_Section(file, begin, size, name), 1 << 20)


class _Section(io.RawIOBase):
    """A part of a seekable file."""

    def __init__(self, file: IO[bytes], begin: int, size: int, name: str) -> None:
        self._file = file
        self._begin = begin
        self._size = size
        self._position = 0
        self.name = name

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = 0) -> int:
        base = {0: 0, 1: self._position, 2: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Buffer) -> int:
        target = memoryview(buffer).cast("B")
        left = max(0, self._size - self._position)
        self._file.seek(self._begin + self._position)
        data = self._file.read(min(len(target), left))
        if left and len(target) and not data:
            raise ArchiveError(
                f"The TAR is cut off at offset {self._begin + self._position}", url=self.name
            )
        target[: len(data)] = data
        self._position += len(data)
        return len(data)


# Compressed archives ------------------------------------------------------------------------------


def _decompressed(file: BinaryFile, url: str, compression: str) -> BinaryFile:
    """Return a file with the decompressed content: `file` itself if it is not compressed."""
    if compression == "*":
        head = file.read(_MAX_MAGIC)
        compression = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "")
        seekable: Callable[[], bool] | None = getattr(file, "seekable", None)
        if seekable is not None and seekable():
            cast(IO[bytes], file).seek(-len(head), io.SEEK_CUR)
        else:
            file = _PutBack(head, file)
    if not compression:
        return file
    try:
        return _Decompressed(_open_compressed(cast(IO[bytes], file), compression), url)
    except ImportError as error:
        raise NotSupportedError(str(error), url=url, code="Compression") from error


class _PutBack:
    """A file that cannot seek, where the first bytes are read again."""

    def __init__(self, head: bytes, file: BinaryFile) -> None:
        self._head = head
        self._file = file

    def seekable(self) -> bool:
        return False

    def read(self, size: int = -1) -> bytes:
        if not self._head:
            return self._file.read(size)
        if size < 0:
            size = len(self._head)
        head, self._head = self._head[:size], self._head[size:]
        return head


class _Decompressed:
    """The output of a decompressor, whose errors become `ArchiveError`."""

    def __init__(self, file: io.BufferedIOBase, url: str) -> None:
        self._file = file
        self._url = url
        self._ends_at = 0

    def seekable(self) -> bool:
        return self._file.seekable()

    def tell(self) -> int:
        return self._call(self._file.tell)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._call(lambda: self._file.seek(offset, whence))

    def read(self, size: int = -1) -> bytes:
        data = self._call(lambda: self._file.read(size))
        self._ends_at += len(data)
        return data

    def _call(self, method: Callable[[], _T]) -> _T:
        try:
            return method()
        except ObjectStoreError:
            raise
        except Exception as error:  # each library has its own
            raise ArchiveError(
                f"The archive cannot be decompressed beyond byte {self._ends_at} of its"
                f" content: {error}",
                url=self._url,
            ) from error


def _open_compressed(file: IO[bytes], compression: str) -> io.BufferedIOBase:
    if compression == "zst":
        return _open_zst(file)
    with importing:
        module = importlib.import_module({"gz": "gzip", "bz2": "bz2", "xz": "lzma"}[compression])
    return cast(io.BufferedIOBase, module.open(file, "rb"))


def _open_zst(file: IO[bytes]) -> io.BufferedIOBase:
    with importing, suppress(ImportError):
        from compression import zstd  # Python 3.14

        return cast(io.BufferedIOBase, zstd.ZstdFile(file))
    try:
        with importing:
            import zstandard
    except ImportError:
        raise ImportError("No library for zstd is installed") from None
    reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
    return cast(io.BufferedIOBase, reader)
