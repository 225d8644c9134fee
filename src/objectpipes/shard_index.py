"""Indexes of tar shards: where each sample begins, so that training can read from the middle.

An index is a small object or file. Its header has the number of samples and the version of the
shard. The offset of each sample follows.
"""

from __future__ import annotations

import io
import json
import re
import struct
import sys
import zlib
from array import array
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ._read_ahead import Range, drained, read_ahead
from ._samples import groups_in
from ._store import Store
from ._store_files import upload
from .errors import ConfigError, ObjectNotFoundError, ShardIndexError
from .options import ReadOptions

if TYPE_CHECKING:
    from ._connection import StoreConfig

__all__ = ["SUFFIX", "IndexHead", "IndexPlace", "index_shard", "is_index"]

SUFFIX = ".idx"

_MAGIC = b"\x89opidx\r\n"
_PREFIX = struct.Struct("<8sII")  # magic, bytes of the head, CRC-32 of head and offsets
_FORMAT = 1
# Longer than the JSON of any head, so that one ranged read gets it.
_HEAD_BYTES = 1024
_PREFETCH_BYTES = 64 << 20
_NO_PATH = re.compile(r"[\0\ud800-\udc7f\udd00-\udfff]")


def is_index(url: str) -> bool:
    """Tell whether a listed object is an index that lies beside its shard."""
    return url.endswith(SUFFIX)


@dataclass(frozen=True)
class IndexHead:
    """The head of an index: facts about its shard."""

    samples: int
    size: int  # bytes of the shard
    # What the store says about the version of the shard.
    etag: str | None = None
    version: str | None = None
    checksum: str | None = None

    def check_fits(self, shard: str) -> None:
        """Compare the head with a listing of the shard, which may have been replaced."""
        for name in ("size", "etag", "version", "checksum"):
            listed, indexed = getattr(shard, name, None), getattr(self, name)
            if listed is not None and indexed is not None and listed != indexed:
                raise ShardIndexError(
                    f"The index does not match its shard: the shard's {name} was {indexed} when it"
                    f" was indexed, and is {listed} now",
                    url=shard,
                )


def write_index(head: IndexHead, offsets: array[int]) -> bytes:
    """Return an index as bytes: its head, the offset of each sample, and where the last ends."""
    facts = {"format": _FORMAT, **head.__dict__}
    text = json.dumps({name: value for name, value in facts.items() if value is not None})
    body = text.encode().ljust(_HEAD_BYTES - _PREFIX.size) + _little_endian(offsets).tobytes()
    return _PREFIX.pack(_MAGIC, len(text), zlib.crc32(body)) + body


def read_head(data: bytes, shard: str) -> IndexHead:
    """Parse the beginning of an index."""
    if len(data) < _HEAD_BYTES or not data.startswith(_MAGIC):
        raise ShardIndexError("This is not the index of a shard, or it is truncated", url=shard)
    _, length, _ = _PREFIX.unpack_from(data)
    try:
        facts = json.loads(data[_PREFIX.size : min(_PREFIX.size + length, _HEAD_BYTES)])
        version = facts.pop("format")
        if version > _FORMAT:
            raise ShardIndexError(
                f"A newer objectpipes has written this index, in format {version}", url=shard
            )
        return IndexHead(**facts)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, ShardIndexError):
            raise
        raise ShardIndexError(f"The index is damaged: {error}", url=shard) from None


def read_offsets(data: bytes, head: IndexHead, shard: str) -> array[int]:
    """Return the offset of each sample of a shard, and where the last one ends."""
    intact = read_head(data, shard) == head and len(data) == _HEAD_BYTES + 8 * (head.samples + 1)
    if not intact or _PREFIX.unpack_from(data)[2] != zlib.crc32(data[_PREFIX.size :]):
        raise ShardIndexError("The index is damaged", url=shard)
    offsets = array("Q")
    offsets.frombytes(data[_HEAD_BYTES:])
    return _little_endian(offsets)


def _little_endian(offsets: array[int]) -> array[int]:
    if sys.byteorder == "big":
        offsets = offsets[:]
        offsets.byteswap()
    return offsets


class IndexPlace:
    """The folder, or URL of a prefix, where indexes are stored; None: each beside its shard."""

    def __init__(self, place: str | Path | None, config: StoreConfig | None) -> None:
        if place is not None and (
            not isinstance(place, (str, Path)) or _NO_PATH.search(str(place))
        ):
            raise ConfigError(f"index must be a folder or the URL of a prefix, not {place!r}.")
        self._place = None if place is None else str(place)
        if self._place is not None and "://" in self._place:
            self._place = self._place.rstrip("/")
        self._config = config

    def of(self, shard: str) -> str:
        """Return the URL or path of a shard's index."""
        if self._place is None:
            return f"{shard}{SUFFIX}"
        _, _, path = shard.partition("://")
        if "://" in self._place:
            return f"{self._place}/{path}{SUFFIX}"
        # Any key becomes a path inside the folder.
        parts = [quote(part, safe=" ") for part in path.split("/")]
        parts = [part.replace(".", "%2E") if part in ("", ".", "..") else part for part in parts]
        return str(Path(self._place, *(part or "%" for part in parts))) + SUFFIX

    def heads(self, shards: Sequence[str]) -> list[IndexHead | None]:
        """Read the heads of several indexes at once; None for each that does not exist."""
        found = self._read([self.of(shard) for shard in shards], _HEAD_BYTES)
        heads: list[IndexHead | None] = []
        for shard, data in zip(shards, found, strict=True):
            heads.append(None if data is None else read_head(data, self.of(shard)))
        return heads

    def offsets(self, shard: str, head: IndexHead) -> array[int]:
        """Read an index, which must still have that head."""
        [data] = self._read([self.of(shard)], None)
        if data is None:
            raise ShardIndexError("The index was deleted", url=self.of(shard))
        return read_offsets(data, head, self.of(shard))

    def write(self, shard: str, data: bytes) -> str:
        """Store the index of a shard, and return where."""
        where = self.of(shard)
        if "://" in where:
            upload(where, io.BytesIO(data), self._config)
        else:
            path = Path(where)
            path.parent.mkdir(parents=True, exist_ok=True)
            whole = path.with_name(f".{path.name}.part")
            whole.write_bytes(data)
            whole.replace(path)
        return where

    def _read(self, places: list[str], length: int | None) -> Iterator[bytes | None]:
        if not places or "://" not in places[0]:
            return map(_read_file, places, [length] * len(places))
        wanted = [place if length is None else Range(place, 0, length) for place in places]
        return iter(_read_objects(wanted, self._config))


def _read_file(path: str, length: int | None) -> bytes | None:
    try:
        with Path(path).open("rb") as file:
            return file.read(-1 if length is None else length)
    except FileNotFoundError:
        return None


def _read_objects(wanted: list[str | Range], config: StoreConfig | None) -> list[bytes | None]:
    """Read objects or ranges of them; None for each that does not exist."""
    found: list[bytes | None] = []
    example = wanted[0] if isinstance(wanted[0], str) else wanted[0].url
    options = ReadOptions(prefetch_bytes=_PREFETCH_BYTES)
    with closing(Store.of(example, config).open_window(options)) as window:
        for items, failure in read_ahead(wanted, window):
            found += [reader.read() for _, reader in drained(items)]
            if isinstance(failure, ObjectNotFoundError):
                found.append(None)
            elif failure is not None:
                raise failure
    return found


def index_shard(shard: str, reader: Any) -> tuple[IndexHead, bytes]:
    """Make the index of a shard that is open for reading.

    If the URL is that of a listing, it also says which version this is. A compressed shard is an
    `ArchiveError`, too, because it cannot be read from the middle.
    """
    offsets = array("Q")
    end = 0
    for group in groups_in(reader, shard, ""):
        offsets.append(group.begin)
        end = group.end
    offsets.append(end)
    head = IndexHead(
        samples=len(offsets) - 1,
        size=reader.size,
        etag=reader.etag.strip('"') if reader.etag else None,
        version=getattr(shard, "version", None),
        checksum=getattr(shard, "checksum", None),
    )
    return head, write_index(head, offsets)
