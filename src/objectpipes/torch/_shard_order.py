"""The shuffled order of samples in shards: a window of shards is mixed, then the next one."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence

from .._permutation import Permutation

__all__ = ["ShardOrder", "run_length"]

# Neighbours stay together in short runs, each of which is read at once.
_RUN_BYTES = 64 << 10
_MAX_RUN = 8


def run_length(size: int, samples: int) -> int:
    """Return how many neighbours stay together, for shards of so many bytes and samples in all."""
    return max(1, min(_MAX_RUN, _RUN_BYTES * samples // max(1, size)))


class ShardOrder:
    """An order of samples in constant memory, beside a few numbers for each shard.

    The shards are shuffled, and so are the runs of neighbours in each window of shards.

    Parameters
    ----------
    counts : sequence of int
        Samples of each shard. A sample's number counts those of the shards before its own, too.
    window : int
        Shards that are mixed.
    run : int
        Neighbours that stay together.
    *key : object
        What the order depends on.
    """

    def __init__(self, counts: Sequence[int], window: int, run: int, *key: object) -> None:
        shards = Permutation(len(counts), "shards", *key)
        self._shards = [shards[position] for position in range(len(counts))]
        self._firsts = [0, *itertools.accumulate(counts)]
        self._ends = [*itertools.accumulate(counts[shard] for shard in self._shards)]
        self._window = window
        self._window_ends = [
            self._ends[min(last, len(counts)) - 1]
            for last in range(window, len(counts) + window, window)
        ]
        self._run = run
        self._key = key
        self._runs: tuple[int, Permutation] | None = None  # of the window asked for last

    def __getitem__(self, position: int) -> int:
        window = bisect.bisect_right(self._window_ends, position)
        begin = self._window_ends[window - 1] if window else 0
        inside = self._shuffled(window, position - begin, self._window_ends[window] - begin)
        place = begin + inside
        index = bisect.bisect_right(self._ends, place)
        shard = self._shards[index]
        return self._firsts[shard] + place - (self._ends[index - 1] if index else 0)

    def _shuffled(self, window: int, position: int, samples: int) -> int:
        number, inside = divmod(position, self._run)
        runs = samples // self._run
        if number == runs:  # the last run is shorter, and stays the last
            return position
        if self._runs is None or self._runs[0] != window:
            self._runs = (window, Permutation(runs, "runs", window, *self._key))
        return self._runs[1][number] * self._run + inside
