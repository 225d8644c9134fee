"""litdata: its dataset of raw objects, which keeps no copy of them unless it is told to."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

from litdata import StreamingRawDataset
from litdata.raw.indexer import BaseIndexer, FileMetadata
from litdata.streaming import downloader
from typing_extensions import override

from ..store import Store
from .contender import Contender, Piece
from .workers import in_workers


class LitData(Contender):
    """``StreamingRawDataset``, spared the listing."""

    def __init__(self, store: Store, concurrency: int | None = None) -> None:
        super().__init__(store, concurrency)
        # It has no option that allows plain HTTP, which is what the others are measured with.
        downloader._OBSTORE_CLIENT_OPTIONS["allow_http"] = True
        self._cache = tempfile.TemporaryDirectory()
        self._options = {"endpoint_url": store.endpoint, "region_name": store.region}

    @override
    def load(self, names: Sequence[str]) -> Iterator[Piece]:
        dataset = StreamingRawDataset(
            self.name(""),
            cache_dir=self._cache.name,
            indexer=_Names(names),
            storage_options=self._options,
        )
        return zip(names, in_workers(dataset), strict=True)


class _Names(BaseIndexer):  # type: ignore[misc, unused-ignore]
    """Names as the index of a dataset.

    Parameters
    ----------
    names
        Of the objects.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    @override
    def discover_files(self, *_: Any) -> list[FileMetadata]:
        return [FileMetadata(name, 0) for name in self._names]

    @override
    def build_or_load_index(self, *_: Any) -> list[FileMetadata]:
        return self.discover_files()
