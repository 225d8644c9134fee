"""Listings and reads of S3, below the pipes."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from . import _engine, _reads

if TYPE_CHECKING:
    from . import _ext
    from .s3_config import S3Config

__all__ = ["lister", "open_window"]


def lister(config: S3Config) -> _reads.Lister:
    """Return what starts to list ``s3://bucket/any/prefix``.

    It raises `InvalidURLError` for a prefix that is malformed.

    Raises
    ------
    ObjectStoreError
        The configuration cannot work, or this build has no S3.
    """
    return functools.partial(_open_listing, _engine.s3_client(config))


def _open_listing(client: _ext.Client, prefix: str, **filters: Any) -> _ext.Listing:
    bucket, key = _engine.extension().parse_s3_url(prefix)
    return _reads.open_listing(
        client,
        prefix,
        bucket=bucket,
        prefix=key,
        url_prefix=f"s3://{bucket}/",
        **filters,
    )


def open_window(config: S3Config, *, verify: bool = True, **options: Any) -> _ext.ReadWindow:
    """Open a window of reads ahead, with the options of `_reads.open_window`.

    Raises
    ------
    ConfigError
        The configuration cannot work.
    """
    client = _engine.s3_client(config, verify=verify)
    return _reads.open_window(client, verify=verify, **options)
