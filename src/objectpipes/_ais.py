"""Listings and reads of AIStore, below the pipes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import _engine, _reads

if TYPE_CHECKING:
    from . import _ext
    from .ais_config import AISConfig

__all__ = ["ReadOptions", "open_listing", "open_window"]


@dataclass(frozen=True)
class ReadOptions:
    """How AIStore is to read an object.

    Attributes
    ----------
    archpath : str
        Read this member of the object, which is an archive; empty: the object itself.
    etl_name, etl_args : str
        Transform it by this ETL, with these arguments; empty: not at all.
    latest : bool
        Read it as the remote bucket has it now.
    """

    archpath: str = ""
    etl_name: str = ""
    etl_args: str = ""
    latest: bool = False


def open_listing(config: AISConfig, prefix: str, **filters: Any) -> _ext.Listing:
    """Start to list ``provider://bucket/any/prefix``, with the filters of `_reads.open_listing`.

    Raises
    ------
    ObjectStoreError
        The prefix is malformed, or the configuration cannot work.
    """
    bucket, key, root = _engine.extension().parse_ais_url(prefix)
    client = _engine.ais_client(config, ReadOptions())
    return _reads.open_listing(
        client, prefix, bucket=bucket, prefix=key, url_prefix=root, **filters
    )


def open_window(
    config: AISConfig, read: ReadOptions = ReadOptions(), **options: Any
) -> _ext.ReadWindow:
    """Open a window of reads ahead, with the options of `_reads.open_window`.

    Raises
    ------
    ConfigError
        The configuration cannot work.
    """
    return _reads.open_window(_engine.ais_client(config, read), **options)
