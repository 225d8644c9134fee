"""Fill a store with pictures, read them as a training does, and check every one."""

from __future__ import annotations

import io
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.pool import ThreadPool
from typing import Any, Protocol

from .._progress import progress_bar
from .._reports import Totals, read_in_workers
from .pictures import make_picture, make_shard, pixels_digest

__all__ = [
    "PICTURES",
    "SHARDS",
    "Reading",
    "Seen",
    "Store",
    "count_errors",
    "decode_picture",
    "decode_shard",
    "fill",
    "read",
]

# Prefixes of keys.
PICTURES = "pictures/"
SHARDS = "shards/"

_PICTURES_PER_SHARD = 150
# Two cores make pictures, and meanwhile others are on their way to the store.
_THREADS = 4
_WORKERS = 2

# A picture's name, and what its pixels hash to.
Seen = tuple[str, str]


class Store(Protocol):
    """Where pictures are put, and read from."""

    name: str

    def put(self, key: str, data: bytes) -> None:
        """Store an object; threads may do so at once."""

    def load(self, prefix: str) -> Any:
        """Return the pipe that a training would have: ``(url, stream)``, shuffled and sharded."""


@dataclass(frozen=True)
class Reading:
    """What one pass over a prefix was like.

    Attributes
    ----------
    objects, size, retries : int
        Read from the store: number, bytes, and requests that had to be repeated.
    pictures : int
        Number of pictures decoded.
    errors : int
        Pictures that are missing, came twice, or do not look as they did when they were made.
    seconds : float
        From the start of the listing to the last picture.
    """

    objects: int
    size: int
    retries: int
    pictures: int
    errors: int
    seconds: float


def fill(
    stores: Sequence[Store], pictures: int, shards: int
) -> tuple[dict[str, str], dict[str, str]]:
    """Make pictures and tar shards of further ones, and put them into every store.

    Parameters
    ----------
    stores
        Where to.
    pictures
        Number of JPEG files.
    shards
        Number of tar files.

    Returns
    -------
    tuple of dict
        The digest of each picture by its name: of those in files, of those in shards.
    """

    def put(key: str, data: bytes) -> None:
        for store in stores:
            store.put(key, data)

    def store_picture(number: int) -> Seen:
        picture = make_picture(number)
        name = f"{number:06}.jpg"
        put(PICTURES + name, picture.data)
        return name, picture.digest

    def store_shard(number: int) -> dict[str, str]:
        first = pictures + number * _PICTURES_PER_SHARD
        data, digests = make_shard(range(first, first + _PICTURES_PER_SHARD))
        put(f"{SHARDS}{number:03}.tar", data)
        return digests

    in_files: dict[str, str] = {}
    in_shards: dict[str, str] = {}
    total = pictures + shards * _PICTURES_PER_SHARD
    with (
        progress_bar(desc="making", total=total, unit=" pictures") as progress,
        ThreadPool(_THREADS) as threads,
    ):
        for name, digest in threads.imap_unordered(store_picture, range(pictures)):
            in_files[name] = digest
            progress.update()
        for digests in threads.imap_unordered(store_shard, range(shards)):
            in_shards |= digests
            progress.update(len(digests))
    return in_files, in_shards


def read(
    pipe: Iterable[Any],
    decode: Callable[[tuple[str, Any]], Iterator[Seen]],
    expected: dict[str, str],
) -> Reading:
    """Read a pipe in the workers of a ``DataLoader``, and compare what was seen.

    Parameters
    ----------
    pipe
        Gives ``(url, stream)``.
    decode
        Gives the pictures of one of these.
    expected
        The digest of each picture by its name.
    """
    totals = Totals()
    seen: Counter[Seen] = Counter()
    begin = time.monotonic()
    with (
        closing(read_in_workers(pipe, decode, _WORKERS)) as reports,
        progress_bar(desc="reading", total=len(expected), unit=" pictures") as progress,
    ):
        for report in reports:
            totals.add(report)
            seen.update(report.items)
            progress.update(len(report.items))
    seconds = time.monotonic() - begin
    return Reading(
        objects=totals["objects"],
        size=totals["bytes"],
        retries=totals["retries"],
        pictures=sum(seen.values()),
        errors=count_errors(seen, expected),
        seconds=seconds,
    )


def count_errors(seen: Counter[Seen], expected: dict[str, str]) -> int:
    """Return how many pictures are missing, came twice, look different, or should not be there."""
    wrong = sum(seen[picture] != 1 for picture in expected.items())
    return wrong + sum(name not in expected for name, _ in seen)


def decode_picture(element: tuple[str, Any]) -> Iterator[Seen]:
    """Decode a file of one picture."""
    url, stream = element
    yield url.rpartition("/")[2], pixels_digest(stream)


def decode_shard(element: tuple[str, Any]) -> Iterator[Seen]:
    """Decode every picture of a tar file, on its way through."""
    _, stream = element
    with tarfile.open(fileobj=stream, mode="r|") as shard:
        for member in shard:
            picture = shard.extractfile(member)
            if picture is not None:
                yield member.name, pixels_digest(io.BytesIO(picture.read()))
