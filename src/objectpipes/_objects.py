"""Functions that list objects, read many, or open one. None of them needs torch."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from ._store import Store, protocol_of
from .errors import ConfigError
from .options import ListFilters, ReadOptions
from .url import ObjectUrl

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._connection import StoreConfig
    from ._ext import ObjectReader
    from .options import ListArguments, ReadArguments


def list_objects(
    url: str,
    *,
    config: StoreConfig | None = None,
    masks: str | Sequence[str] = (),
    **filters: Unpack[ListArguments],
) -> Generator[ObjectUrl, None, None]:
    """List the objects below a URL.

    Parameters
    ----------
    url : str
        A bucket or a prefix: ``s3://bucket/any/prefix``,
        ``ais://bucket/any/prefix``.
    config : S3Config or AISConfig, optional
        How to reach the store; otherwise the environment says that.
    masks : str or sequence of str, optional
        Patterns of `fnmatch`, one of which must match the whole URL; empty: all URLs match.
    **filters
        Which objects to list, as `ListFilters` describes.

    Yields
    ------
    ObjectUrl
        A `str` with the facts that the listing gave about the object. The order is that of the
        store. Close the iterator to end the listing early.

    Raises
    ------
    ConfigError
        At the call, for a filter that can never work.
    InvalidURLError
        At the call, for a scheme that no store has; during iteration, for a malformed prefix.
    ObjectStoreError
        During iteration: the listing failed. The subclass tells why.

    Examples
    --------
    >>> for url in objectpipes.list_objects("s3://bucket/train/", masks="*.jpg"):
    ...     print(url, url.size)
    """
    store, given = Store.of(url, config), ListFilters(masks=masks, **filters)
    store.check(given)
    return _flat(store, url, given)


def _flat(store: Store, url: str, filters: ListFilters) -> Generator[ObjectUrl, None, None]:
    with closing(store.list(url, filters)) as pages:
        for page in pages:
            yield from page


def read_objects(
    urls: Iterable[str],
    *,
    config: StoreConfig | None = None,
    **options: Unpack[ReadArguments],
) -> Generator[tuple[ObjectUrl, ObjectReader], None, None]:
    """Read objects, many at a time and ahead of the consumer.

    Parameters
    ----------
    urls : iterable of str
        URLs of one store. The object of an `ObjectUrl` must still be the one that was listed.
    config : S3Config or AISConfig, optional
        How to reach the store; otherwise the environment says that.
    **options
        How to read, as `ReadOptions` describes: ``ordered``, ``prefetch_bytes``, ``concurrency``,
        ``verify``, ``on_error``, ``timeout`` and others.

    Yields
    ------
    tuple of ObjectUrl and ObjectReader
        The URL, and the object as a binary file: seekable, at position 0. Close the iterator to
        cancel the remaining reads.

    Raises
    ------
    ConfigError
        At the call, for an option that can never work; during iteration, for URLs of two stores.
    ObjectStoreError
        During iteration: an object could not be read. The subclass tells why.
    TypeError
        During iteration, for a URL that is neither `str` nor `bytes`.

    Examples
    --------
    >>> urls = objectpipes.list_objects("s3://bucket/train/")
    >>> for url, reader in objectpipes.read_objects(urls):
    ...     print(url, len(reader.read()))
    """
    given = ReadOptions(**options)
    if config is not None:
        Store.reached_by(config).check(given)
    return _read(urls, config, given)


def _read(
    urls: Iterable[str], config: StoreConfig | None, options: ReadOptions
) -> Generator[tuple[ObjectUrl, ObjectReader], None, None]:
    source = iter(urls)
    for first in source:
        store = Store.of(first, config)
        same = same_store(first, config)
        of_one_store = map(same, itertools.chain([first], source))
        with closing(store.read(of_one_store, options)) as objects:
            yield from map(_with_object_url, objects)


def _with_object_url(item: tuple[str, ObjectReader]) -> tuple[ObjectUrl, ObjectReader]:
    return as_object_url(item[0]), item[1]


def same_store(first: str, config: StoreConfig | None) -> Callable[[str], str]:
    """Return a function that passes URLs of the store of `first`, and raises for others."""
    protocol = protocol_of(first) if config is None else None

    def same(url: str) -> str:
        if protocol is not None and protocol_of(url, protocol) != protocol:
            raise ConfigError(
                f"{first} and {url} are in different stores: read each store separately, or pass"
                " config="
            )
        return url

    return same


def as_object_url(url: str | bytes) -> ObjectUrl:
    """Return the URL of a listing as it is, and any other as an `ObjectUrl` without facts."""
    if isinstance(url, ObjectUrl):
        return url
    return ObjectUrl(url if isinstance(url, str) else url.decode(errors="surrogateescape"))


def open_object(
    url: str, *, config: StoreConfig | None = None, **options: Unpack[ReadArguments]
) -> ObjectReader:
    """Open an object as a binary file.

    Parameters
    ----------
    url : str
        ``s3://bucket/key``, ``ais://bucket/name``. The object of an `ObjectUrl` must still be the
        one that was listed.
    config : S3Config or AISConfig, optional
        How to reach the store; otherwise the environment says that.
    **options
        How to read, as `ReadOptions` describes.

    Returns
    -------
    ObjectReader
        A seekable binary file at position 0, and a context manager. A small object is in memory. An
        object larger than a quarter of ``prefetch_bytes`` is streamed: it is read while it is
        consumed. ``memoryview(reader)`` gives all bytes, and reads a large object into memory as a
        whole.

    Raises
    ------
    ConfigError
        An option can never work.
    ObjectStoreError
        The object cannot be read. The subclass tells why.

    Examples
    --------
    >>> with objectpipes.open_object("s3://bucket/archive.zip") as file:
    ...     names = zipfile.ZipFile(file).namelist()
    """
    return Store.of(url, config).open(url, ReadOptions(**options))
