"""Fills a store with pictures, reads them like a training job, and checks every one."""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.pool import ThreadPool
from typing import TYPE_CHECKING, Any, TypeAlias

from .._progress import progress_bar
from ..manifest import Manifest
from ..profiling import Profile, profile
from ..torch import ObjectDataset, ShardDataset
from .pictures import make_picture, make_shard, pixels_digest

if TYPE_CHECKING:
    from .aistore import AIStoreStore
    from .seaweed import SeaweedStore

# Prefixes of keys.
PICTURES = "pictures/"
SHARDS = "shards/"

_PICTURES_PER_SHARD = 150
# Two cores make pictures while others are sent to the store.
_THREADS = 4
_WORKERS = 2
_BATCH = 16

# The name of a picture, and the hash of its pixels.
Seen = tuple[str, str]
Store: TypeAlias = "AIStoreStore | SeaweedStore"


@dataclass(frozen=True)
class Reading:
    """The result of one pass over a prefix."""

    profile: Profile  # what was read from the store, and what the loop waited for
    pictures: int  # how many were decoded
    errors: int  # how many are missing, arrived twice, or differ from those that were stored
    seconds: float  # from the start of the listing to the last picture


def fill(
    stores: Sequence[Store], pictures: int, shards: int
) -> tuple[dict[str, str], dict[str, str]]:
    """Make pictures, and tar shards with other pictures, and put them into every store.

    Return the digest of each picture by its name: first the files, then those in shards.
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


def pictures_of(store: Store) -> ObjectDataset | ShardDataset:
    """Return a dataset of the pictures that are files."""
    return _dataset(ObjectDataset, store, PICTURES, _see_file)


def shards_of(store: Store) -> ObjectDataset | ShardDataset:
    """Return a dataset of the tar shards."""
    return _dataset(ShardDataset, store, SHARDS, _see_sample)


def _dataset(
    kind: type[ObjectDataset] | type[ShardDataset],
    store: Store,
    prefix: str,
    see: Callable[[Any], Seen],
) -> ObjectDataset | ShardDataset:
    manifest = Manifest.list(store.url(prefix), config=store.config)
    return kind(
        manifest,
        see,
        batch_size=_BATCH,
        shuffle=True,
        uneven="keep",
        config=store.config,
        rank=0,
        ranks=1,
    )


def read(
    store: Store,
    open_dataset: Callable[[Store], ObjectDataset | ShardDataset],
    expected: dict[str, str],
) -> Reading:
    """Read a dataset in the workers of its loader, and compare the digests of the pictures."""
    seen: Counter[Seen] = Counter()
    begin = time.monotonic()
    loader = open_dataset(store).loader(num_workers=_WORKERS, collate_fn=list)
    with (
        profile() as measured,
        progress_bar(desc="reading", total=len(expected), unit=" pictures") as progress,
    ):
        for batch in loader:
            seen.update(batch)
            progress.update(len(batch))
    return Reading(
        profile=measured,
        pictures=sum(seen.values()),
        errors=count_errors(seen, expected),
        seconds=time.monotonic() - begin,
    )


def count_errors(seen: Counter[Seen], expected: dict[str, str]) -> int:
    """Return how many pictures are missing, doubled, different or unknown."""
    wrong = sum(seen[picture] != 1 for picture in expected.items())
    return wrong + sum(name not in expected for name, _ in seen)


def _see_file(file: Any) -> Seen:
    return file.url.rpartition("/")[2], pixels_digest(file)


def _see_sample(sample: dict[str, Any]) -> Seen:
    return f"{sample['__key__']}.jpg", pixels_digest(io.BytesIO(sample["jpg"]))
