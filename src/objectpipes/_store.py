"""A store lists, reads and opens objects. Everything above the engine uses it."""

from __future__ import annotations

import abc
import dataclasses
import fnmatch
import functools
import logging
import os
import re
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, ClassVar, Protocol

from . import _engine
from ._importing import importing
from ._read_ahead import drained, read_ahead, require_text
from .errors import ConfigError, InvalidURLError, ObjectStoreError
from .options import ListFilters, ReadOptions
from .url import ObjectUrl

if TYPE_CHECKING:
    from . import _ext
    from ._connection import StoreConfig

_MAX_PAGE_MS = 300_000

_log = logging.getLogger("objectpipes")


class Listing(Protocol):
    """A listing in progress, which must be closed."""

    def next_page(self) -> list[ObjectUrl] | None:
        """Return some URLs, or None at the end."""

    def close(self) -> None:
        """End the listing."""


class Store(abc.ABC):
    """One store with one configuration, which it resolves once.

    Make a new one for each iteration, because it keeps the resolved options. It makes no request
    until objects are listed or read.
    """

    name: ClassVar[str]  # of the protocol
    lacks: ClassVar[tuple[str, ...]]  # the options that this store does not have
    config: StoreConfig

    @staticmethod
    def of(url: str | bytes, config: StoreConfig | None = None) -> Store:
        """Return the store of the URL of an object, a prefix or a bucket.

        The class of a configuration determines the protocol. Without one, the scheme of the URL
        does, and the environment says the rest.
        """
        with importing:
            from .ais_config import AISConfig
            from .s3_config import S3Config

        if config is None:
            config = S3Config() if protocol_of(url) == "s3" else AISConfig()
        if isinstance(config, S3Config) and protocol_of(url, otherwise="s3") != "s3":
            raise ConfigError(f"config must be an AISConfig for {url!r}, not an S3Config.")
        return Store.reached_by(config)

    @staticmethod
    def reached_by(config: StoreConfig) -> Store:
        """Return the store of a configuration."""
        with importing:
            from ._ais import AISStore
            from ._s3 import S3Store
            from .ais_config import AISConfig
            from .s3_config import S3Config

        if isinstance(config, S3Config):
            return S3Store(config)
        if isinstance(config, AISConfig):
            return AISStore(config)
        raise TypeError(f"config must be an S3Config or an AISConfig, not {type(config).__name__}")

    @classmethod
    def check(cls, options: ReadOptions | ListFilters) -> None:
        """Raise `ConfigError` if an option that this store does not have is set."""
        given = [f.name for f in dataclasses.fields(options) if f.name in cls.lacks]
        foreign = [name for name in given if getattr(options, name) != getattr(type(options), name)]
        if foreign:
            raise ConfigError(f"{cls.name} has no option {' or '.join(foreign)}.")

    @abc.abstractmethod
    def client(self, options: ReadOptions = ReadOptions()) -> _ext.Client:
        """Return the client of this configuration that reads objects as `options` say."""

    @abc.abstractmethod
    def _place(self, prefix: str | bytes) -> tuple[str, str, str]:
        """Parse a URL: its bucket, its prefix, and the text that makes a name a URL."""

    def open_listing(self, prefix: str | bytes, filters: ListFilters = ListFilters()) -> Listing:
        """Start to list a prefix. The caller closes the listing."""
        self.check(filters)
        # The masks are alternatives, so if the engine does not support one, it gets none. It has
        # no text that is not UTF-8.
        native = not any(re.search(r"[?[\ud800-\udfff]", mask) for mask in filters.masks)
        if not filters.masks or (native and os.path.normcase("A") == "A"):
            return self._open_listing(prefix, filters)
        unmasked = dataclasses.replace(filters, masks=())
        return _MaskedListing(self._open_listing(prefix, unmasked), filters.masks)

    def _open_listing(self, prefix: str | bytes, filters: ListFilters) -> _ext.Listing:
        return _engine.ext.Listing(
            self.client(), prefix, self._place(prefix), filters, ObjectUrl, _MAX_PAGE_MS
        )

    def open_window(self, options: ReadOptions = ReadOptions()) -> _ext.ReadWindow:
        """Open a window, which takes URLs and gives readers. The caller closes it."""
        return _engine.ext.ReadWindow(self.client(options), options)

    def list(
        self, prefix: str | bytes, filters: ListFilters = ListFilters()
    ) -> Generator[list[ObjectUrl], None, None]:
        """List a prefix page by page. A page may be empty."""
        with closing(self.open_listing(prefix, filters)) as listing:
            while (page := listing.next_page()) is not None:
                yield page

    def read(
        self,
        urls: Iterable[str],
        options: ReadOptions = ReadOptions(),
        on_skip: Callable[[ObjectStoreError], None] | None = None,
    ) -> Generator[tuple[str, _ext.ObjectReader], None, None]:
        """Read objects ahead of the consumer; yield each with its URL as it was given.

        The object of an `ObjectUrl` must still be the one that was listed. `on_skip` is called with
        the error of each object that is skipped. None: the error is logged.
        """
        skip = None if options.on_error == "raise" else on_skip or log_skipped
        with closing(self.open_window(options)) as window:
            for items, failure in read_ahead(urls, window):
                yield from drained(items)
                if failure is None:
                    continue
                if skip is None:
                    raise failure
                skip(failure)

    def open(self, url: str | bytes, options: ReadOptions = ReadOptions()) -> _ext.ObjectReader:
        """Open an object."""
        with closing(self.open_window(options)) as window:
            return window.open(url)


@functools.cache
def _protocols() -> dict[str, str]:
    return _engine.ext.schemes()


def protocol_of(url: str | bytes, otherwise: str | None = None) -> str:
    """Return the protocol of a URL, a prefix or a bucket by its scheme: ``"s3"`` or ``"ais"``.

    If no store has the scheme, return `otherwise`, or raise `InvalidURLError` without it.
    """
    given = require_text(url)
    text = given if isinstance(given, str) else given.decode(errors="replace")
    scheme, mark, _ = text.partition("://")
    found = _protocols().get(scheme.lower() if mark else "", otherwise)
    if found is None:
        known = ", ".join(f"{scheme}://" for scheme in _protocols())
        raise InvalidURLError(f"A URL must begin with one of {known}", url=text)
    return found


def log_skipped(error: ObjectStoreError) -> None:
    """Log which object was skipped, and why."""
    _log.warning("skipped: %s", error)


class _MaskedListing:
    """A listing filtered by patterns of `fnmatch`."""

    def __init__(self, listing: Listing, masks: Sequence[str]) -> None:
        self._listing = listing
        self._masks = masks
        self.close = listing.close

    def next_page(self) -> list[ObjectUrl] | None:
        page = self._listing.next_page()
        if page is None:
            return None
        return [url for url in page if any(fnmatch.fnmatch(url, mask) for mask in self._masks)]
