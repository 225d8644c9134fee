"""s3dlio: ``get`` by threads."""

from __future__ import annotations

import os

import s3dlio
from typing_extensions import override

from ..store import Store
from .contender import Piece
from .threads import BlockingContender


class S3dlio(BlockingContender):
    """``get()``, whose bytes are the library's own and not copied."""

    def __init__(self, store: Store, concurrency: int | None = None) -> None:
        super().__init__(store, concurrency)
        # It is told of a store by the environment only.
        os.environ.update(
            AWS_ENDPOINT_URL=store.endpoint,
            AWS_REGION=store.region,
            AWS_ACCESS_KEY_ID=store.access_key,
            AWS_SECRET_ACCESS_KEY=store.secret_key,
        )

    @override
    def _read(self, name: str) -> Piece:
        return name, s3dlio.get(f"s3://{self.store.bucket}/{name}")
