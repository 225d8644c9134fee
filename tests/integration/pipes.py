"""Helpers for the S3 pipes in the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from faults import FaultServer
from objectpipes import Credentials, S3Config
from objectpipes.iter import S3FileLister, S3FileLoader

TRANSPORT = "http"  # see the fixture `transport`
CREDENTIALS = Credentials("access", "secret")


def config_for(server: FaultServer, **options: Any) -> S3Config:
    """Return how to reach `server`, with few attempts and no setting of the machine's."""
    defaults: dict[str, Any] = {
        "endpoint_url": server.endpoint,
        "region": "us-east-1",
        "max_attempts": 3,
        "transport": TRANSPORT,
    }
    if not options.get("anonymous"):
        defaults["credentials"] = CREDENTIALS
    return S3Config(**(defaults | options))


def load(server: FaultServer, urls: Iterable[str], **options: Any) -> list[tuple[str, bytes]]:
    """Return what the loader yields for `urls`, every object read to its end."""
    config = options.pop("config", None) or config_for(server)
    loader = S3FileLoader(list(urls), config=config, **options)
    return [(url, stream.read()) for url, stream in loader]


def list_urls(server: FaultServer, *prefixes: str, **options: Any) -> list[str]:
    """Return what the lister yields for `prefixes`, by default for everything in ``bucket``."""
    config = options.pop("config", None) or config_for(server)
    return list(S3FileLister(prefixes or ["s3://bucket"], config=config, **options))
