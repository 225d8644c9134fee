"""Listings and reads of AIStore, below the pipes."""

from __future__ import annotations

import functools
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from . import _engine, _reads
from ._clients import credentials_source, http_options, shared_client
from .errors import ServerError

if TYPE_CHECKING:
    from . import _ext
    from .ais_config import AISConfig
    from .url import ObjectUrl

__all__ = ["ReadOptions", "lister", "open_window"]


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


def _client_of(config: AISConfig, read: ReadOptions) -> _ext.Client:
    # Everything the configuration leaves open is decided now, in this process.
    resolved = config.resolve()
    key = (resolved, config, read)

    def make() -> _ext.Client:
        options = http_options(resolved)
        options.update(asdict(read), split=True)
        source = credentials_source(config.credentials_provider())
        client: _ext.Client = _engine.extension().ais_client(options, source)
        return client

    return shared_client(key, make)


def lister(
    config: AISConfig, *, archive_members: bool = False, allow_partial: bool = False
) -> _reads.Lister:
    """Return what starts to list ``provider://bucket/any/prefix``.

    It raises `InvalidURLError` for a prefix that is malformed.

    Parameters
    ----------
    config
        How to reach the cluster.
    archive_members
        List what is in archives, too.
    allow_partial
        List what is left while a target is missing or an archive cannot be read.

    Raises
    ------
    ConfigError
        The configuration cannot work.
    """
    return functools.partial(
        _open_listing,
        _client_of(config, ReadOptions()),
        archive_members=archive_members,
        allow_partial=allow_partial,
    )


def _open_listing(
    client: _ext.Client, prefix: str, *, archive_members: bool, allow_partial: bool, **filters: Any
) -> _reads.Pages:
    bucket, key, root = _engine.extension().parse_ais_url(prefix)

    def listing(**options: Any) -> _ext.Listing:
        return _reads.open_listing(
            client,
            prefix,
            bucket=bucket,
            prefix=key,
            url_prefix=root,
            allow_partial=allow_partial,
            **filters | options,
        )

    if not archive_members or allow_partial:
        return listing(archive_members=archive_members)
    # Of this one nothing is wanted but the number of objects.
    return _ArchiveListing(prefix, listing(archive_members=True), listing(masks=[""]))


class _ArchiveListing:
    """A listing with the members of archives, held against one without.

    A target that meets an archive it cannot read leaves out everything behind it, without a word.
    """

    def __init__(self, prefix: str, listing: _ext.Listing, without_members: _ext.Listing) -> None:
        self._prefix = prefix
        self._listing = listing
        self._without_members = without_members

    def next_page(self) -> list[ObjectUrl] | None:
        """Return some URLs, or None at the end.

        Raises
        ------
        ServerError
            At the end: objects are missing from the listing.
        ObjectStoreError
            Either listing failed.
        """
        page = self._listing.next_page()
        if page is not None:
            self._without_members.next_page()  # side by side
            return page
        while self._without_members.next_page() is not None:
            pass
        listed, stored = self._listing.objects, self._without_members.objects
        if listed != stored:
            raise ServerError(
                f"The listing has {listed} of {stored} objects: there are archives that AIStore"
                " cannot read",
                url=self._prefix,
                code="UnreadableArchive",
            )
        return None

    def close(self) -> None:
        """End both."""
        self._listing.close()
        self._without_members.close()


def open_window(
    config: AISConfig, read: ReadOptions = ReadOptions(), **options: Any
) -> _ext.ReadWindow:
    """Open a window of reads ahead, with the options of `_reads.open_window`.

    Raises
    ------
    ConfigError
        The configuration cannot work.
    """
    return _reads.open_window(_client_of(config, read), **options)
