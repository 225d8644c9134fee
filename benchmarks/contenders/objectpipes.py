"""objectpipes: the pipes as a user writes them, with their defaults."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from typing_extensions import override

from objectpipes import S3Config
from objectpipes.iter import IterableWrapper

from ..store import Store
from .contender import MEMBER_SUFFIX, Contender, Piece, shard_of
from .workers import in_workers

_PIECE = 1 << 20  # bytes


class ObjectPipes(Contender):
    """``stream.read()``; in pieces, ``stream.readinto()`` of one buffer."""

    def __init__(self, store: Store, concurrency: int | None = None) -> None:
        super().__init__(store, concurrency)
        self._options: dict[str, Any] = {}
        if concurrency is not None:
            self._options["concurrency"] = concurrency

    @override
    def read(self, names: Sequence[str]) -> Iterator[Piece]:
        return map(_read, self._files(names))

    @override
    def stream(self, names: Sequence[str]) -> Iterator[Piece]:
        buffer = bytearray(_PIECE)
        for url, stream in self._files(names):
            while size := stream.readinto(buffer):
                yield url, memoryview(buffer)[:size]

    @override
    def load(self, names: Sequence[str]) -> Iterator[Piece]:
        files = in_workers(self._loader(IterableWrapper(names).sharding_filter()))
        return map(_read, files)

    @override
    def members(self, names: Sequence[str]) -> Iterator[Piece]:
        shard, wanted = shard_of(names), len(names)
        while wanted:
            for path, member in islice(self._files([shard]).load_from_tar(), wanted):
                yield path.removesuffix(MEMBER_SUFFIX), member.read()
                wanted -= 1

    @override
    def list(self, prefix: str) -> Iterable[str]:
        prefixes = IterableWrapper([self.name(prefix)])
        urls: Iterable[str] = getattr(prefixes, f"list_files_by_{self.store.scheme}")()
        return urls

    def _files(self, names: Sequence[str]) -> Any:
        return self._loader(IterableWrapper(names))

    def _loader(self, urls: Any) -> Any:
        return getattr(urls, f"load_files_by_{self.store.scheme}")(**self._options)


class ZeroCopy(ObjectPipes):
    """``stream.getbuffer()``, with room for four objects of 256 MiB ahead."""

    def __init__(self, store: Store, concurrency: int | None = None) -> None:
        super().__init__(store, concurrency)
        self._options["prefetch_bytes"] = 1 << 30

    @override
    def read(self, names: Sequence[str]) -> Iterator[Piece]:
        for url, stream in self._files(names):
            yield url, stream.getbuffer()


class OverSdk(ObjectPipes):
    """With the transport that is aws-sdk-cpp."""

    def __init__(self, store: Store, concurrency: int | None = None) -> None:
        super().__init__(store, concurrency)
        self._options["config"] = S3Config(transport="aws")


def _read(file: tuple[str, Any]) -> Piece:
    url, stream = file
    return url, stream.read()
