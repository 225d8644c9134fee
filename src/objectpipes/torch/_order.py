"""Which samples of an epoch go where: to ranks, batches and workers.

An epoch has one global order of its samples. What of it is unread is cut into global batches of
``batch_size`` x ``ranks`` samples, each of these by rank, and a rank's batches are dealt to its
workers in turn, as a ``DataLoader`` collects them. So neither the number of workers nor, with the
same global batch, that of ranks changes the sequence of global batches. Everything here is
arithmetic on positions in that order: nothing is stored, and nothing is read.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

__all__ = ["Place", "Plan", "Stream"]


@dataclass(frozen=True)
class Place:
    """How far an epoch has been read.

    Attributes
    ----------
    epoch : int
        Its number.
    start : int
        Everything before this position of its order has been read.
    extra : tuple of int
        Positions behind `start` that have been read too, ascending: where workers were not in step.
    begun : tuple of (int, int)
        Positions that have been read in part, where there is something inside, and how much of it.
    """

    epoch: int = 0
    start: int = 0
    extra: tuple[int, ...] = ()
    begun: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Stream:
    """What one worker has delivered of its batches.

    Attributes
    ----------
    rank, worker, workers : int
        Whose it is, of how many workers of that rank.
    taken : int
        Samples delivered, or left out as unreadable.
    inside : int
        How much has been delivered of the next one, if there is something inside.
    """

    rank: int
    worker: int
    workers: int
    taken: int
    inside: int = 0


@dataclass(frozen=True)
class Plan:
    """Cuts what is unread of an epoch into batches.

    Attributes
    ----------
    samples : int
        Of the whole epoch.
    batch_size : int
        Of a rank.
    ranks : int
        How many there are.
    uneven : str
        What becomes of the last, incomplete global batch: ``"drop"``, ``"pad"`` or ``"keep"``.
    place : Place
        What has been read before.
    """

    samples: int
    batch_size: int
    ranks: int
    uneven: str
    place: Place = Place()

    @property
    def global_batch(self) -> int:
        """Samples of a batch of all ranks."""
        return self.batch_size * self.ranks

    @property
    def unread(self) -> int:
        """Samples of the epoch that no one has read."""
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
        """Return where in the epoch's order the unread sample of this number is.

        Behind the last one the order begins anew: that is how ``"pad"`` fills the last batch.
        """
        if number >= self.unread:
            return (number - self.unread) % self.samples
        extra = self.place.extra
        # Of the positions in extra, the i-th is passed if the number reaches it without the others.
        passed = bisect.bisect_right(
            range(len(extra)), number, key=lambda i: extra[i] - self.place.start - i
        )
        return self.place.start + number + passed

    def batches(self, rank: int) -> int:
        """Return how many batches a rank delivers."""
        whole, rest = divmod(self.total, self.global_batch)
        return whole + (rest > rank * self.batch_size)

    def batch(self, rank: int, number: int) -> range:
        """Return the numbers of the unread samples in a batch of a rank."""
        begin = number * self.global_batch + rank * self.batch_size
        return range(begin, min(begin + self.batch_size, self.total))

    def length(self, rank: int) -> int:
        """Return how many samples a rank delivers."""
        batches = self.batches(rank)
        if batches == 0:
            return 0
        return (batches - 1) * self.batch_size + len(self.batch(rank, batches - 1))

    def rest(self, stream: Stream) -> Iterator[tuple[range, int]]:
        """Yield the batches a worker has yet to deliver, each with how much of it is delivered."""
        done, offset = divmod(stream.taken, self.batch_size)
        first = stream.worker + done * stream.workers
        for number in range(first, self.batches(stream.rank), stream.workers):
            yield self.batch(stream.rank, number), offset
            offset = 0

    def place_after(self, streams: Iterable[Stream]) -> Place:
        """Return the place of the epoch when all workers of all ranks have got so far."""
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
        """Return the number of the next sample of a worker; None if it has delivered all."""
        batch, offset = next(self.rest(stream), (range(0), 0))
        return batch[offset] if offset < len(batch) else None

    def _taken_from(self, stream: Stream, head: int) -> Iterator[int]:
        """Yield the numbers from `head` on that a worker has delivered."""
        done, offset = divmod(stream.taken, self.batch_size)
        before = max(head // self.global_batch - stream.worker, 0) // stream.workers
        for index in range(before, done + 1):
            number = stream.worker + index * stream.workers
            if number >= self.batches(stream.rank):
                return
            batch = self.batch(stream.rank, number)
            delivered = batch if index < done else batch[:offset]
            yield from (number for number in delivered if number >= head)
