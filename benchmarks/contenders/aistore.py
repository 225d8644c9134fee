"""The AIStore SDK: its datasets, and its readers by threads that share a client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from aistore.pytorch import AISIterDataset
from aistore.pytorch.batch_iter_dataset import AISBatchIterDataset
from aistore.sdk import Client
from typing_extensions import override

from ..store import Store
from .contender import Piece
from .threads import BlockingContender
from .workers import in_workers

_RANGES = 4  # processes that share the work on one object
_PIECE = 1 << 20  # bytes


class Sdk(BlockingContender):
    """``reader.read_all()`` by threads; in pieces, ``reader`` itself."""

    def __init__(self, store: Store, concurrency: int | None = None) -> None:
        super().__init__(store, concurrency)
        self.client = Client(store.endpoint, max_pool_size=self._threads)
        self.bucket = self.client.bucket(store.bucket)

    @override
    def stream(self, names: Sequence[str]) -> Iterator[Piece]:
        for name in names:
            for piece in self.bucket.object(name).get_reader(chunk_size=_PIECE):
                yield name, piece

    @override
    def list(self, prefix: str) -> Iterator[str]:
        for entry in self.bucket.list_objects_iter(prefix):
            yield entry.name

    @override
    def _read(self, name: str) -> Piece:
        return name, self.bucket.object(name).get_reader().read_all()


class SdkRanges(Sdk):
    """``reader`` with workers, each of which reads ranges."""

    @override
    def stream(self, names: Sequence[str]) -> Iterator[Piece]:
        for name in names:
            for piece in self.bucket.object(name).get_reader(num_workers=_RANGES):
                yield name, piece


class IterDataset(Sdk):
    """Its dataset, which asks for one object after the other."""

    def _dataset(self, source: _Names) -> Any:
        return AISIterDataset([source])

    @override
    def read(self, names: Sequence[str]) -> Iterator[Piece]:
        return iter(self._dataset(_Names(self.bucket, names)))

    @override
    def load(self, names: Sequence[str]) -> Iterator[Piece]:
        return in_workers(self._dataset(_Names(self.bucket, names)))


class BatchIterDataset32(IterDataset):
    """Its dataset that asks for 32 objects at a time, which is its default."""

    batch = 32

    @override
    def _dataset(self, source: _Names) -> Any:
        return AISBatchIterDataset([source], self.client, max_batch_size=self.batch)


class BatchIterDataset256(BatchIterDataset32):
    """The same with 256 objects at a time."""

    batch = 256


class _Names:
    """Names as a source of a dataset, which spares it the listing.

    Parameters
    ----------
    bucket
        The bucket that the names are in.
    names
        Of the objects.
    """

    def __init__(self, bucket: Any, names: Sequence[str]) -> None:
        self._bucket = bucket
        self._names = names

    def list_all_objects_iter(self, prefix: str) -> Iterable[Any]:
        """Yield the objects."""
        return map(self._bucket.object, self._names)
