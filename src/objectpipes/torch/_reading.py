"""Reads the objects of a manifest ahead of the consumer, in order."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from typing import TYPE_CHECKING

from .._read_ahead import Range, drained, read_ahead
from ..errors import ObjectChangedError, ObjectStoreError

if TYPE_CHECKING:
    from .. import _ext
    from .._store import Store


def read_in_order(
    urls: Iterable[str | Range], store: Store
) -> Generator[_ext.ObjectReader | ObjectStoreError, None, None]:
    """Read objects, or ranges of them, ahead of the consumer; yield each reader, or its error.

    An object that is not the listed one counts as an error, too.
    """
    with closing(store.open_window()) as window:
        for items, failure in read_ahead(urls, window, prompt=True):
            yield from map(_as_listed, drained(items))
            if failure is not None:
                yield failure


def _as_listed(item: tuple[str, _ext.ObjectReader]) -> _ext.ObjectReader | ObjectStoreError:
    url, reader = item
    listed = getattr(url, "etag", None)
    found = reader.etag
    if listed is None or found is None or found.strip('"') == listed:
        return reader
    reader.close()
    return ObjectChangedError(
        f"The object was replaced after it was listed: its ETag was {listed}, and is {found} now.",
        url=url,
        code="OutdatedManifest",
    )
