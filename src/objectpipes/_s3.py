"""Listings and reads of S3, below the pipes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _engine, _reads

if TYPE_CHECKING:
    from . import _ext
    from .s3_config import S3Config

__all__ = ["open_listing", "open_window"]


def open_listing(config: S3Config, prefix: str, **filters: Any) -> _ext.Listing:
    """Start to list ``s3://bucket/any/prefix``, with the filters of `_reads.open_listing`.

    Raises
    ------
    ObjectStoreError
        The prefix is malformed, or the configuration cannot work.
    """
    bucket, key = _engine.extension().parse_s3_url(prefix)
    return _reads.open_listing(
        _engine.s3_client(config),
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
