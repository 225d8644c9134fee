"""Reads of a manifest's objects ahead of their consumer, in order."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from ..errors import ObjectChangedError, ObjectStoreError

if TYPE_CHECKING:
    from .. import _ext

__all__ = ["read_in_order"]

_MAX_AT_ONCE = 32


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
            wait = exhausted or window.room() < _MAX_AT_ONCE
            if not wait:
                pulled = [*islice(urls, _MAX_AT_ONCE)]
                exhausted = len(pulled) < _MAX_AT_ONCE
                window.submit(pulled)
            items, failure = window.take(_MAX_AT_ONCE, wait and window.outstanding() > 0)
            for url, reader in items:
                yield _as_listed(url, reader)
            if failure is not None:
                yield failure
            elif exhausted and not items and window.outstanding() == 0:
                return
    finally:
        window.close()


def _as_listed(url: str, reader: _ext.ObjectReader) -> _ext.ObjectReader | ObjectStoreError:
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
