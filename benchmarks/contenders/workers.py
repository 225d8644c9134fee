"""The DataLoader of those contenders that are datasets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from torch.utils.data import DataLoader, IterableDataset

from .contender import Piece

_WORKERS = 2
_BATCH = 32


def in_workers(dataset: IterableDataset[Piece]) -> Iterator[Piece]:
    """Yield what a dataset yields, computed in forked workers and handed over in batches.

    Parameters
    ----------
    dataset
        Shards itself over the workers.
    """
    loader: Iterable[list[Any]] = DataLoader(
        dataset,
        batch_size=_BATCH,
        collate_fn=list,
        num_workers=_WORKERS,
        multiprocessing_context="fork",
    )
    for batch in loader:
        yield from batch
