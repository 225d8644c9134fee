"""The lister and the loader from which the pipes of all stores inherit."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .._connection import StoreConfig
from .._store import Store, log_skipped
from .._timing import timed
from ..errors import ObjectStoreError
from ..options import ListFilters, ReadOptions
from ._base import IterDataPipe, OurPipe, PromptStreamWrapper, StreamWrapper
from ._hand_over import hand_over_through_shared_memory

if TYPE_CHECKING:
    from .._ext import ObjectReader


class FileLister(OurPipe, IterDataPipe[str]):
    """Lists prefixes, one after the other."""

    def __init__(
        self, source_datapipe: Any, length: int, config: StoreConfig, filters: ListFilters
    ) -> None:
        super().__init__()
        _require_engine()
        Store.reached_by(config).check(filters)
        self.source_datapipe = source_datapipe
        self.length = length
        self.config = config
        self.filters = filters

    def __iter__(self) -> Iterator[str]:
        store = Store.reached_by(self.config)
        for prefix in self.source_datapipe:
            for page in store.list(prefix, self.filters):
                yield from page

    def __len__(self) -> int:
        if self.length == -1:
            raise TypeError(f"{type(self).__name__} instance doesn't have valid length")
        return self.length


class FileLoader(OurPipe, IterDataPipe[tuple[str, StreamWrapper]]):
    """Loads objects ahead of the consumer."""

    def __init__(self, source_datapipe: Any, config: StoreConfig, options: ReadOptions) -> None:
        super().__init__()
        _require_engine()
        Store.reached_by(config).check(options)
        self.source_datapipe = source_datapipe
        self.config = config
        self.options = options
        self.skipped = 0

    def __iter__(self) -> Iterator[tuple[str, StreamWrapper]]:
        return self._load()  # torch would wrap a generator function, and keep its last element

    def _load(self) -> Iterator[tuple[str, StreamWrapper]]:
        hand_over_through_shared_memory()
        store = Store.reached_by(self.config)
        reads = store.read(self.source_datapipe, self.options, self._skip)
        yield from map(_wrapped, timed(reads))

    def __len__(self) -> int:
        return len(self.source_datapipe)

    def _skip(self, error: ObjectStoreError) -> None:
        self.skipped += 1
        log_skipped(error)


def _wrapped(item: tuple[str, ObjectReader]) -> tuple[str, StreamWrapper]:
    url, reader = item
    return url, PromptStreamWrapper(reader, name=url)


def _require_engine() -> None:
    """Raise if the engine is missing, without loading it."""
    if importlib.util.find_spec("objectpipes._ext") is None:
        raise ModuleNotFoundError(
            "The native engine of objectpipes is missing: run `objectpipes doctor --install`."
            " (torchdata's message for this: TorchData must be built with BUILD_S3=1 to use this"
            " datapipe.)"
        )
