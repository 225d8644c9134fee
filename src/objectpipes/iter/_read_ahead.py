"""From URLs to readers, some way ahead of the consumer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .. import _ext
    from ..errors import ObjectStoreError

__all__ = ["read_ahead"]

_MOST_AT_ONCE = 32
# A slow source must not hold back what has been read already.
_LONGEST_PULL_S = 0.05


def read_ahead(
    urls: Iterator[str],
    window: _ext.ReadWindow,
    on_failure: Callable[[ObjectStoreError], None],
) -> Iterator[tuple[str, _ext.ObjectReader]]:
    """Read the objects of `urls` through `window`, which is closed at the end.

    What has been read before the source fails is yielded before its exception is raised.

    Parameters
    ----------
    urls
        What to read.
    window
        Decides how far ahead to read, and in which order to deliver.
    on_failure
        Called with the error of an object that cannot be read. Raises it, or returns to go on.

    Yields
    ------
    tuple of str and ObjectReader
        The URL as given, and the object.
    """
    source_error: Exception | None = None
    exhausted = False
    try:
        while True:
            wait = exhausted or window.room() < _MOST_AT_ONCE
            if not wait:
                pulled, exhausted, source_error = _pull(urls)
                window.submit(pulled)
            items, failure = window.take(_MOST_AT_ONCE, wait and window.outstanding() > 0)
            yield from items
            if failure is not None:
                on_failure(failure)
            elif exhausted and not items and window.outstanding() == 0:
                break
        if source_error is not None:
            raise source_error
    finally:
        window.close()


def _pull(urls: Iterator[str]) -> tuple[list[str], bool, Exception | None]:
    """Take some URLs: them, whether the source is exhausted, and the error that ended it."""
    pulled: list[str] = []
    deadline = time.monotonic() + _LONGEST_PULL_S
    try:
        for url in islice(urls, _MOST_AT_ONCE):
            if not isinstance(url, (str, bytes)):
                raise TypeError(f"a URL must be str or bytes, not {type(url).__name__}: {url!r}")
            pulled.append(url)
            if time.monotonic() > deadline:
                return pulled, False, None
    except Exception as error:
        return pulled, True, error
    return pulled, len(pulled) < _MOST_AT_ONCE, None
