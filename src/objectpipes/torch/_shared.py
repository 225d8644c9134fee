"""Memory that the copies of a dataset in all processes of a loader share."""

from __future__ import annotations

from typing import Any

import torch

# Workers above 1022 share one slot. At worst, a count is lost there.
_SLOTS = 1024


class Shared:
    """Numbers in shared memory, for workers of any start method.

    The main process writes where the next iteration begins, for persistent workers too. Each worker
    counts in a slot of its own, because adding is not atomic.
    """

    _FIELDS = (
        "epoch",  # of the next iteration
        "epochs_set",  # how often set_epoch() was called
        "start",  # position at which the next iteration begins
        "scattered",  # whether that is not all of its place, which only later processes know
        "place",  # number of that place; each place is for one iteration
        "seed_of_place",  # base seed of the workers that began there; 0 if none has
    )

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
        """Count a sample that a worker (-1: the main process) has skipped."""
        self._numbers[len(self._FIELDS) + min(worker + 1, _SLOTS - 1)] += 1

    @property
    def skipped(self) -> int:
        """Samples that all processes have skipped."""
        return int(self._numbers[len(self._FIELDS) :].sum())

    def __getstate__(self) -> dict[str, Any]:
        return {"_numbers": self._numbers}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        # Only a copy for a worker shares memory with the original.
        if not self._numbers.is_shared():  # type: ignore[no-untyped-call]
            self._numbers.share_memory_()  # type: ignore[no-untyped-call]
