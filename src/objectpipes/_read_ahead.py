"""From URLs to readers, some way ahead of the consumer."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from . import _ext
    from .errors import ObjectStoreError

__all__ = ["MAX_AT_ONCE", "pull", "read_ahead", "require_text"]

_Url = TypeVar("_Url", bound="str | bytes")

MAX_AT_ONCE = 32
# A slow source must not hold back what has been read already.
_MAX_PULL_S = 0.05


def read_ahead(
    urls: Iterator[str],
    window: _ext.ReadWindow,
    on_skip: Callable[[ObjectStoreError], None] | None,
) -> Generator[tuple[str, _ext.ObjectReader], None, None]:
    """Read the objects of `urls` through `window`.

    What has been read before the source fails is yielded before its exception is raised.

    Parameters
    ----------
    urls
        What to read.
    window
        Decides how far ahead to read, and in which order to deliver.
    on_skip
        Called with the error of an object that cannot be read. None: it is raised.

    Yields
    ------
    tuple of str and ObjectReader
        The URL as given, and the object.
    """
    source_error: Exception | None = None
    exhausted = False
    while True:
        wait = exhausted or window.room() < MAX_AT_ONCE
        if not wait:
            pulled, exhausted, source_error = pull(urls)
            window.submit(pulled)
        items, failure = window.take(MAX_AT_ONCE, wait and window.outstanding() > 0)
        yield from items
        if failure is not None:
            if on_skip is None:
                raise failure
            on_skip(failure)
        elif exhausted and not items and window.outstanding() == 0:
            break
    if source_error is not None:
        raise source_error


def pull(urls: Iterator[str], most: int = MAX_AT_ONCE) -> tuple[list[str], bool, Exception | None]:
    """Take some URLs: them, whether the source is exhausted, and the error that ended it."""
    pulled: list[str] = []
    deadline = time.monotonic() + _MAX_PULL_S
    try:
        for url in islice(urls, most):
            pulled.append(require_text(url))
            if time.monotonic() > deadline:
                return pulled, False, None
    except Exception as error:
        return pulled, True, error
    return pulled, len(pulled) < most, None


def require_text(url: _Url) -> _Url:
    """Return a URL, or raise `TypeError` if it is none."""
    if not isinstance(url, (str, bytes)):
        raise TypeError(f"a URL must be str or bytes, not {type(url).__name__}: {url!r}")
    return url
