"""The servers of the matrix, by their names in the platform table, filled with objects."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from objectpipes import (
    AISConfig,
    Credentials,
    ObjectUrl,
    S3Config,
    list_objects,
    read_objects,
)
from servers import AIStore, Minio, Moto, S3Server, Seaweed

KIB = 1 << 10
MIB = 1 << 20

BUCKET = "artifact"
# From nothing, over one part and several, to more than the window holds: that one is streamed.
SIZES = [0, 1, 4 * KIB, 128 * KIB, 5 * MIB + 1, 20 * MIB]
PREFETCH_BYTES = 16 * MIB
KEYS = ["plain", "with space", "a+b", "50%", "query?a=b", "a&b=c;d", "\u00e9/\u65e5\u672c"]
MANY = 200

SERVERS: Mapping[str, Callable[[], S3Server | AIStore]] = {
    "minio": Minio,
    "minio-tls": functools.partial(Minio, tls=True),
    "seaweed": Seaweed,
    "moto": Moto,
    "aistore": AIStore,
}


def content(size: int) -> bytes:
    """Return bytes that identify their position: no two aligned words are equal."""
    count = -(-size // 4)
    return b"".join(i.to_bytes(4, "big") for i in range(count))[:size]


def objects() -> dict[str, bytes]:
    """Return all objects of a server, by key."""
    return {
        **{f"sizes/{index}": content(size) for index, size in enumerate(SIZES)},
        **{f"keys/{key}": key.encode() for key in KEYS},
        **{f"many/{index:03}": b"%d" % index for index in range(MANY)},
    }


def fill(server: S3Server | AIStore) -> None:
    """Store everything in a server."""
    server.create_bucket(BUCKET)
    if isinstance(server, AIStore):
        for name, data in objects().items():
            server.put(BUCKET, name, data)
        return
    small = {key: data for key, data in objects().items() if not key.startswith("sizes/")}
    server.put_many(BUCKET, small)
    for index, size in enumerate(SIZES):  # by botocore, which has them stored with a checksum
        server.put(BUCKET, f"sizes/{index}", content(size))


@dataclass(frozen=True)
class Cell:
    """A server, and the transport for reading it."""

    server: str
    transport: str

    def __str__(self) -> str:
        return f"{self.server}-{self.transport}"


@dataclass(frozen=True)
class Store:
    """A filled server, read by the engine of the artifact, below the pipes: without torch.

    Attributes
    ----------
    transport
        What to read it with.
    config
        How to reach it.
    environment
        Variables that lead to it, too.
    ca_file
        The CA that its certificate is from; empty if it speaks no TLS.
    """

    transport: str
    config: S3Config | AISConfig
    environment: Mapping[str, str]
    ca_file: str

    @classmethod
    def of(cls, server: S3Server | AIStore, transport: str) -> Store:
        """Return a server that has been filled."""
        ca_file = str(server.ca_file) if server.ca_file else ""
        config: S3Config | AISConfig
        if isinstance(server, AIStore):
            config = AISConfig(endpoint_url=server.endpoint)
        else:
            config = S3Config(
                endpoint_url=server.endpoint,
                region=server.region,
                credentials=Credentials(server.access_key, server.secret_key),
                ca_file=ca_file or None,
                transport=transport,
            )
        return cls(transport, config, server.environment(), ca_file)

    @property
    def protocol(self) -> str:
        """``s3`` or ``ais``."""
        return "ais" if isinstance(self.config, AISConfig) else "s3"

    def url(self, key: str) -> str:
        return f"{self.protocol}://{BUCKET}/{key}"

    def list(self, prefix: str) -> list[ObjectUrl]:
        """Return the URLs with a prefix."""
        return list(list_objects(self.url(prefix), config=self.config))

    def read(self, urls: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Read objects, in order."""
        objects = read_objects(
            urls, config=self.config, prefetch_bytes=PREFETCH_BYTES, timeout=60.0
        )
        for url, reader in objects:
            yield url, reader.read()
