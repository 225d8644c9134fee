"""Ray Data on this machine alone: with our source of objects, and with its own."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator, Sequence

import ray
import ray.data
from pyarrow.fs import S3FileSystem
from typing_extensions import override

from ..store import Store
from .contender import Contender, Piece
from .workers import WORKERS

_ROWS = 64


class _OnRay(Contender):
    """Rows in the order of their names."""

    def __init__(self, store: Store, concurrency: int | None = None) -> None:
        super().__init__(store, concurrency)
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        ray.init(
            num_cpus=WORKERS, include_dashboard=False, log_to_driver=False, logging_level="error"
        )
        context = ray.data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False

    @override
    def load(self, names: Sequence[str]) -> Iterator[Piece]:
        rows = self._dataset(names).iter_batches(batch_size=_ROWS, batch_format="pyarrow")
        for batch in rows:
            paths = map(self._url, batch["path"].to_pylist())
            yield from zip(paths, batch["bytes"].to_pylist(), strict=True)

    @abstractmethod
    def _dataset(self, names: Sequence[str]) -> ray.data.Dataset:
        """Return a dataset with the columns ``path`` and ``bytes``."""

    def _url(self, path: str) -> str:
        return path


class OurRay(_OnRay):
    """``objectpipes.ray.read_objects``."""

    @override
    def _dataset(self, names: Sequence[str]) -> ray.data.Dataset:
        from objectpipes.ray import read_objects

        return read_objects(names, include_paths=True)


class RayData(_OnRay):
    """``ray.data.read_binary_files`` with the file system of Arrow, which is the one it takes."""

    @override
    def _dataset(self, names: Sequence[str]) -> ray.data.Dataset:
        store = self.store
        files = S3FileSystem(
            access_key=store.access_key,
            secret_key=store.secret_key,
            region=store.region,
            endpoint_override=store.endpoint,
        )
        paths = [name.removeprefix("s3://") for name in names]
        return ray.data.read_binary_files(paths, filesystem=files, include_paths=True)

    @override
    def _url(self, path: str) -> str:
        return f"s3://{path}"
