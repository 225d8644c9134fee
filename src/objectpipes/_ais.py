"""AIStore: a cluster that holds buckets of its own and caches those of clouds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import _engine
from ._cached import cached
from ._clients import http_options, shared_client
from ._store import Listing, Store, open_listing
from .errors import ServerError
from .options import ListFilters, ReadOptions

if TYPE_CHECKING:
    from . import _ext
    from ._connection import Connection
    from .ais_config import AISConfig
    from .url import ObjectUrl

__all__ = ["AISStore"]


class AISStore(Store):
    """The cluster that `config` says how to reach."""

    name = "AIStore"
    lacks = ("modified_after",)

    config: AISConfig

    def __init__(self, config: AISConfig) -> None:
        self.config = config

    @cached
    def _resolved(self) -> Connection:
        return self.config.resolve()

    def client(self, options: ReadOptions = ReadOptions()) -> _ext.Client:
        """Return the client of this configuration, which reads objects as `options` say."""
        config, resolved = self.config, self._resolved
        names = ("archpath", "etl_name", "etl_args", "latest")
        read = {name: getattr(options, name) for name in names}
        settings = (resolved, *read.values())

        def make(credentials: Callable[[bool], _ext.Renewed]) -> _ext.Client:
            options = http_options(resolved) | read | {"split": True}
            client: _ext.Client = _engine.extension().ais_client(options, credentials)
            return client

        return shared_client(settings, config.credentials_source(), resolved.max_attempts, make)

    def _open_listing(self, prefix: str | bytes, filters: ListFilters) -> Listing:
        """Start to list ``provider://bucket/any/prefix``."""
        client = self.client()
        place = _engine.extension().parse_ais_url(prefix)
        listing = open_listing(client, prefix, place, filters)
        if not filters.archive_members or filters.allow_partial:
            return listing
        # Of this one nothing is wanted but the number of objects.
        count_only = dataclasses.replace(filters, archive_members=False, masks=("",))
        return _ArchiveListing(prefix, listing, open_listing(client, prefix, place, count_only))


class _ArchiveListing:
    """A listing with the members of archives, held against one without.

    A target that meets an archive it cannot read leaves out everything behind it, without a word.
    """

    def __init__(
        self, prefix: str | bytes, listing: _ext.Listing, without_members: _ext.Listing
    ) -> None:
        self._prefix = prefix if isinstance(prefix, str) else prefix.decode(errors="replace")
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
