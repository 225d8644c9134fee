"""The DataLoader of those contenders that are datasets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from torch.utils.data import DataLoader, Dataset

WORKERS = 2
BATCH = 32


def in_workers(dataset: Dataset[Any], batch_size: int = BATCH) -> Iterator[Any]:
    """Yield what a dataset yields, computed in forked workers and handed over in batches.

    Parameters
    ----------
    dataset
        Shards itself over the workers, or is one that is asked for items by their numbers.
    batch_size
        Of what is handed over at once.
    """
    loader: Iterable[list[Any]] = DataLoader(
        dataset,
        batch_size=batch_size,
        collate_fn=list,
        num_workers=WORKERS,
        multiprocessing_context="fork",
    )
    for batch in loader:
        yield from batch
