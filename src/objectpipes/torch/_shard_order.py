"""The shuffled order of samples in shards: first the samples of one window of shards, and so on."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence

from .._permutation import Permutation

# Short runs of neighbours stay together, so that one request reads a run.
_RUN_BYTES = 64 << 10
_MAX_RUN = 8


def run_length(size: int, samples: int) -> int:
    """Return how many neighbours stay together, from the bytes and samples of all shards."""
    return max(1, min(_MAX_RUN, _RUN_BYTES * samples // max(1, size)))


class ShardOrder:
    """An order of samples that takes memory for a few numbers per shard, and none per sample.

    The shards, with `counts` samples each, are shuffled, and so are the runs of `run` neighbours in
    each window of `window` shards. Samples are numbered through all shards. `key` is that of the
    `Permutation`.
    """

    def __init__(self, counts: Sequence[int], window: int, run: int, *key: object) -> None:
        shards = Permutation(len(counts), "shards", *key)
        self._shards = [shards[position] for position in range(len(counts))]
        self._firsts = [0, *itertools.accumulate(counts)]
        self._ends = [*itertools.accumulate(counts[shard] for shard in self._shards)]
        self._window_ends = [
            self._ends[min(last, len(counts)) - 1]
            for last in range(window, len(counts) + window, window)
        ]
        self._run = run
        self._key = key
        self._runs: tuple[int, Permutation] | None = None  # the last window, and its order
        self._recent = (0, 0, 0)  # begin and end of a run's positions; the sample's number less it

    def __getitem__(self, position: int) -> int:
        begin, end, shift = self._recent
        if not begin <= position < end:
            begin, end, shift = self._recent = self._neighbours(position)
        return position + shift

    def _neighbours(self, position: int) -> tuple[int, int, int]:
        """Return begin and end of a run within one shard, and what to add to get numbers."""
        window = bisect.bisect_right(self._window_ends, position)
        begin = self._window_ends[window - 1] if window else 0
        samples = self._window_ends[window] - begin
        run, inside = divmod(position - begin, self._run)
        first, length = begin + run * self._run, self._run
        runs = samples // self._run
        if run == runs:  # the last run is shorter, and stays the last
            length = samples % self._run
        else:
            first = begin + self._shuffled(window, runs)[run] * self._run
        place = first + inside
        index = bisect.bisect_right(self._ends, place)
        shard_begin = self._ends[index - 1] if index else 0
        number = self._firsts[self._shards[index]] + place - shard_begin
        return (
            position - (place - max(first, shard_begin)),
            position + min(first + length, self._ends[index]) - place,
            number - position,
        )

    def _shuffled(self, window: int, runs: int) -> Permutation:
        if self._runs is None or self._runs[0] != window:
            self._runs = (window, Permutation(runs, "runs", window, *self._key))
        return self._runs[1]
