"""Decides which rank, batch and worker gets which sample of an epoch.

An epoch has one global order of its samples. Its unread samples are cut into global batches of
``batch_size`` x ``ranks`` samples, each global batch is cut by rank, and the batches of a rank are
dealt to its workers in turn, as a ``DataLoader`` collects them. So the sequence of global batches
depends neither on the number of workers nor, with the same global batch, on the number of ranks.
All of this is arithmetic on positions in the order: nothing is stored, and nothing is read.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """How far an epoch has been read."""

    epoch: int = 0
    start: int = 0  # all samples before this position of its order have been read
    # Positions after `start` that have also been read, ascending: workers were not in step.
    extra: tuple[int, ...] = ()
    # Positions that were read in part (shards without an index), and how much of each.
    begun: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Stream:
    """What one worker has delivered of its batches."""

    # The worker's number, and how many workers its rank has.
    rank: int
    worker: int
    workers: int
    taken: int  # samples that it delivered or skipped
    inside: int = 0  # how much it delivered of the next one (a shard without an index)


@dataclass(frozen=True)
class Plan:
    """Cuts the unread samples of an epoch into batches."""

    samples: int  # of the whole epoch
    batch_size: int  # samples in a batch of one rank
    ranks: int
    uneven: str  # the last, incomplete global batch: "drop", "pad" or "keep" it
    place: Place = Place()  # what was read earlier

    @property
    def global_batch(self) -> int:
        """Samples in a batch of all ranks together."""
        return self.batch_size * self.ranks

    @property
    def unread(self) -> int:
        """Samples of the epoch that no rank has read."""
        return self.samples - self.place.start - len(self.place.extra)

    @property
    def total(self) -> int:
        """Samples that all ranks will deliver."""
        if self.uneven == "drop":
            return self.unread // self.global_batch * self.global_batch
        if self.uneven == "pad":
            return -(-self.unread // self.global_batch) * self.global_batch
        return self.unread

    def position(self, number: int) -> int:
        """Return the position in the epoch's order of the unread sample with this number.

        After the last one, the order begins again: so ``"pad"`` fills the last batch.
        """
        if number >= self.unread:
            return (number - self.unread) % self.samples
        extra = self.place.extra
        # Skip each position in extra that lies before the result.
        passed = bisect.bisect_right(
            range(len(extra)), number, key=lambda i: extra[i] - self.place.start - i
        )
        return self.place.start + number + passed

    def batches(self, rank: int) -> int:
        """Return how many batches a rank delivers."""
        whole, rest = divmod(self.total, self.global_batch)
        return whole + (rest > rank * self.batch_size)

    def batch(self, rank: int, number: int) -> range:
        """Return the numbers of the unread samples in one batch of a rank."""
        begin = number * self.global_batch + rank * self.batch_size
        return range(begin, min(begin + self.batch_size, self.total))

    def length(self, rank: int) -> int:
        """Return how many samples a rank delivers."""
        batches = self.batches(rank)
        if batches == 0:
            return 0
        return (batches - 1) * self.batch_size + len(self.batch(rank, batches - 1))

    def rest(self, stream: Stream) -> Iterator[tuple[range, int]]:
        """Yield the batches that a worker has yet to deliver, and how much of each it delivered."""
        done, offset = divmod(stream.taken, self.batch_size)
        first = stream.worker + done * stream.workers
        for number in range(first, self.batches(stream.rank), stream.workers):
            yield self.batch(stream.rank, number), offset
            offset = 0

    def place_after(self, streams: Iterable[Stream]) -> Place:
        """Return the place in the epoch that all workers of all ranks have reached together."""
        streams = [*streams]
        heads = (self._head(stream) for stream in streams)
        head = min((number for number in heads if number is not None), default=self.total)
        if head >= self.unread:
            return Place(self.place.epoch, self.samples)
        start = self.position(head)
        ahead = {
            self.position(number)
            for stream in streams
            for number in self._taken_from(stream, head)
            if number < self.unread
        }
        ahead.update(position for position in self.place.extra if position > start)
        begun = {at: count for at, count in self.place.begun if at >= start and at not in ahead}
        for stream in streams:
            number = self._head(stream)
            if number is not None and stream.inside:
                begun[self.position(number)] = stream.inside
        return Place(self.place.epoch, start, tuple(sorted(ahead)), tuple(sorted(begun.items())))

    def _head(self, stream: Stream) -> int | None:
        """Return the number of a worker's next sample; None if it has delivered all."""
        batch, offset = next(self.rest(stream), (range(0), 0))
        return batch[offset] if offset < len(batch) else None

    def _taken_from(self, stream: Stream, head: int) -> Iterator[int]:
        """Yield the numbers of delivered samples, from `head` on."""
        done, offset = divmod(stream.taken, self.batch_size)
        before = max(head // self.global_batch - stream.worker, 0) // stream.workers
        for index in range(before, done + 1):
            number = stream.worker + index * stream.workers
            if number >= self.batches(stream.rank):
                return
            batch = self.batch(stream.rank, number)
            delivered = batch if index < done else batch[:offset]
            yield from (number for number in delivered if number >= head)
