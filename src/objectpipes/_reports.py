"""Reports to the main process of a ``DataLoader`` what its workers read and wait for."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from torch.utils.data import DataLoader

from ._engine import stats
from .iter._base import IterDataPipe

_T = TypeVar("_T")

# Often enough for a progress bar and a picture, and rarely enough to cost nothing.
_INTERVAL_S = 0.1
_PIECE = 1 << 20
# A DataLoader asks its workers in turn, so one that waits must not hold up the others.
_REPORTS_AHEAD = 100


@dataclass(frozen=True)
class Sample:
    """The state of one process at one time."""

    process: int  # its id
    time: float  # seconds on the monotonic clock that all processes of the machine share
    # Its objectpipes.stats(); files and read, the objects and bytes read by its loop; waited, the
    # seconds that its loop waited for them; and memory, its resident bytes.
    counts: dict[str, float]


class _Sampler:
    """Takes samples of this process in a thread, while its loop runs."""

    def __init__(self) -> None:
        self.files = self.read = 0
        self.due = False  # whether there are new samples to report
        self._waited = 0.0
        self._waits_since: float | None = None
        self._samples: list[Sample] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="objectpipes-sampler", daemon=True)

    def __enter__(self) -> _Sampler:
        self._sample()
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._thread.join()

    def wait_for(self, function: Callable[..., _T], *arguments: Any) -> _T:
        """Call a function, and count its time as waiting."""
        since = self._waits_since = time.monotonic()
        try:
            return function(*arguments)
        finally:
            self._waits_since = None
            self._waited += time.monotonic() - since

    def take(self) -> list[Sample]:
        """Return the samples since the last call, and one of now."""
        self._sample()
        self.due = False
        taken, self._samples = self._samples, []
        return taken

    def _run(self) -> None:
        while not self._stop.wait(_INTERVAL_S):
            self._sample()
            self.due = True

    def _sample(self) -> None:
        now, since = time.monotonic(), self._waits_since
        counts: dict[str, float] = {
            **stats(),
            "files": self.files,
            "read": self.read,
            "waited": self._waited + (0.0 if since is None else max(now - since, 0.0)),
            "memory": _resident_bytes(),
        }
        self._samples.append(Sample(os.getpid(), now, counts))


class _ReadingPipe(IterDataPipe[list[Sample]]):
    """Reads files as fast as possible, and yields samples several times a second."""

    def __init__(self, files: Iterable[tuple[str, Any]]) -> None:
        super().__init__()
        self._files = files

    def __iter__(self) -> Iterator[list[Sample]]:
        files = iter(self._files)
        with _Sampler() as sampler:
            while (item := sampler.wait_for(lambda: next(files, None))) is not None:
                piece = b"-"
                while piece:
                    piece = sampler.wait_for(item[1].read, _PIECE)
                    sampler.read += len(piece)
                    if sampler.due:
                        yield sampler.take()
                sampler.files += 1
            yield sampler.take()


def read_in_workers(
    files: Iterable[tuple[str, Any]], workers: int
) -> Generator[list[Sample], None, None]:
    """Read what a pipe yields to its end in a ``DataLoader``; the pipe shards itself.

    Without workers, this process reads. Yields the samples of one process in the order of time.
    """
    yield from DataLoader(
        _ReadingPipe(files),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=_REPORTS_AHEAD if workers else None,
    )


def _resident_bytes() -> int:
    """Return how much memory of this process is in RAM; 0 if the system does not say."""
    with suppress(OSError, ValueError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
