"""objectpipes' datasets, and what reads tar shards through its streams."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from typing_extensions import override

import objectpipes
from objectpipes.shard_index import IndexPlace, index_shard
from objectpipes.torch import ObjectDataset, ObjectMapDataset, ShardDataset

from ..store import Store
from .contender import MEMBER_SUFFIX, Contender, Piece, shard_of
from .workers import BATCH, WORKERS, in_workers

_MAP_BATCH = 64


class Objects(Contender):
    """`ObjectDataset` in its own loader."""

    @override
    def load(self, names: Sequence[str]) -> Iterator[Piece]:
        manifest = objectpipes.Manifest.from_urls(names)
        dataset = ObjectDataset(manifest, batch_size=BATCH, uneven="keep")
        for batch in dataset.loader(num_workers=WORKERS, multiprocessing_context="fork"):
            for reader in batch:
                yield reader.url, reader.read()


class ObjectsByNumber(Contender):
    """`ObjectMapDataset` in torch's loader."""

    @override
    def load(self, names: Sequence[str]) -> Iterator[Piece]:
        manifest = objectpipes.Manifest.from_urls(names)
        for reader in in_workers(ObjectMapDataset(manifest), _MAP_BATCH):
            yield reader.url, reader.read()


class Shards(Contender):
    """`ShardDataset` without an index: a shard is one stream."""

    @override
    def members(self, names: Sequence[str]) -> Iterator[Piece]:
        shard, wanted = shard_of(names), len(names)
        dataset = self._dataset(shard)
        while wanted:
            for sample in islice(dataset, wanted):
                yield f"{shard}/{sample['__key__']}", sample[MEMBER_SUFFIX[1:]]
                wanted -= 1

    def _dataset(self, shard: str) -> ShardDataset:
        return self._reading(shard, False)

    def _reading(self, shard: str, index: Path | Literal[False], **options: Any) -> ShardDataset:
        manifest = objectpipes.Manifest.from_urls([shard])
        return ShardDataset(manifest, batch_size=BATCH, index=index, uneven="keep", **options)


class ShuffledShards(Shards):
    """`ShardDataset` with an index, which it makes first, in an order that is shuffled."""

    def __init__(self, store: Store, concurrency: int | None = None) -> None:
        super().__init__(store, concurrency)
        self._indexes = tempfile.TemporaryDirectory()

    @override
    def _dataset(self, shard: str) -> ShardDataset:
        place = IndexPlace(self._indexes.name, None)
        if not Path(place.of(shard)).exists():
            with objectpipes.open_object(shard) as reader:
                place.write(shard, index_shard(shard, reader)[1])
        return self._reading(shard, Path(self._indexes.name), shuffle=True)


class TarFile(Contender):
    """The standard library's `tarfile` over our stream."""

    @override
    def members(self, names: Sequence[str]) -> Iterator[Piece]:
        shard, wanted = shard_of(names), len(names)
        while wanted:
            with (
                objectpipes.open_object(shard) as stream,
                tarfile.open(fileobj=stream, mode="r|") as archive,
            ):
                for member in islice(archive, wanted):
                    file = archive.extractfile(member)
                    assert file is not None
                    yield f"{shard}/{member.name.removesuffix(MEMBER_SUFFIX)}", file.read()
                    wanted -= 1
