"""Reads of a manifest's objects ahead of their consumer, in order."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from .._read_ahead import MAX_AT_ONCE, drained
from ..errors import ObjectChangedError, ObjectStoreError

if TYPE_CHECKING:
    from .. import _ext

__all__ = ["read_in_order"]


def read_in_order(
    urls: Iterator[str], window: _ext.ReadWindow
) -> Generator[_ext.ObjectReader | ObjectStoreError, None, None]:
    """Read objects through an ordered `window`, which is closed at the end.

    Yields
    ------
    ObjectReader or ObjectStoreError
        One for each URL. An object that is not what its manifest lists is an error, too.
    """
    exhausted = False
    try:
        while True:
            room = min(window.room(), MAX_AT_ONCE)
            may_ask = not exhausted and room > 0
            if may_ask:
                pulled = [*islice(urls, room)]
                exhausted = len(pulled) < room
                window.submit(pulled)
            wait = not may_ask and window.outstanding() > 0
            items, failure = window.take(MAX_AT_ONCE, wait, until_starved=not exhausted)
            got_any = bool(items)
            yield from map(_as_listed, drained(items))
            if failure is not None:
                yield failure
            elif exhausted and not got_any and window.outstanding() == 0:
                return
    finally:
        window.close()


def _as_listed(item: tuple[str, _ext.ObjectReader]) -> _ext.ObjectReader | ObjectStoreError:
    url, reader = item
    listed = getattr(url, "etag", None)
    found = reader.etag
    if listed is None or found is None or found.strip('"') == listed:
        return reader
    reader.close()
    return ObjectChangedError(
        f"The object was replaced after its manifest had been made: its ETag was {listed}, it is"
        f" {found} now. Make the manifest anew",
        url=url,
    )
