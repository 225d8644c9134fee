"""The servers, filled with objects."""

from __future__ import annotations

import abc
import contextlib
import io
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import attrgetter
from typing import Generic, TypeVar

from typing_extensions import override

from servers import AIStore, Minio, S3Server, Server

from .contenders.contender import MEMBER_SUFFIX
from .content import content, keys
from .static_server import LISTED, OBJECTS, PAGE, StaticServer
from .store import Store
from .workloads import Workload

_URL_LIFETIME = 86_400  # seconds
_PUTTING_THREADS = 4

ServerT_co = TypeVar("ServerT_co", bound=Server, covariant=True)
S3ServerT_co = TypeVar("S3ServerT_co", bound=S3Server, covariant=True)


class Host(abc.ABC, Generic[ServerT_co]):
    """A running server.

    Parameters
    ----------
    server : Server
        The server.
    """

    def __init__(self, server: ServerT_co) -> None:
        self.server = server

    @abc.abstractmethod
    def store(self, workload: Workload) -> Store:
        """Return where the objects of a workload are."""

    @abc.abstractmethod
    def fill(self, workload: Workload) -> None:
        """Store the objects of a workload."""

    @abc.abstractmethod
    def limit(self, workload: Workload) -> tuple[str, Sequence[str]]:
        """Return an endpoint and paths to request of it, by who can neither sign nor route."""

    def requests(self) -> int | None:
        """Return how many requests there have been; None if nobody counts them."""
        return None

    def environment(self) -> Mapping[str, str]:
        """Return the variables that tell clients where the server is, and who they are."""
        return self.server.environment()


class S3Host(Host[S3ServerT_co]):
    """A server that speaks S3."""

    def __init__(self, server: S3ServerT_co) -> None:
        super().__init__(server)
        server.create_bucket(OBJECTS)

    @override
    def store(self, workload: Workload) -> Store:
        server = self.server
        return Store(
            "s3",
            server.endpoint,
            workload.bucket,
            server.region,
            server.access_key,
            server.secret_key,
        )

    @override
    def fill(self, workload: Workload) -> None:
        def put(name: str) -> None:
            self.server.put(OBJECTS, name, _content(workload, name))

        with ThreadPoolExecutor(_PUTTING_THREADS) as pool:
            for _ in pool.map(put, _names(workload)):
                pass

    @override
    def limit(self, workload: Workload) -> tuple[str, Sequence[str]]:
        names = _names(workload)
        return self.server.endpoint, [self._signed_path(workload.bucket, name) for name in names]

    @override
    def environment(self) -> Mapping[str, str]:
        # torchdata knows no other way to be told.
        torchdata = {"S3_ENDPOINT_URL": self.server.endpoint, "S3_USE_HTTPS": "0"}
        trust = {}
        if self.server.ca_file:
            # Each client has its own name for the same file.
            names = ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "TENSORSTORE_CA_BUNDLE")
            trust = dict.fromkeys(names, str(self.server.ca_file))
        return {**self.server.environment(), **torchdata, **trust}

    def _signed_path(self, bucket: str, key: str) -> str:
        parameters = {"Bucket": bucket, "Key": key}
        url: str = self.server.client.generate_presigned_url(
            "get_object", parameters, ExpiresIn=_URL_LIFETIME
        )
        return url.removeprefix(self.server.endpoint)


class StaticHost(S3Host[StaticServer]):
    """nginx, which looks at no signature, and counts."""

    @override
    def fill(self, workload: Workload) -> None:
        if workload.bucket == LISTED:
            self.server.create_listing(keys(workload.prefix, workload.count), workload.size)
        else:
            super().fill(workload)

    @override
    def limit(self, workload: Workload) -> tuple[str, Sequence[str]]:
        names = _names(workload)
        if workload.bucket == LISTED:
            paths = [f"/{LISTED}?marker={name}" for name in names[PAGE - 1 : -PAGE : PAGE]]
        else:
            paths = [f"/{workload.bucket}/{name}" for name in names]
        return self.server.endpoint, paths

    @override
    def requests(self) -> int:
        return self.server.requests()


class AisHost(Host[AIStore]):
    """An AIStore cluster."""

    def __init__(self, server: AIStore) -> None:
        super().__init__(server)
        server.create_bucket(OBJECTS)

    @override
    def store(self, workload: Workload) -> Store:
        return Store("ais", self.server.endpoint, OBJECTS)

    @override
    def fill(self, workload: Workload) -> None:
        for name in _names(workload):
            self.server.put(OBJECTS, name, _content(workload, name))

    @override
    def limit(self, workload: Workload) -> tuple[str, Sequence[str]]:
        """Return one target, the first object's, and its share of the objects."""
        names = _names(workload)
        paths = [f"/v1/objects/{OBJECTS}/{name}?provider=ais" for name in names]
        targets = [self._target(path) for path in paths]
        mine = [path for path, target in zip(paths, targets, strict=True) if target == targets[0]]
        return targets[0], mine

    def _target(self, path: str) -> str:
        location = self.server.request("GET", path).headers["Location"]
        return "/".join(location.split("/", 3)[:3])


def _names(workload: Workload) -> list[str]:
    """Return what is stored: the objects, or the archive that they are members of."""
    if workload.archive is not None:
        return [workload.archive]
    return keys(workload.prefix, workload.count)


def _content(workload: Workload, name: str) -> bytes:
    return _tar(workload) if workload.archive else content(name, workload.size)


def _tar(workload: Workload) -> bytes:
    """Make an archive of the objects, each with the last part of its name."""
    suffix = MEMBER_SUFFIX if workload.task == "members" else ""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for key in keys(workload.prefix, workload.count):
            member = tarfile.TarInfo(key.rpartition("/")[2] + suffix)
            member.size = workload.size
            archive.addfile(member, io.BytesIO(content(key, workload.size)))
    return file.getvalue()


@contextlib.contextmanager
def open_host(name: str, workloads: Sequence[Workload]) -> Iterator[Host[Server]]:
    """Start a server and store what workloads need.

    Parameters
    ----------
    name
        The server, as `Workload.server` has it.
    workloads
        All that will be run on it.

    Raises
    ------
    ServerUnavailable
        It is not on this machine.
    ServerStartError
        It did not become ready.
    """
    with contextlib.ExitStack() as running:
        host: Host[Server]
        if name.startswith("nginx"):
            host = StaticHost(running.enter_context(StaticServer(tls=name == "nginx, TLS")))
        elif name.startswith("minio"):
            host = S3Host(running.enter_context(Minio(tls=name == "minio, TLS")))
        else:
            cluster = AIStore(auth=name == "aistore, guarded", tls=name == "aistore, TLS")
            host = AisHost(running.enter_context(cluster))
        # Workloads with a prefix in common share its objects, of which some want more than others.
        by_count = sorted(workloads, key=attrgetter("count"))
        for workload in {workload.prefix: workload for workload in by_count}.values():
            host.fill(workload)
        yield host
