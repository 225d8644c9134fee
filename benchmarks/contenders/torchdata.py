"""torchdata 0.9: the pipes that ours replace; one object at a time is all they can."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from torchdata.datapipes.iter import IterableWrapper
from typing_extensions import override

from .contender import Contender, Piece
from .workers import in_workers


class TorchData(Contender):
    """``stream.read()``."""

    @override
    def read(self, names: Sequence[str]) -> Iterator[Piece]:
        return map(_read, IterableWrapper(names).load_files_by_s3())

    @override
    def load(self, names: Sequence[str]) -> Iterator[Piece]:
        urls = IterableWrapper(names).sharding_filter()
        return in_workers(urls.load_files_by_s3().map(_read))

    @override
    def list(self, prefix: str) -> Iterable[str]:
        pipe: Iterable[str] = IterableWrapper([self.name(prefix)]).list_files_by_s3()
        return pipe


def _read(file: tuple[str, Any]) -> Piece:
    url, stream = file
    return url, stream.read()
