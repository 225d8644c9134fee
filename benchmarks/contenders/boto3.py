"""boto3: ``get_object`` by threads that share a client, and its paginator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import boto3
from botocore.config import Config
from typing_extensions import override

from ..store import Store
from .contender import Piece
from .threads import BlockingContender

_PIECE = 1 << 20  # bytes


class Boto3(BlockingContender):
    """``body.read()``; in pieces, ``body.readinto()`` of one buffer."""

    def __init__(self, store: Store, concurrency: int | None = None) -> None:
        super().__init__(store, concurrency)
        self._client = boto3.client(
            "s3",
            endpoint_url=store.endpoint,
            region_name=store.region,
            config=Config(max_pool_connections=self._threads),
        )

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

    @override
    def _read(self, name: str) -> Piece:
        body = self._client.get_object(Bucket=self.store.bucket, Key=name)["Body"]
        return name, body.read()
