"""Pipes read every object once in the workers of a DataLoader, on every server and transport."""

from __future__ import annotations

from typing import BinaryIO

import pytest

from artifact.cells import MANY, Store


def read(item: tuple[str, BinaryIO]) -> tuple[str, bytes]:
    url, stream = item
    return url, stream.read()


# Python warns of forks in processes with threads, as the engine's; that is what is tested here.
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_workers_read_every_object_once(store: Store) -> None:
    torch_data = pytest.importorskip("torch.utils.data", reason="there is no torch for this Python")
    from objectpipes.iter import IterableWrapper

    source = IterableWrapper([store.url("many/")])
    if store.protocol == "s3":
        urls = source.list_files_by_s3(config=store.config).shuffle().sharding_filter()
        files = urls.load_files_by_s3(config=store.config)
    else:
        urls = source.list_files_by_ais(config=store.config).shuffle().sharding_filter()
        files = urls.load_files_by_ais(config=store.config)
    loader = torch_data.DataLoader(files.map(read), batch_size=None, num_workers=2)
    expected = [(store.url(f"many/{i:03}"), b"%d" % i) for i in range(MANY)]
    assert sorted(map(tuple, loader)) == expected
