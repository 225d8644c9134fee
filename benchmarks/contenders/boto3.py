"""boto3: ``get_object`` by threads that share a client, and its paginator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import boto3
from botocore.config import Config
from typing_extensions import override

from ..store import Store
from .contender import Contender, Piece
from .threads import in_threads

_THREADS = 16
_PIECE = 1 << 20  # bytes


class Boto3(Contender):
    """``body.read()``; in pieces, ``body.readinto()`` of one buffer."""

    def __init__(self, store: Store, concurrency: int | None = None) -> None:
        super().__init__(store, concurrency)
        self._threads = concurrency or _THREADS
        self._client = boto3.client(
            "s3",
            endpoint_url=store.endpoint,
            region_name=store.region,
            config=Config(max_pool_connections=self._threads),
        )

    @override
    def name(self, key: str) -> str:
        return key

    @override
    def read(self, names: Sequence[str]) -> Iterator[Piece]:
        return in_threads(self._read, names, self._threads)

    @override
    def stream(self, names: Sequence[str]) -> Iterator[Piece]:
        buffer = bytearray(_PIECE)
        for key in names:
            body = self._client.get_object(Bucket=self.store.bucket, Key=key)["Body"]
            while size := body.readinto(buffer):
                yield key, memoryview(buffer)[:size]

    @override
    def list(self, prefix: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.store.bucket, Prefix=prefix):
            for entry in page["Contents"]:
                yield entry["Key"]

    def _read(self, key: str) -> Piece:
        return key, self._client.get_object(Bucket=self.store.bucket, Key=key)["Body"].read()
