"""obstore: ``get`` by threads, ``list`` in chunks of a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import obstore
from obstore.store import S3Store
from typing_extensions import override

from ..store import Store
from .contender import Contender, Piece
from .threads import in_threads

_THREADS = 16
_PIECE = 1 << 20  # bytes
_PAGE = 1000


class Obstore(Contender):
    """``result.bytes()``, which are the library's own and not copied; in pieces, a stream of it."""

    def __init__(self, store: Store, concurrency: int | None = None) -> None:
        super().__init__(store, concurrency)
        self._threads = concurrency or _THREADS
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
    def name(self, key: str) -> str:
        return key

    @override
    def read(self, names: Sequence[str]) -> Iterator[Piece]:
        return in_threads(self._read, names, self._threads)

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

    def _read(self, key: str) -> Piece:
        return key, obstore.get(self._store, key).bytes()
