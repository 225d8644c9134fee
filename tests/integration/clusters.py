"""AIStore clusters for the tests of several folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest

from objectpipes.iter import AISFileLister, AISFileLoader
from servers import AIStore, Server, ServerUnavailable

__all__ = ["fill", "list_urls", "load", "new_bucket", "running"]

_Server = TypeVar("_Server", bound=Server)


@contextmanager
def running(server: _Server) -> Iterator[_Server]:
    """Run a server. A test without one is reported as not run."""
    try:
        server.start()
    except ServerUnavailable as error:
        pytest.skip(str(error))
    try:
        server.wait_ready()
        yield server
    finally:
        server.stop()


def new_bucket(cluster: AIStore, props: Mapping[str, Any] | None = None) -> str:
    """Create an empty bucket, and return its name."""
    name = f"bucket-{os.urandom(6).hex()}"
    cluster.create_bucket(name, props)
    return name


def fill(cluster: AIStore, bucket: str, names: Iterable[str], size: int = 1000) -> dict[str, bytes]:
    """Store objects of random bytes; return them by URL."""
    stored = {}
    for name in names:
        stored[f"ais://{bucket}/{name}"] = data = os.urandom(size)
        cluster.put(bucket, name, data)
    return stored


def list_urls(cluster: AIStore, *prefixes: str, **options: Any) -> list[str]:
    """Return what the lister yields."""
    return list(AISFileLister(prefixes, cluster.endpoint, **options))


def load(cluster: AIStore, urls: Iterable[str], **options: Any) -> dict[str, bytes]:
    """Return what the loader yields, every object read to its end."""
    loader = AISFileLoader(list(urls), cluster.endpoint, **options)
    return {url: stream.read() for url, stream in loader}
