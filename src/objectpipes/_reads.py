"""Listings and reads of any store, below the pipes: they need the engine, and no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from . import _engine
from .url import ObjectUrl

if TYPE_CHECKING:
    from . import _ext

__all__ = ["Lister", "Pages", "open_listing", "open_window"]

_LONGEST_PAGE_S = 300.0
_NO_LIMIT = (1 << 63) - 1


class Pages(Protocol):
    """A listing under way; to be closed."""

    def next_page(self) -> list[ObjectUrl] | None:
        """Return some URLs, or None at the end."""

    def close(self) -> None:
        """Give up what has not been listed."""


class Lister(Protocol):
    """What starts listings of one store, each with the filters of `open_listing`."""

    def __call__(self, prefix: str, **filters: Any) -> Pages:
        """Start to list the URL of a prefix."""


def open_listing(
    client: _ext.Client,
    url: str,
    *,
    bucket: str,
    prefix: str,
    url_prefix: str,
    delimiter: str = "",
    start_after: str = "",
    masks: Sequence[str] = (),
    min_size: int | None = None,
    max_size: int | None = None,
    modified_after: float | None = None,
    archive_members: bool = False,
    allow_partial: bool = False,
) -> _ext.Listing:
    """Start to list what begins with a prefix.

    Parameters
    ----------
    client
        The store.
    url
        The prefix as the caller wrote it, for errors.
    bucket, prefix
        What it means.
    url_prefix
        What has to stand in front of a key to make the URL of an object.
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
    archive_members
        AIStore: list what is in archives, too.
    allow_partial
        AIStore: list what is left while a target is missing.

    Returns
    -------
    Listing
        Gives its pages one by one; the next is already on its way. To be closed.
    """
    listing: _ext.Listing = _engine.extension().Listing(
        client,
        url,
        bucket=bucket,
        prefix=prefix,
        delimiter=delimiter,
        start_after=start_after,
        url_prefix=url_prefix,
        url_type=ObjectUrl,
        masks=list(masks),
        min_size=min_size or 0,
        max_size=_NO_LIMIT if max_size is None else max_size,
        modified_after=-1.0 if modified_after is None else modified_after,
        timeout_ms=round(_LONGEST_PAGE_S * 1000),
        archive_members=archive_members,
        allow_partial=allow_partial,
    )
    return listing


def open_window(
    client: _ext.Client,
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
    client
        The store.
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
    """
    window: _ext.ReadWindow = _engine.extension().ReadWindow(
        client,
        prefetch_bytes=prefetch_bytes,
        concurrency=concurrency,
        ordered=ordered,
        verify=verify,
        timeout_ms=round(timeout * 1000),
    )
    return window
