"""obstore: ``get`` by threads, ``list`` in chunks of a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import obstore
from obstore.store import S3Store
from typing_extensions import override

from ..store import Store
from .contender import Piece
from .threads import BlockingContender

_PIECE = 1 << 20  # bytes
_PAGE = 1000


class Obstore(BlockingContender):
    """``result.bytes()``, which are the library's own and not copied; in pieces, a stream of it."""

    def __init__(self, store: Store, concurrency: int | None = None) -> None:
        super().__init__(store, concurrency)
        self._store = S3Store(
            store.bucket,
            endpoint=store.endpoint,
            region=store.region,
            access_key_id=store.access_key,
            secret_access_key=store.secret_key,
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
        )

    @override
    def stream(self, names: Sequence[str]) -> Iterator[Piece]:
        for key in names:
            for piece in obstore.get(self._store, key).stream(min_chunk_size=_PIECE):
                yield key, piece

    @override
    def list(self, prefix: str) -> Iterator[str]:
        for chunk in obstore.list(self._store, prefix, chunk_size=_PAGE):
            for entry in chunk:
                yield entry["path"]

    @override
    def _read(self, name: str) -> Piece:
        return name, obstore.get(self._store, name).bytes()
