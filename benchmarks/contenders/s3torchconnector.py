"""s3torchconnector: its datasets, which ask for one object after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from s3torchconnector import S3ClientConfig, S3IterableDataset, S3MapDataset
from typing_extensions import override

from ..store import Store
from .contender import Contender, Piece
from .workers import in_workers

_PIECE = 1 << 20  # bytes
_MAP_BATCH = 64


class S3TorchConnector(Contender):
    """``reader.read()``; in pieces, ``reader.readinto()`` of one buffer."""

    def __init__(self, store: Store, concurrency: int | None = None) -> None:
        super().__init__(store, concurrency)
        self._options: dict[str, Any] = {
            "region": store.region,
            "endpoint": store.endpoint,
            "s3client_config": S3ClientConfig(force_path_style=True),
        }

    @override
    def read(self, names: Sequence[str]) -> Iterator[Piece]:
        for reader in S3IterableDataset.from_objects(names, **self._options):
            yield self.name(reader.key), reader.read()

    @override
    def stream(self, names: Sequence[str]) -> Iterator[Piece]:
        buffer = bytearray(_PIECE)
        for reader in S3IterableDataset.from_objects(names, **self._options):
            name = self.name(reader.key)
            while size := reader.readinto(buffer):
                yield name, memoryview(buffer)[:size]

    @override
    def load(self, names: Sequence[str]) -> Iterator[Piece]:
        return in_workers(
            S3IterableDataset.from_objects(
                names, transform=self._read, enable_sharding=True, **self._options
            )
        )

    @override
    def list(self, prefix: str) -> Iterator[str]:
        for reader in S3IterableDataset.from_prefix(self.name(prefix), **self._options):
            yield self.name(reader.key)

    def _read(self, reader: Any) -> Piece:
        return self.name(reader.key), reader.read()


class MapDataset(S3TorchConnector):
    """Its dataset of objects by their number."""

    @override
    def load(self, names: Sequence[str]) -> Iterator[Piece]:
        dataset = S3MapDataset.from_objects(names, transform=self._read, **self._options)
        return in_workers(dataset, _MAP_BATCH)
