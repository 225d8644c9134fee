"""tensorstore: its key-value store, with futures some way ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice

import tensorstore
from typing_extensions import override

from ..store import Store
from .contender import Contender, Piece

_REQUESTS = 32


class TensorStore(Contender):
    """``future.result().value``, as many futures waiting as there are requests under way."""

    def __init__(self, store: Store, concurrency: int | None = None) -> None:
        super().__init__(store, concurrency)
        self._requests = concurrency or _REQUESTS
        specification = {
            "driver": "s3",
            "bucket": store.bucket,
            "endpoint": store.endpoint,
            "aws_region": store.region,
            "aws_credentials": {"type": "environment"},
            "s3_request_concurrency": {"limit": self._requests},
        }
        self._store = tensorstore.KvStore.open(specification).result()

    @override
    def name(self, key: str) -> str:
        return key

    @override
    def read(self, names: Sequence[str]) -> Iterator[Piece]:
        source = iter(names)
        first = islice(source, 2 * self._requests)
        ahead = deque((key, self._store.read(key)) for key in first)
        while ahead:
            key, future = ahead.popleft()
            yield key, future.result().value
            ahead.extend((key, self._store.read(key)) for key in islice(source, 1))

    @override
    def list(self, prefix: str) -> Iterator[str]:
        after = prefix.removesuffix("/") + "0"  # the character after the slash
        for key in self._store.list(tensorstore.KvStore.KeyRange(prefix, after)).result():
            yield key.decode()
