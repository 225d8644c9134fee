"""A filled server, as the tests see it."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from typing_extensions import override

import objectpipes
from conformance.content import BUCKET, Upload
from conformance.dialects import Dialect
from objectpipes import AISConfig, Credentials, S3Config
from objectpipes.iter import AISFileLister, AISFileLoader, S3FileLister, S3FileLoader
from servers import AIStore, S3Server, Server

__all__ = ["AISStore", "S3Store", "Store", "counting"]


@dataclass(frozen=True)
class Store(abc.ABC):
    """A filled server, and how to read it.

    Attributes
    ----------
    server
        The server.
    dialect
        Where it departs from what is usual.
    transport
        What to read it with.
    scheme
        What URLs of its objects begin with.
    names_per_page, requests_per_page
        Of a listing.
    refusals
        Requests after which a refusal is final.
    missing_object, missing_bucket
        The codes of its errors.
    """

    server: Server
    dialect: Dialect
    transport: str

    scheme: ClassVar[str]
    names_per_page: ClassVar[int]
    requests_per_page: ClassVar[int]
    refusals: ClassVar[int]
    missing_object: ClassVar[str]
    missing_bucket: ClassVar[str]

    @abc.abstractmethod
    def config(self, **options: Any) -> Any:
        """Return how to reach the server; `options` take precedence."""

    @abc.abstractmethod
    def lister(self, prefixes: Any, **options: Any) -> Any:
        """Return the pipe that lists prefixes."""

    @abc.abstractmethod
    def loader(self, urls: Any, **options: Any) -> Any:
        """Return the pipe that loads objects."""

    @abc.abstractmethod
    def offers_checksum(self, upload: Upload) -> bool:
        """Return whether the bytes of an upload can be compared with a checksum."""

    def url(self, key: str, bucket: str = BUCKET) -> str:
        """Return the URL of an object, or of what begins with `key`."""
        return f"{self.scheme}://{bucket}/{key}"

    def list_urls(self, *prefixes: str, **options: Any) -> list[str]:
        """Return what the lister yields; in the order of bytes if the server has another one."""
        urls = list(self.lister(prefixes, **options))
        return urls if self.dialect.sorted_listings else sorted(urls, key=str.encode)

    def load(self, urls: Iterable[str], **options: Any) -> list[tuple[str, bytes]]:
        """Return what the loader yields, every object read to its end."""
        return [(url, stream.read()) for url, stream in self.loader(list(urls), **options)]


class S3Store(Store):
    """A server that speaks S3."""

    server: S3Server

    scheme = "s3"
    names_per_page = 1000
    requests_per_page = 1
    refusals = 1
    missing_object = "NoSuchKey"
    missing_bucket = "NoSuchBucket"

    @override
    def config(self, **options: Any) -> S3Config:
        defaults: dict[str, Any] = {
            "endpoint_url": self.server.endpoint,
            "region": self.server.region,
            "credentials": Credentials(self.server.access_key, self.server.secret_key),
            "ca_file": self.server.ca_file and str(self.server.ca_file),
            "transport": self.transport,
        }
        return S3Config(**(defaults | options))

    @override
    def lister(self, prefixes: Any, **options: Any) -> S3FileLister:
        return S3FileLister(prefixes, **({"config": self.config()} | options))

    @override
    def loader(self, urls: Any, **options: Any) -> S3FileLoader:
        return S3FileLoader(urls, **({"config": self.config()} | options))

    @override
    def offers_checksum(self, upload: Upload) -> bool:
        return bool(upload.algorithm) and (upload.type != "COMPOSITE" or self.dialect.tells_parts)


class AISStore(Store):
    """An AIStore cluster."""

    server: AIStore

    scheme = "ais"
    names_per_page = 10_000
    requests_per_page = 2  # and whether any target was missing meanwhile
    refusals = 2  # of a target, and of the proxy, which knows more
    missing_object = "ErrNotFound"
    missing_bucket = "ErrBckNotFound"

    @override
    def config(self, **options: Any) -> AISConfig:
        defaults: dict[str, Any] = {
            "endpoint_url": self.server.endpoint,
            "ca_file": self.server.ca_file and str(self.server.ca_file),
        }
        return AISConfig(**(defaults | options))

    @override
    def lister(self, prefixes: Any, **options: Any) -> AISFileLister:
        return AISFileLister(prefixes, **({"config": self.config()} | options))

    @override
    def loader(self, urls: Any, **options: Any) -> AISFileLoader:
        return AISFileLoader(urls, **({"config": self.config()} | options))

    @override
    def offers_checksum(self, upload: Upload) -> bool:
        return True


@contextmanager
def counting() -> Iterator[dict[str, int]]:
    """Count what happens in the ``with`` block; the counts of `objectpipes.stats` at its end."""
    counts: dict[str, int] = {}
    before = objectpipes.stats()
    yield counts
    counts.update({name: count - before[name] for name, count in objectpipes.stats().items()})
