"""Forked workers of a DataLoader read each object once, even after the parent has read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from torch.utils.data import DataLoader

from conformance.content import MANY
from conformance.store import Store
from objectpipes.iter import IterableWrapper

PREFIX = "many/a-/00"  # a hundred


def read(item: tuple[str, Iterator[bytes]]) -> tuple[str, bytes]:
    url, stream = item
    return url, b"".join(stream)


# Python warns of forks in processes with threads, as the engine's; that is what is tested here.
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_forked_workers(store: Store) -> None:
    urls = store.lister(IterableWrapper([store.url(PREFIX)]))
    files = store.loader(urls.shuffle().sharding_filter()).map(read)
    expected = {store.url(k): data for k, data in MANY.items() if k.startswith(PREFIX)}
    assert dict(files) == expected

    loader = DataLoader(files, batch_size=None, num_workers=2, multiprocessing_context="fork")
    found = list(loader)
    assert len(found) == len(expected)
    assert dict(found) == expected
