"""The binary format of a manifest: a table of objects that is used in place, not parsed.

| bytes      | what                                                                               |
|------------|------------------------------------------------------------------------------------|
| 128        | header: see `_HEADER`, all numbers little-endian                                   |
| 8 n        | sizes, int64, -1 where unknown                                                     |
| 8 n        | times of modification, float64, POSIX seconds, NaN where unknown                   |
| 8 (n + 1)  | where each record begins, uint64, counted from the first record; then their end    |
| roots_size | JSON ``[[root, targets], ...]``: what URLs begin with (``s3://bucket/``)           |
| the rest   | records: flags, root and key, then ETag, version and checksum as the flags say     |

The CRC-32 of the header covers the roots too. A key of 50 characters with an ETag takes 94 bytes.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import mmap
import multiprocessing.context
import os
import struct
import tempfile
import weakref
import zlib
from array import array
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .errors import InvalidURLError, ManifestError
from .url import ObjectUrl

_MAGIC = b"\x89OBJMAN\n"
_VERSION = 1
# Magic, version, CRC-32, entries, bytes of roots, bytes of records, fingerprint.
_HEADER = struct.Struct("<8sIIQQQ16s72x")
_SPAWN_AS_FILE = 1 << 20
_PREFIX = "objectpipes-manifest-"

# How a text is stored: two bits of a record's flags.
_NONE, _HEX, _HEX_AND_PARTS, _TEXT = range(4)


class Table:
    """A manifest in memory or in a mapped file.

    Errors show its name. A `temporary` file exists only for the processes of this job. The
    fingerprint is a hash of URLs, sizes and versions: equal for equal tables, however they were
    made.
    """

    def __init__(
        self,
        data: mmap.mmap | bytes,
        name: str = "a manifest in memory",
        path: str | None = None,
        temporary: bool = False,
    ) -> None:
        view = memoryview(data)
        count, roots_size, records_size, self.fingerprint = _read_header(view, name)
        times = _HEADER.size + 8 * count
        offsets = times + 8 * count
        roots = offsets + 8 * (count + 1)
        records = roots + roots_size
        self._data = view
        self._name = name
        self._path = path
        self._temporary = temporary
        self.sizes = view[_HEADER.size : times].cast("q")
        self._times = view[times:offsets].cast("d")
        self._offsets = view[offsets:roots].cast("Q")
        self._roots = [
            (str(root), None if targets is None else int(targets))
            for root, targets in json.loads(bytes(view[roots:records]))
        ]
        self._records = view[records : records + records_size]

    @classmethod
    def map_file(
        cls,
        path: str,
        name: str = "",
        fingerprint: bytes | None = None,
        temporary: bool = False,
    ) -> Table:
        """Map a file. Its pages are read when its entries are used.

        If `fingerprint` is given, a file with another one is a `ManifestError`.
        """
        with Path(path).open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise ManifestError("The file is empty, so it is not a manifest", url=name or path)
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        table = cls(data, name or path, path, temporary)
        if fingerprint is not None and table.fingerprint != fingerprint:
            raise ManifestError(
                "The file of the manifest was replaced after it was loaded", url=table._name
            )
        return table

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> ObjectUrl:
        try:
            return self._row(index)
        except (IndexError, ValueError, struct.error) as error:
            raise ManifestError(f"Entry {index} is damaged", url=self._name) from error

    def _row(self, index: int) -> ObjectUrl:
        record = bytes(self._records[self._offsets[index] : self._offsets[index + 1]])
        flags = record[0]
        root_number, at = _read_number(record, 1)
        length, at = _read_number(record, at)
        key = record[at : at + length]
        etag, at = _read_text(flags & 3, record, at + length)
        version, at = _read_text(flags >> 2 & 3, record, at)
        checksum, at = _read_text(flags >> 4 & 3, record, at)
        if at != len(record):
            raise ValueError("record of another length")
        root, targets = self._roots[root_number]
        size, mtime = self.sizes[index], self._times[index]
        return ObjectUrl(
            root + key.decode("utf-8", "surrogateescape"),
            None if size < 0 else size,
            etag,
            None if mtime != mtime else mtime,
            checksum,
            version,
            targets,
        )

    def fingerprint_of(self, start: int, stop: int) -> bytes:
        """Return the fingerprint of a table with only these entries."""
        if (start, stop) == (0, len(self)):
            return self.fingerprint
        records = self._records[self._offsets[start] : self._offsets[stop]]
        return _fingerprint(self._roots, self.sizes[start:stop], records)

    def write(self, write: Callable[[memoryview], object]) -> None:
        """Pass the content of the file to a function in pieces."""
        for start in range(0, len(self._data), 1 << 24):
            write(self._data[start : start + (1 << 24)])

    def delete_with_me(self) -> None:
        """Remove the temporary file when this process no longer uses the table."""
        assert self._path is not None
        weakref.finalize(self, _remove, self._path, os.getpid())

    def __reduce__(self) -> tuple[Callable[..., Table], tuple[Any, ...]]:
        spawning = multiprocessing.context.get_spawning_popen() is not None
        if self._path is None and spawning and len(self._data) >= _SPAWN_AS_FILE:
            # Workers map one file, instead of each getting a copy.
            descriptor, self._path = tempfile.mkstemp(prefix=_PREFIX)
            self._temporary = True
            self.delete_with_me()
            with os.fdopen(descriptor, "wb") as file:
                self.write(file.write)
        if self._path is not None and (spawning or not self._temporary):
            return Table.map_file, (self._path, self._name, self.fingerprint, self._temporary)
        return Table, (bytes(self._data),)


def _remove(path: str, process: int) -> None:
    if os.getpid() == process:
        Path(path).unlink(missing_ok=True)


def _read_header(view: memoryview, name: str) -> tuple[int, int, int, bytes]:
    """Check the header: number of entries, bytes of roots, bytes of records, fingerprint."""
    if bytes(view[: len(_MAGIC)]) != _MAGIC[: len(view)]:
        raise ManifestError("The file is not a manifest of objectpipes", url=name)
    if len(view) < _HEADER.size:
        raise ManifestError(f"The manifest is truncated to {len(view)} bytes", url=name)
    _, version, crc, count, roots_size, records_size, fingerprint = _HEADER.unpack_from(view)
    if version > _VERSION:
        raise ManifestError(
            f"A newer objectpipes has written this manifest, in format {version}; this one reads"
            f" formats up to {_VERSION}",
            url=name,
        )
    length = _HEADER.size + 8 * (3 * count + 1) + roots_size + records_size
    roots = length - records_size - roots_size
    if len(view) < length:
        raise ManifestError(
            f"The manifest is truncated: it has {len(view)} of {length} bytes", url=name
        )
    header = _HEADER.pack(_MAGIC, version, 0, count, roots_size, records_size, fingerprint)
    if crc != _crc(header, view[roots : roots + roots_size]) or len(view) > length:
        raise ManifestError("The manifest is damaged: its header is not consistent", url=name)
    return count, roots_size, records_size, fingerprint


def _crc(header: bytes, roots: bytes | memoryview) -> int:
    return zlib.crc32(roots, zlib.crc32(header))


def _fingerprint(
    roots: Iterable[tuple[str, int | None]],
    sizes: memoryview | array[int],
    records: memoryview | bytearray,
) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    digest.update(json.dumps([root for root, _ in roots]).encode())
    digest.update(sizes)
    digest.update(records)
    return digest.digest()


class TableBuilder:
    """Collects objects for a table."""

    def __init__(self) -> None:
        self._roots: dict[tuple[str, int | None], int] = {}
        self._sizes = array("q")
        self._times = array("d")
        self._lengths = array("Q")
        self._records = bytearray()

    def add(self, urls: Iterable[str | bytes]) -> None:
        """Append objects."""
        for url in urls:
            record = self._record_of(url)
            size, mtime = getattr(url, "size", None), getattr(url, "mtime", None)
            self._sizes.append(-1 if size is None else size)
            self._times.append(float("nan") if mtime is None else mtime)
            self._lengths.append(len(record))
            self._records += record

    def extend(self, other: TableBuilder) -> None:
        """Append the objects of another builder."""
        roots = self._roots
        if all(roots.setdefault(root, len(roots)) == n for root, n in other._roots.items()):
            self._sizes += other._sizes
            self._times += other._times
            self._lengths += other._lengths
            self._records += other._records
        else:  # records hold numbers of roots
            table = other.finish()
            self.add(table[index] for index in range(len(table)))

    def _record_of(self, url: str | bytes) -> bytes:
        text = url.decode("utf-8", "surrogateescape") if isinstance(url, bytes) else url
        if not isinstance(text, str):
            raise TypeError(f"a URL must be str or bytes, not {type(url).__name__}: {url!r}")
        scheme, separator, rest = text.partition("://")
        bucket, slash, name = rest.partition("/")
        if not (scheme and separator and bucket and slash and name):
            raise InvalidURLError("Expected scheme://bucket/key", url=str(text))
        root = (f"{scheme}://{bucket}/", getattr(url, "targets", None))
        number = self._roots.setdefault(root, len(self._roots))
        key = name.encode("utf-8", "surrogateescape")
        etag_form, etag = _write_text(getattr(url, "etag", None))
        version_form, version = _write_text(getattr(url, "version", None))
        checksum_form, checksum = _write_text(getattr(url, "checksum", None))
        return b"".join(
            (
                bytes((etag_form | version_form << 2 | checksum_form << 4,)),
                _write_number(number),
                _write_number(len(key)),
                key,
                etag,
                version,
                checksum,
            )
        )

    def finish(self) -> Table:
        """Make the table."""
        roots = json.dumps(list(self._roots)).encode()
        count = len(self._sizes)
        fingerprint = _fingerprint(self._roots, self._sizes, self._records)
        fields = (_MAGIC, _VERSION, 0, count, len(roots), len(self._records), fingerprint)
        fields = (*fields[:2], _crc(_HEADER.pack(*fields), roots), *fields[3:])
        offsets = array("Q", itertools.accumulate(self._lengths, initial=0))
        parts = (self._sizes, self._times, offsets, roots, self._records)
        return Table(b"".join((_HEADER.pack(*fields), *parts)))


def _write_number(number: int) -> bytes:
    """Write seven bits a byte, the lowest first."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _read_number(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7


def _write_text(text: str | None) -> tuple[int, bytes]:
    if text is None:
        return _NONE, b""
    digits, dash, parts = text.partition("-")
    try:
        raw = bytes.fromhex(digits)
        if raw.hex() == digits:
            if not dash:
                return _HEX, _write_number(len(raw)) + raw
            number = int(parts)
            if number >= 0 and str(number) == parts:
                return _HEX_AND_PARTS, _write_number(len(raw)) + raw + _write_number(number)
    except ValueError:
        pass
    raw = text.encode("utf-8", "surrogateescape")
    return _TEXT, _write_number(len(raw)) + raw


def _read_text(form: int, data: bytes, at: int) -> tuple[str | None, int]:
    if form == _NONE:
        return None, at
    length, at = _read_number(data, at)
    raw, at = data[at : at + length], at + length
    if form == _TEXT:
        return raw.decode("utf-8", "surrogateescape"), at
    if form == _HEX:
        return raw.hex(), at
    number, at = _read_number(data, at)
    return f"{raw.hex()}-{number}", at
