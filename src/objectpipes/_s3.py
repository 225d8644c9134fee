"""Listings and reads of S3, below the pipes: they need the engine, and no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import _engine
from .url import ObjectUrl

if TYPE_CHECKING:
    from . import _ext
    from .s3_config import S3Config

__all__ = ["open_listing", "open_window"]

_LONGEST_PAGE_S = 300.0
_NO_LIMIT = (1 << 63) - 1


def open_listing(
    config: S3Config,
    prefix: str,
    *,
    delimiter: str = "",
    start_after: str = "",
    masks: Sequence[str] = (),
    min_size: int | None = None,
    max_size: int | None = None,
    modified_after: float | None = None,
) -> _ext.Listing:
    """Start to list what begins with a prefix.

    Parameters
    ----------
    config
        How to reach the store.
    prefix
        ``s3://bucket/any/prefix``.
    delimiter
        List only up to the next one of these; empty: everything.
    start_after
        List only keys that come after this one.
    masks
        Patterns, any of which must match the whole URL, of ``*`` and plain characters only.
    min_size, max_size
        Bytes, both inclusive.
    modified_after
        POSIX seconds.

    Returns
    -------
    Listing
        Gives its pages one by one; the next is already on its way. To be closed.

    Raises
    ------
    ObjectStoreError
        The prefix is malformed, or the configuration cannot work.
    """
    ext = _engine.extension()
    bucket, key = ext.parse_s3_url(prefix)
    listing: _ext.Listing = ext.Listing(
        _engine.s3_client(config),
        prefix,
        bucket=bucket,
        prefix=key,
        delimiter=delimiter,
        start_after=start_after,
        url_prefix=f"s3://{bucket}/",
        url_type=ObjectUrl,
        masks=list(masks),
        min_size=min_size or 0,
        max_size=_NO_LIMIT if max_size is None else max_size,
        modified_after=-1.0 if modified_after is None else modified_after,
        timeout_ms=round(_LONGEST_PAGE_S * 1000),
    )
    return listing


def open_window(
    config: S3Config,
    *,
    prefetch_bytes: int,
    timeout: float,
    concurrency: int = 0,
    verify: bool = True,
    ordered: bool = True,
) -> _ext.ReadWindow:
    """Open a window of reads ahead.

    Parameters
    ----------
    config
        How to reach the store.
    prefetch_bytes
        Bytes to hold ahead of the consumer.
    timeout
        Seconds that one object may take.
    concurrency
        Objects to request at once; 0: as many as the store's latency makes worth while.
    verify
        Whether to compare checksums.
    ordered
        Whether to deliver in the order of submission.

    Returns
    -------
    ReadWindow
        Takes URLs and gives readers. To be closed.

    Raises
    ------
    ConfigError
        The configuration cannot work.
    """
    window: _ext.ReadWindow = _engine.extension().ReadWindow(
        _engine.s3_client(config, verify=verify),
        prefetch_bytes=prefetch_bytes,
        concurrency=concurrency,
        ordered=ordered,
        verify=verify,
        timeout_ms=round(timeout * 1000),
    )
    return window
