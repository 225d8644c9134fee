"""What a dataset's copies in all processes of a loader know together."""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["Shared"]

# Worker 1023 and those above count in one slot, which costs no more than a lost count.
_SLOTS = 1024


class Shared:
    """Numbers in memory that workers share, however they are started.

    The main process writes where the next iteration begins, also for workers that persist; each
    worker counts in a slot of its own, as adding is not atomic.
    """

    _FIELDS = ("epoch", "epochs_set", "start", "place", "seed_of_place")

    def __init__(self) -> None:
        self._numbers = torch.zeros(len(self._FIELDS) + _SLOTS, dtype=torch.int64)
        self._numbers.share_memory_()  # type: ignore[no-untyped-call]

    def __getattr__(self, name: str) -> int:
        if name not in self._FIELDS:
            raise AttributeError(name)
        return int(self._numbers[self._FIELDS.index(name)])

    def set(self, **values: int) -> None:
        """Set fields by name."""
        for name, value in values.items():
            self._numbers[self._FIELDS.index(name)] = value

    def count_skipped(self, worker: int) -> None:
        """Count a sample that a worker (-1: the main process) has left out."""
        self._numbers[len(self._FIELDS) + min(worker + 1, _SLOTS - 1)] += 1

    @property
    def skipped(self) -> int:
        """Samples left out by all processes."""
        return int(self._numbers[len(self._FIELDS) :].sum())

    def __getstate__(self) -> dict[str, Any]:
        return {"_numbers": self._numbers}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        # A copy is for itself, unless it is one for a worker.
        if not self._numbers.is_shared():  # type: ignore[no-untyped-call]
            self._numbers.share_memory_()  # type: ignore[no-untyped-call]
