"""Datasets whose samples are in tar shards."""

from __future__ import annotations

import bisect
import itertools
import random
from array import array
from collections import OrderedDict, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .._checks import check_count, check_flag, check_seed
from .._read_ahead import Range
from .._samples import groups_in, sample_of
from .._store import Store
from .._timing import timed
from ..errors import ConfigError, ObjectChangedError, ObjectStoreError, ShardIndexError
from ..shard_index import IndexHead, IndexPlace, is_index
from ._dataset import Order, Progress, ResumableDataset, check_manifest
from ._order import Place, Plan
from ._reading import read_in_order
from ._shard_order import ShardOrder, run_length

if TYPE_CHECKING:
    from .._connection import StoreConfig
    from ..manifest import Manifest

__all__ = ["ShardDataset"]

# One request reads neighbouring samples of up to this many bytes together.
_MAX_READ_BYTES = 1 << 20
# Size of the buffer in which samples of a shard without an index are shuffled.
_MIXED_SAMPLES = 1000
_MIXED_BYTES = 64 << 20
# So many indexes stay in memory, the last used ones; or those of a window, if these are more.
_MIN_OPEN_INDEXES = 32
_OUT_OF_RANGE = 416  # the status of a read behind the end of a shard that is now shorter


class ShardDataset(ResumableDataset):
    """The samples of tar shards, resumable like those of an `ObjectDataset`.

    A sample is what webdataset makes of a shard: a dictionary of consecutive members whose names
    are equal up to the first dot. Its keys are the rest of the names (``"jpg"``), its values bytes.
    ``"__key__"`` is the common part of the names, and ``"__url__"`` the shard.

    With an index of each shard (``objectpipes index s3://bucket/shards/``), order, batches, states
    and equal ranks are those of an `ObjectDataset`. A run resumes in the middle of a shard, and
    reads only what it delivers. Shuffling mixes the samples of `shuffle_window` shards; runs of up
    to eight small neighbours stay together, because one request reads them.

    Without an index, the number of samples in a shard is unknown. Ranks and workers get whole
    shards, in shuffled order, and samples are shuffled only within a shard. A run that resumes
    reads the shards that it had begun again from their beginning. Ranks get different numbers of
    samples, so more than one rank needs ``uneven="keep"``.

    Parameters
    ----------
    manifest : Manifest
        The shards; the same on all ranks. Indexes among them are ignored.
    transform : callable, optional
        Turns such a dictionary into a sample of your own.
    batch_size : int
        Samples in a batch of one rank; also the batch size of the loader.
    index : str, path, False, optional
        Where the indexes are: the folder or the URL of a prefix that was given to ``objectpipes
        index -o``. None: beside the shards, if they are there. False: use no index.
    shuffle, seed, uneven, on_error, config, rank, ranks : optional
        As in `ObjectDataset`. Without an index, ``on_error="skip"`` skips the rest of an unreadable
        shard, and counts it once in `skipped`.
    shuffle_window : int, optional
        Number of shards whose samples are mixed.

    Raises
    ------
    ConfigError
        An option can never work, or there is no index and more than one rank.
    ShardIndexError
        An index is missing or damaged, or belongs to another version of its shard.
    ArchiveError
        When iterating: a shard is cut off or damaged.
    ObjectStoreError
        A shard or an index cannot be read.
    TransformError
        When iterating: the transform raised an exception. The error names the shard.

    Examples
    --------
    >>> manifest = Manifest.list("s3://bucket/shards/", masks="*.tar")
    >>> dataset = ShardDataset(manifest, decode, batch_size=64, shuffle=True)
    >>> for batch in dataset.loader(num_workers=4): ...
    """

    def __init__(
        self,
        manifest: Manifest,
        transform: Callable[[dict[str, Any]], Any] | None = None,
        *,
        batch_size: int,
        index: str | Path | Literal[False] | None = None,
        shuffle: bool = False,
        seed: int = 0,
        uneven: Literal["drop", "pad", "keep"] = "drop",
        on_error: Literal["raise", "skip"] = "raise",
        shuffle_window: int = 16,
        config: StoreConfig | None = None,
        rank: int | None = None,
        ranks: int | None = None,
    ) -> None:
        check_manifest(manifest)
        shuffle_window = check_count("shuffle_window", shuffle_window, minimum=1)
        seed = check_seed(seed)
        shuffle = check_flag("shuffle", shuffle)
        if any(map(is_index, manifest)):
            manifest = manifest.filter(lambda url: not is_index(url))
        self.manifest = manifest
        self.shuffle = shuffle
        self.seed = seed
        self.shuffle_window = shuffle_window
        self.config = config
        self._index = (
            None if index is False else _open_index(manifest, index, config, shuffle_window)
        )
        facts: dict[str, Any] = {
            "manifest": manifest.fingerprint,
            "seed": seed if shuffle else None,
            "window": shuffle_window if shuffle else None,
            "samples": None if self._index is None else self._index.samples,
        }
        super().__init__(
            len(manifest) if self._index is None else self._index.samples,
            facts,
            transform,
            batch_size=batch_size,
            uneven=uneven,
            on_error=on_error,
            rank=rank,
            ranks=ranks,
        )

    # --- with an index ---------------------------------------------------------------------------

    def _order(self, epoch: int) -> Order:
        if not self.shuffle:
            return range(self._samples)
        if self._index is None:
            return ShardOrder([1] * self._samples, 1, 1, self.seed, epoch)
        index = self._index
        return ShardOrder(index.counts, self.shuffle_window, index.run, self.seed, epoch)

    def _read(self, numbers: Iterator[int]) -> Generator[Any, None, None]:
        assert self._index is not None
        index = self._index
        reads: deque[_Read] = deque()

        def ranges() -> Iterator[Range]:
            for read in index.reads(numbers):
                reads.append(read)
                yield read.range

        with closing(self._open(ranges())) as outcomes:
            for outcome in outcomes:
                yield from _samples_of(reads.popleft(), outcome)

    def _open(self, wanted: Iterable[str | Range]) -> Generator[Any, None, None]:
        return read_in_order(wanted, Store.of(self.manifest[0], self.config))

    def _url(self, number: int) -> str:
        return self.manifest[number if self._index is None else self._index.shard_of(number)]

    # --- without an index ------------------------------------------------------------------------

    def _plan(self, place: Place, ranks: int) -> Plan:
        if self._index is not None:
            return super()._plan(place, ranks)
        if ranks > 1 and self.uneven != "keep":
            raise ConfigError(
                f"The shards have no index, so their numbers of samples are unknown, and"
                f" uneven={self.uneven!r} cannot give {ranks} ranks equally many. Make an index"
                " with `objectpipes index`, or use uneven='keep'."
            )
        return Plan(self._samples, 1, ranks, "keep", place)

    @property
    def _shifts(self) -> bool:
        return self._index is None or super()._shifts

    def __len__(self) -> int:
        """Return how many samples of an epoch this rank delivers.

        Raises
        ------
        TypeError
            There is no index, so the number is unknown.
        """
        if self._index is None:
            raise TypeError("The shards have no index, so their number of samples is unknown.")
        return super().__len__()

    def resume(self, epoch: int, samples: int) -> None:
        """Resume in the middle of an epoch, as `ObjectDataset.resume`; needs an index."""
        if self._index is None and samples:
            raise ConfigError(
                "The shards have no index, so resume() cannot find a sample by its number. Make an"
                " index with `objectpipes index`, or load a state."
            )
        super().resume(epoch, samples)

    def _iterate(self, progress: Progress) -> Iterator[Any]:
        if self._index is not None:
            yield from super()._iterate(progress)
            return
        plan, stream = progress.state.plan, progress.state.stream
        order = self._order(plan.place.epoch)
        positions = [plan.position(batch[0]) for batch, _ in plan.rest(stream)]
        begun = dict(plan.place.begun)
        shards = [self.manifest[order[position]] for position in positions]
        with closing(self._open(shards)) as outcomes:
            for position, shard, outcome in zip(positions, shards, outcomes, strict=True):
                # The samples of this shard that this run or an earlier one has delivered.
                delivered = progress.inside or begun.get(position, 0)
                number = order[position]
                seed = (self.seed, plan.place.epoch, position)
                try:
                    if isinstance(outcome, ObjectStoreError):
                        raise outcome
                    samples = self._samples_in(outcome, shard, seed)
                    for sample in timed(itertools.islice(samples, delivered, None)):
                        made = self._transformed(sample, number)
                        if isinstance(made, ObjectStoreError):
                            raise made
                        delivered += 1
                        progress.inside = delivered
                        yield made
                except ObjectStoreError as error:
                    self._count_skipped(error)
                progress.inside = 0
                progress.taken += 1

    def _samples_in(
        self, reader: Any, shard: str, seed: tuple[int, ...]
    ) -> Iterator[dict[str, Any]]:
        with closing(reader):
            samples = (sample_of(group, shard) for group in groups_in(reader, shard))
            yield from _mixed(samples, seed) if self.shuffle else samples


def _mixed(samples: Iterator[dict[str, Any]], seed: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    """Shuffle within a buffer. The same seed gives the same order."""
    draw = random.Random(repr(seed))
    held: list[dict[str, Any]] = []
    size = 0
    for sample in samples:
        held.append(sample)
        size += sum(map(len, sample.values()))
        while len(held) > _MIXED_SAMPLES or (size > _MIXED_BYTES and len(held) > 1):
            chosen = draw.randrange(len(held))
            held[chosen], held[-1] = held[-1], held[chosen]
            size -= sum(map(len, held[-1].values()))
            yield held.pop()
    draw.shuffle(held)
    yield from held


class _Read:
    """Neighbours in a shard, which one request reads."""

    def __init__(self, shard: str, head: IndexHead, offsets: array[int], first: int) -> None:
        self.shard = shard
        self.head = head
        self.begin, self.end = offsets[first], offsets[first + 1]
        self.samples = 1
        self._offsets = offsets
        self._first = first

    def grow(self) -> bool:
        """Add the next neighbour, unless the shard ends or the read would become too large."""
        after = self._first + self.samples + 1
        if after == len(self._offsets) or self._offsets[after] - self.begin > _MAX_READ_BYTES:
            return False
        self.end = self._offsets[after]
        self.samples += 1
        return True

    @property
    def range(self) -> Range:
        return Range(self.shard, self.begin, self.end)


class _Index:
    """The samples of all shards by number."""

    def __init__(
        self, manifest: Manifest, place: IndexPlace, heads: list[IndexHead], window: int
    ) -> None:
        self._manifest = manifest
        self._place = place
        self._heads = heads
        self.counts = array("Q", (head.samples for head in heads))
        self._ends = array("Q", itertools.accumulate(self.counts))
        self.samples = self._ends[-1] if self._ends else 0
        self.run = run_length(sum(head.size for head in heads), self.samples)
        self._offsets: OrderedDict[int, array[int]] = OrderedDict()
        self._max_open = max(_MIN_OPEN_INDEXES, window + 1)

    def shard_of(self, number: int) -> int:
        return bisect.bisect_right(self._ends, number)

    def reads(self, numbers: Iterator[int]) -> Iterator[_Read]:
        """Yield the reads that give these samples in this order, joining neighbours."""
        following, read = -1, None
        for number in numbers:
            if read is None or number != following or not read.grow():
                if read is not None:
                    yield read
                read = self._read_of(number)
            following = number + 1
        if read is not None:
            yield read

    def _read_of(self, number: int) -> _Read:
        shard = self.shard_of(number)
        first = number - (self._ends[shard - 1] if shard else 0)
        return _Read(self._manifest[shard], self._heads[shard], self._offsets_of(shard), first)

    def _offsets_of(self, shard: int) -> array[int]:
        found = self._offsets.pop(shard, None)
        if found is None:
            found = self._place.offsets(self._manifest[shard], self._heads[shard])
        self._offsets[shard] = found
        if len(self._offsets) > self._max_open:
            self._offsets.popitem(last=False)
        return found


def _open_index(
    manifest: Manifest, where: str | Path | None, config: StoreConfig | None, window: int
) -> _Index | None:
    """Read the heads of all indexes. None if there are none, and the caller named no place."""
    place = IndexPlace(where, config)
    shards = [*manifest]
    heads = place.heads(shards)
    missing = [shard for shard, head in zip(shards, heads, strict=True) if head is None]
    found = [head for head in heads if head is not None]
    if missing and not found and where is None:
        return None
    if missing:
        raise ShardIndexError(
            f"{len(missing)} of {len(shards)} shards have no index, for example this one",
            url=missing[0],
        )
    for shard, head in zip(shards, found, strict=True):
        head.check_fits(shard)
    return _Index(manifest, place, found, window)


def _samples_of(read: _Read, outcome: Any) -> Iterator[dict[str, Any] | ObjectStoreError]:
    """Yield each sample of a read, or the read's error once for each."""
    samples: list[dict[str, Any]] = []
    error: ObjectStoreError | None = None
    if isinstance(outcome, ObjectStoreError):
        error = _replaced(read) if outcome.status == _OUT_OF_RANGE else outcome
    else:
        try:
            with closing(outcome):
                _check_version(read, outcome)
                groups = groups_in(outcome, read.shard, "", part=True)
                samples = [sample_of(group, read.shard) for group in groups]
                if len(samples) != read.samples:
                    raise ShardIndexError(
                        f"The index does not match its shard: between offsets {read.begin} and"
                        f" {read.end} there are {len(samples)} samples instead of {read.samples}",
                        url=read.shard,
                    )
        except ObjectStoreError as raised:
            error = raised
    for number in range(read.samples):
        yield samples[number] if error is None else error


def _check_version(read: _Read, reader: Any) -> None:
    found = reader.etag.strip('"') if reader.etag else None
    replaced = found is not None and read.head.etag is not None and found != read.head.etag
    if replaced or reader.size != read.end - read.begin:
        raise _replaced(read)


def _replaced(read: _Read) -> ObjectChangedError:
    return ObjectChangedError(
        "The shard was replaced after it was indexed", url=read.shard, code="OutdatedIndex"
    )
