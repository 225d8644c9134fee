"""Listings of any store, and single files in it."""

from __future__ import annotations

import fnmatch
import shutil
from collections.abc import Generator
from contextlib import closing
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

from . import _ais, _s3
from .ais_config import AISConfig
from .errors import ConfigError
from .s3_config import S3Config

if TYPE_CHECKING:
    from . import _ext
    from ._connection import StoreConfig
    from ._reads import Lister
    from .url import ObjectUrl

__all__ = ["download", "open_lister", "open_window", "pages", "upload"]

_PREFETCH_BYTES = 64 << 20
_TIMEOUT_S = 300.0


def _config_for(url: str, config: StoreConfig | None) -> S3Config | AISConfig:
    kind = S3Config if url.startswith("s3://") else AISConfig
    if config is None:
        return kind()
    if not isinstance(config, kind):
        raise ConfigError(f"config must be {kind.__name__} for {url}, not {type(config).__name__}.")
    return config


def open_lister(url: str, config: StoreConfig | None) -> Lister:
    """Return what lists prefixes in the store of a URL."""
    chosen = _config_for(url, config)
    return _s3.lister(chosen) if isinstance(chosen, S3Config) else _ais.lister(chosen)


def open_window(url: str, config: StoreConfig | None, **options: Any) -> _ext.ReadWindow:
    """Open a window of reads ahead in the store of a URL."""
    chosen = _config_for(url, config)
    if isinstance(chosen, S3Config):
        return _s3.open_window(chosen, **options)
    return _ais.open_window(chosen, **options)


def pages(
    prefix: str, config: StoreConfig | None, filters: dict[str, Any]
) -> Generator[list[ObjectUrl], None, None]:
    """List a prefix with the filters of the lister pipes."""
    options = dict(filters)
    masks = options.pop("masks", ())
    masks = [masks] if isinstance(masks, str) else [*masks]
    native = [] if any(set("?[") & set(mask) for mask in masks) else [*filter(None, masks)]
    other = [] if native else [*filter(None, masks)]
    recursive, delimiter = options.pop("recursive", True), options.pop("delimiter", "/")
    moment = options.pop("modified_after", None)
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise ConfigError("modified_after needs a time zone (datetime.timezone.utc).")
        moment = moment.timestamp()
    unknown = set(options) - {"start_after", "min_size", "max_size"}
    if unknown:
        raise TypeError(f"unknown filter: {', '.join(sorted(unknown))}")
    listing = open_lister(prefix, config)(
        prefix,
        masks=native,
        delimiter="" if recursive else delimiter,
        modified_after=moment,
        **options,
    )
    with closing(listing):
        while (page := listing.next_page()) is not None:
            if other:
                page = [url for url in page if any(fnmatch.fnmatch(url, mask) for mask in other)]
            yield page


def download(url: str, file: IO[bytes], config: StoreConfig | None) -> None:
    """Copy an object into a file."""
    with closing(
        open_window(url, config, prefetch_bytes=_PREFETCH_BYTES, timeout=_TIMEOUT_S)
    ) as window:
        window.submit([url])
        items, failure = window.take(1, True)
        if failure is not None:
            raise failure
        for _, reader in items:
            shutil.copyfileobj(reader, file, 1 << 20)


def upload(url: str, file: IO[bytes], config: StoreConfig | None) -> None:
    """Write a file into an object."""
    from ._upload import upload

    upload(url, file, _config_for(url, config))
