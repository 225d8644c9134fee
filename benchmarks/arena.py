"""The servers, filled with objects."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from servers import Minio, S3Server, ServerUnavailable

from .content import content, keys
from .static_server import LISTED, OBJECTS, PAGE, StaticServer
from .store import Store
from .workloads import Workload

_URL_LIFETIME = 86_400  # seconds
_SERVERS: dict[str, type[S3Server]] = {server.name: server for server in (StaticServer, Minio)}


@dataclass(frozen=True)
class Arena:
    """The servers there are.

    Attributes
    ----------
    servers : dict[str, S3Server]
        By name.
    missing : dict[str, str]
        Why others are not there, by name.
    """

    servers: dict[str, S3Server]
    missing: dict[str, str]

    def store(self, workload: Workload) -> Store:
        """Return where the objects of a workload are."""
        server = self.servers[workload.server]
        return Store(
            server.endpoint, workload.bucket, server.region, server.access_key, server.secret_key
        )

    def paths(self, workload: Workload) -> list[str]:
        """Return what to request for a workload's objects, by someone who cannot sign."""
        names = keys(workload.prefix, workload.count)
        if workload.bucket == LISTED:
            return [f"/{LISTED}?marker={name}" for name in names[PAGE - 1 : -PAGE : PAGE]]
        if workload.server == StaticServer.name:
            return [f"/{workload.bucket}/{name}" for name in names]
        server = self.servers[workload.server]
        return [_signed_path(server, workload.bucket, name) for name in names]

    def requests(self, workload: Workload) -> int | None:
        """Return how many requests a workload's server has got, None if it does not count them."""
        server = self.servers[workload.server]
        return server.requests() if isinstance(server, StaticServer) else None


@contextlib.contextmanager
def open_arena(workloads: Collection[Workload]) -> Iterator[Arena]:
    """Start the servers that the workloads need, as far as they are there, and fill them."""
    arena = Arena({}, {})
    with contextlib.ExitStack() as running:
        for name in sorted({workload.server for workload in workloads}):
            try:
                server = running.enter_context(_SERVERS[name]())
            except ServerUnavailable as reason:
                arena.missing[name] = str(reason)
                continue
            arena.servers[name] = server
            _fill(server, [workload for workload in workloads if workload.server == name])
        yield arena


def _fill(server: S3Server, workloads: Collection[Workload]) -> None:
    server.create_bucket(OBJECTS)
    filled = set()
    for workload in workloads:
        if workload.prefix in filled:
            continue
        filled.add(workload.prefix)
        names = keys(workload.prefix, workload.count)
        if workload.bucket == LISTED:
            assert isinstance(server, StaticServer)
            server.create_listing(names, workload.size)
        else:
            for name in names:
                server.put(OBJECTS, name, content(name, workload.size))


def _signed_path(server: S3Server, bucket: str, key: str) -> str:
    parameters = {"Bucket": bucket, "Key": key}
    url: str = server.client.generate_presigned_url(
        "get_object", parameters, ExpiresIn=_URL_LIFETIME
    )
    return url.removeprefix(server.endpoint)
