"""A filled server, as the tests see it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import objectpipes
from conformance.content import Upload
from conformance.dialects import Dialect
from objectpipes import Credentials, S3Config
from objectpipes.iter import S3FileLister, S3FileLoader
from servers import S3Server

__all__ = ["Store", "counting"]


@dataclass(frozen=True)
class Store:
    """A filled server, and how to read it.

    Attributes
    ----------
    server
        The server.
    dialect
        Where it departs from S3.
    transport
        What to read it with.
    """

    server: S3Server
    dialect: Dialect
    transport: str

    def config(self, **options: Any) -> S3Config:
        """Return how to reach the server; `options` take precedence."""
        defaults: dict[str, Any] = {
            "endpoint_url": self.server.endpoint,
            "region": self.server.region,
            "credentials": Credentials(self.server.access_key, self.server.secret_key),
            "ca_file": self.server.ca_file and str(self.server.ca_file),
            "transport": self.transport,
        }
        return S3Config(**(defaults | options))

    def offers_checksum(self, upload: Upload) -> bool:
        """Return whether the bytes of an upload can be compared with a checksum."""
        return bool(upload.algorithm) and (upload.type != "COMPOSITE" or self.dialect.tells_parts)

    def list_urls(self, *prefixes: str, **options: Any) -> list[str]:
        """Return what the lister yields; in S3's order if the server has another one."""
        config = options.pop("config", None) or self.config()
        urls = list(S3FileLister(prefixes, config=config, **options))
        return urls if self.dialect.sorted_listings else sorted(urls, key=str.encode)

    def load(self, urls: Iterable[str], **options: Any) -> list[tuple[str, bytes]]:
        """Return what the loader yields, every object read to its end."""
        config = options.pop("config", None) or self.config()
        loader = S3FileLoader(list(urls), config=config, **options)
        return [(url, stream.read()) for url, stream in loader]


@contextmanager
def counting() -> Iterator[dict[str, int]]:
    """Count what happens in the ``with`` block; the counts of `objectpipes.stats` at its end."""
    counts: dict[str, int] = {}
    before = objectpipes.stats()
    yield counts
    counts.update({name: count - before[name] for name, count in objectpipes.stats().items()})
