"""What the worker processes of a ``DataLoader`` have read, as the main process hears of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from torch.utils.data import DataLoader

from ._engine import stats
from .iter._base import IterDataPipe

__all__ = ["Report", "Totals", "read_in_workers"]

T = TypeVar("T")

# Often enough for a progress bar, and rare enough to cost nothing.
_INTERVAL_S = 0.1


@dataclass(frozen=True)
class Report(Generic[T]):
    """What one process has done since its last report.

    Attributes
    ----------
    items : list
        What was made of what it has read.
    process : int
        Its id.
    counts : dict
        Its `objectpipes.stats`, since it started.
    """

    items: list[T]
    process: int
    counts: dict[str, int]


class Totals:
    """The counts of all processes together."""

    def __init__(self) -> None:
        self._latest: dict[int, dict[str, int]] = {}

    def add(self, report: Report[Any]) -> None:
        """Take in the counts of a report."""
        self._latest[report.process] = report.counts

    def __getitem__(self, name: str) -> int:
        return sum(counts[name] for counts in self._latest.values())


class _ReportingPipe(IterDataPipe[Report[T]]):
    """Takes the last step where the objects are, and passes on what came of it now and then."""

    def __init__(self, source: Iterable[Any], examine: Callable[[Any], Iterable[T]]) -> None:
        super().__init__()
        self._source = source
        self._examine = examine

    def __iter__(self) -> Iterator[Report[T]]:
        items: list[T] = []
        due = time.monotonic() + _INTERVAL_S
        for element in self._source:
            for item in self._examine(element):
                items.append(item)
                if time.monotonic() > due:
                    yield Report(items, os.getpid(), stats())
                    items = []
                    due = time.monotonic() + _INTERVAL_S
        yield Report(items, os.getpid(), stats())


def read_in_workers(
    pipe: Iterable[Any], examine: Callable[[Any], Iterable[T]], workers: int
) -> Generator[Report[T], None, None]:
    """Read a pipe to its end in a ``DataLoader``.

    Parameters
    ----------
    pipe
        What to read; it shards itself over the workers.
    examine
        Called with each element of the pipe, where it was read; gives what the reports bring here.
    workers
        Number of processes; 0: this one.

    Yields
    ------
    Report
        Of one process, several times a second.
    """
    yield from DataLoader(_ReportingPipe(pipe, examine), batch_size=None, num_workers=workers)
