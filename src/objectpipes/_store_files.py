"""Copies single files from and to any store."""

from __future__ import annotations

import shutil
from typing import IO, TYPE_CHECKING

from ._store import Store

if TYPE_CHECKING:
    from ._connection import StoreConfig

__all__ = ["download", "upload"]


def download(url: str, file: IO[bytes], config: StoreConfig | None) -> None:
    """Copy an object to a file."""
    with Store.of(url, config).open(url) as reader:
        shutil.copyfileobj(reader, file, 1 << 20)


def upload(url: str, file: IO[bytes], config: StoreConfig | None) -> None:
    """Copy a file to an object."""
    from ._upload import upload

    upload(url, file, Store.of(url, config).config)
