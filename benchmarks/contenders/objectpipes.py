"""objectpipes: the pipes as a user writes them, with their defaults."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from objectpipes.iter import IterableWrapper

from ..store import Store
from .contender import Contender, Piece
from .workers import in_workers

_PIECE = 1 << 20  # bytes


class ObjectPipes(Contender):
    """``stream.read()``; in pieces, ``stream.readinto()`` of one buffer."""

    def __init__(self, store: Store, concurrency: int | None = None) -> None:
        super().__init__(store, concurrency)
        self._options = {} if concurrency is None else {"concurrency": concurrency}

    def read(self, names: Sequence[str]) -> Iterator[Piece]:
        return map(_read, self._files(names))

    def stream(self, names: Sequence[str]) -> Iterator[Piece]:
        buffer = bytearray(_PIECE)
        for url, stream in self._files(names):
            while size := stream.readinto(buffer):
                yield url, memoryview(buffer)[:size]

    def load(self, names: Sequence[str]) -> Iterator[Piece]:
        urls = IterableWrapper(names).sharding_filter()
        return in_workers(urls.load_files_by_s3(**self._options).map(_read))

    def list(self, prefix: str) -> Iterable[str]:
        pipe: Iterable[str] = IterableWrapper([self.name(prefix)]).list_files_by_s3()
        return pipe

    def _files(self, names: Sequence[str]) -> Iterable[tuple[str, Any]]:
        pipe: Iterable[tuple[str, Any]] = IterableWrapper(names).load_files_by_s3(**self._options)
        return pipe


class ZeroCopy(ObjectPipes):
    """``stream.getbuffer()``, with room for four objects of 256 MiB ahead."""

    def __init__(self, store: Store, concurrency: int | None = None) -> None:
        super().__init__(store, concurrency)
        self._options["prefetch_bytes"] = 1 << 30

    def read(self, names: Sequence[str]) -> Iterator[Piece]:
        for url, stream in self._files(names):
            yield url, stream.getbuffer()


def _read(file: tuple[str, Any]) -> Piece:
    url, stream = file
    return url, stream.read()
