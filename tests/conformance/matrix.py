"""The matrix of the suite: servers and transports, one line each."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import pytest

import objectpipes
from conformance import dialects
from conformance.dialects import Dialect
from conformance.store import AISStore, S3Store, Store
from servers import AIStore, Minio, Moto, Seaweed, Server

__all__ = ["BUILT", "CELLS", "TRANSPORTS", "Cell", "ServerRow", "speaks_s3", "where"]


@dataclass(frozen=True)
class ServerRow:
    """A server of the matrix.

    Attributes
    ----------
    name
        What it is called in the names of tests.
    make
        Makes it; it is started by others.
    dialect
        Where it departs from S3, or from what is usual.
    store
        How it is read.
    """

    name: str
    make: Callable[[], Server]
    dialect: Dialect
    store: type[Store] = S3Store


@dataclass(frozen=True)
class Cell:
    """A server, and the transport to read it with."""

    server: ServerRow
    transport: str

    def __str__(self) -> str:
        return f"{self.server.name}-{self.transport}"


SERVERS = [
    ServerRow("minio", Minio, dialects.MINIO),
    ServerRow("minio-tls", functools.partial(Minio, tls=True), dialects.MINIO),
    ServerRow("seaweed", Seaweed, dialects.SEAWEED),
    ServerRow("moto", Moto, dialects.MOTO),
]
TRANSPORTS = ["http", "aws"]

BUILT = objectpipes.build_info()["transports"]

CLUSTERS = [ServerRow("aistore", AIStore, dialects.AISTORE, AISStore)]
CELLS = [Cell(server, transport) for transport in BUILT for server in SERVERS]
CELLS += [Cell(cluster, "http") for cluster in CLUSTERS]


def where(accept: Callable[[ServerRow], bool]) -> pytest.MarkDecorator:
    """Limit a test to the servers that `accept` returns true for."""
    cells = [cell for cell in CELLS if accept(cell.server)]
    return pytest.mark.parametrize("store", cells, ids=str, indirect=True)


speaks_s3 = where(lambda server: server.store is S3Store)
