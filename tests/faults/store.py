"""The data of the server: objects in buckets, and who may read them."""

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property

from botocore.credentials import Credentials

from . import checksums


@dataclass(frozen=True)
class StoredObject:
    """One version of an object.

    Attributes
    ----------
    data : bytes
        The object's bytes.
    checksum : str or None
        ``"CRC32"``, ``"CRC32C"``, ``"CRC64NVME"``, ``"SHA1"``, ``"SHA256"``, or None for none.
    part_sizes : tuple of int
        Sizes in bytes of the parts of a multipart upload; empty for a simple one.
    composite : bool
        Whether the checksum of a multipart upload is S3's type COMPOSITE instead of FULL_OBJECT.
    modified : datetime
        Time of the upload, with its time zone.
    """

    data: bytes
    checksum: str | None = None
    part_sizes: tuple[int, ...] = ()
    composite: bool = False
    modified: datetime = datetime(2026, 1, 1, tzinfo=timezone.utc)

    def __post_init__(self) -> None:
        if self.checksum not in (None, *checksums.ALGORITHMS):
            raise ValueError(f"unknown checksum algorithm {self.checksum!r}")
        if self.part_sizes and sum(self.part_sizes) != len(self.data):
            raise ValueError("part_sizes do not add up to the size of data")

    @cached_property
    def part_spans(self) -> Sequence[tuple[int, int]]:
        """Begin and end of each part; a simple upload is its own only part."""
        spans = []
        begin = 0
        for size in self.part_sizes or (len(self.data),):
            spans.append((begin, begin + size))
            begin += size
        return spans

    def _parts(self) -> Iterator[bytes]:
        return (self.data[begin:end] for begin, end in self.part_spans)

    @cached_property
    def etag(self) -> str:
        """The entity tag as S3 makes it, with its quotes."""
        digests = [hashlib.md5(part, usedforsecurity=False).digest() for part in self._parts()]
        if not self.part_sizes:
            return f'"{digests[0].hex()}"'
        whole = hashlib.md5(b"".join(digests), usedforsecurity=False).hexdigest()
        return f'"{whole}-{len(digests)}"'

    @property
    def checksum_type(self) -> str:
        """S3's name of what the checksum covers."""
        return "COMPOSITE" if self.composite else "FULL_OBJECT"

    @cached_property
    def _checksum_value(self) -> str:
        assert self.checksum is not None
        if self.composite:
            return checksums.composite(self.checksum, list(self._parts()))
        return checksums.full(self.checksum, self.data)

    def checksum_headers(self, span: tuple[int, int] | None) -> dict[str, str]:
        """Return what S3 says about the checksum of a piece, or with None, of the whole.

        A piece has one only if it is exactly a part of an upload whose parts were checksummed.
        """
        if self.checksum is None:
            return {}
        if span is None:
            value = self._checksum_value
        elif self.composite and span in self.part_spans:
            value = checksums.full(self.checksum, self.data[slice(*span)])
        else:
            return {}
        return {checksums.header(self.checksum): value, "x-amz-checksum-type": self.checksum_type}


class Store:
    """Buckets in memory; safe to change while the server answers.

    Parameters
    ----------
    objects : Mapping[str, Mapping[str, bytes or StoredObject]]
        What is in which bucket, by key.
    checksum : str or None
        Checksum algorithm of objects given as plain bytes.
    credentials : Credentials or None
        What every request must be signed with; with None, signatures are not looked at.
    region : str
        The region requests must be signed for.
    page_size : int
        Most entries in one page of a listing.
    """

    def __init__(
        self,
        objects: Mapping[str, Mapping[str, bytes | StoredObject]],
        *,
        checksum: str | None = None,
        credentials: Credentials | None = None,
        region: str = "us-east-1",
        page_size: int = 1000,
    ) -> None:
        self.credentials = credentials
        self.retired: set[str] = set()
        self.region = region
        self.page_size = page_size
        self._checksum = checksum
        self._lock = threading.Lock()
        self._sorted_keys: dict[str, list[str]] = {}
        self._buckets: dict[str, dict[str, StoredObject]] = {
            bucket: {key: self._stored(value) for key, value in content.items()}
            for bucket, content in objects.items()
        }

    def _stored(self, value: bytes | StoredObject) -> StoredObject:
        return value if isinstance(value, StoredObject) else StoredObject(value, self._checksum)

    def has_bucket(self, bucket: str) -> bool:
        """Whether there is such a bucket."""
        return bucket in self._buckets

    def get(self, bucket: str, key: str) -> StoredObject | None:
        """Return the object's current version, or None."""
        return self._buckets[bucket].get(key)

    def put(self, bucket: str, key: str, value: bytes | StoredObject) -> None:
        """Create or replace an object; the bucket must exist."""
        with self._lock:
            if key not in self._buckets[bucket]:
                self._sorted_keys.pop(bucket, None)
            self._buckets[bucket][key] = self._stored(value)

    def delete(self, bucket: str, key: str) -> None:
        """Remove an object; KeyError if there is none."""
        with self._lock:
            del self._buckets[bucket][key]
            self._sorted_keys.pop(bucket, None)

    def keys(self, bucket: str) -> Sequence[str]:
        """Return the bucket's keys in S3's order (that of their UTF-8 bytes)."""
        with self._lock:
            if bucket not in self._sorted_keys:
                self._sorted_keys[bucket] = sorted(self._buckets[bucket])
            return self._sorted_keys[bucket]

    def rotate(self, credentials: Credentials) -> None:
        """Accept `credentials` from now on, and the old ones as expired."""
        if self.credentials:
            self.retired.add(self.credentials.access_key)
        self.credentials = credentials
