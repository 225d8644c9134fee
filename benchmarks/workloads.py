"""The rows of the table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from .bars import (
    AtLeast,
    AtLeastBest,
    Bar,
    CpuAtMost,
    CpuPerGigabyteAtMost,
    FirstAtMost,
    MemoryAtMost,
    RequestsAtMost,
    ShareOfLatencyLimit,
)
from .job import Task
from .static_server import DELAYED, LATENCY, LISTED, OBJECTS, WIDE, WIDE_LATENCY, WIDE_RATE

KIB, MIB = 1 << 10, 1 << 20

WRK = "wrk"
ONE_CONNECTION = "wrk, 1 connection"
LIMITS = (WRK, ONE_CONNECTION)
PIPES = "objectpipes"
ZERO_COPY = "objectpipes, zero copy"
OVER_SDK = "objectpipes, aws"
OBJECT_DATASET = "ObjectDataset"
MAP_DATASET = "ObjectMapDataset"
SHARDS = "ShardDataset"
SHUFFLED_SHARDS = "ShardDataset, shuffled"
RAY = "objectpipes.ray"
OURS = (
    PIPES,
    ZERO_COPY,
    OVER_SDK,
    OBJECT_DATASET,
    MAP_DATASET,
    SHARDS,
    SHUFFLED_SHARDS,
    RAY,
)

_READERS = (
    PIPES,
    ZERO_COPY,
    "tensorstore",
    "obstore",
    "s3torchconnector",
    "torchdata 0.9",
    "boto3",
)
_LATENCY_CONNECTIONS = 32
_LARGE = 16 * MIB
_TAR_HEADER = 512
_DEFAULT_BUDGET = 256  # MiB


@dataclass(frozen=True)
class Workload:
    """One task, on one kind of objects, on one server.

    Attributes
    ----------
    title : str
        What it is called in the table.
    task : str
        Which method of the contenders it measures.
    server, bucket, prefix : str
        Where the objects are.
    count, size : int
        How many there are, and the bytes of each.
    contenders : tuple[str, ...]
        Who takes part.
    concurrency : int or None
        Objects to request at once; None: as each contender likes.
    length : float
        How many times as long as others to measure, where it takes long to get going.
    bars : tuple[Bar, ...]
        What objectpipes is to reach.
    judged : str
        Which of its contenders is to reach it.
    shown : bool
        Whether it is in the picture.
    cold : bool
        Whether each measurement is one pass over all objects in a fresh process.
    counted : bool
        Whether system calls are counted, in a run of their own.
    objects : int
        Measure at least so many objects, each time; 0: as many as for most tasks.
    once : bool
        Whether each contender is measured once only, as that takes long.
    """

    title: str
    task: Task
    server: Literal[
        "nginx",
        "nginx, TLS",
        "minio",
        "minio, TLS",
        "aistore",
        "aistore, guarded",
        "aistore, TLS",
    ]
    bucket: str
    prefix: str
    count: int
    size: int
    contenders: tuple[str, ...]
    concurrency: int | None = None
    length: float = 1.0
    bars: tuple[Bar, ...] = ()
    judged: str = PIPES
    shown: bool = True
    cold: bool = False
    counted: bool = False
    objects: int = 0
    once: bool = False

    @property
    def archive(self) -> str | None:
        """Key of the archive that the objects are members of; None if they are objects."""
        archive = self.prefix.removesuffix("/")
        return archive if archive.endswith(".tar") else None

    @property
    def in_pieces(self) -> bool:
        """Whether wrk's bytes tell how many objects that is, and its replies do not."""
        return self.size >= _LARGE or self.task == "members"

    @property
    def object_bytes(self) -> int:
        """Bytes that an object takes up in the store."""
        return self.size + (_TAR_HEADER if self.archive else 0)


_4_KIB = Workload(
    "4 KiB",
    "read",
    "nginx",
    OBJECTS,
    "4KiB/",
    1000,
    4 * KIB,
    (WRK, *_READERS, OVER_SDK),
    bars=(AtLeast(0.55, WRK), AtLeast(2.0, "tensorstore"), CpuAtMost(22), RequestsAtMost(1)),
    counted=True,
)
_128_KIB = Workload(
    "128 KiB",
    "read",
    "nginx",
    OBJECTS,
    "128KiB/",
    1000,
    128 * KIB,
    (WRK, *_READERS, OVER_SDK),
    bars=(AtLeast(0.80, WRK), AtLeast(1.35, "tensorstore"), CpuAtMost(90), RequestsAtMost(1)),
)
_1_MIB = Workload(
    "1 MiB",
    "read",
    "nginx",
    OBJECTS,
    "1MiB/",
    128,
    MIB,
    (WRK, *_READERS, OVER_SDK),
    bars=(AtLeast(0.90, WRK),),
)
_256_MIB = Workload(
    "256 MiB, in pieces",
    "stream",
    "nginx",
    OBJECTS,
    "256MiB/",
    2,
    256 * MIB,
    (WRK, PIPES, "obstore", "s3torchconnector", "boto3"),
    bars=(AtLeast(0.95, WRK), MemoryAtMost(_DEFAULT_BUDGET + 64)),
)
_DELAYED_128_KIB = replace(
    _128_KIB,
    title=f"128 KiB, {LATENCY * 1e3:.0f} ms away, {_LATENCY_CONNECTIONS} at once",
    bucket=DELAYED,
    contenders=(WRK, ONE_CONNECTION, PIPES, "tensorstore", "obstore", "boto3"),
    concurrency=_LATENCY_CONNECTIONS,
    length=3.0,
    bars=(ShareOfLatencyLimit(0.95, _LATENCY_CONNECTIONS, ONE_CONNECTION),),
    shown=False,
)

# Rivals that can be told of a private authority, and their best.
_TLS_RIVALS = ("tensorstore", "obstore", "s3torchconnector", "boto3")
_RIVALS = tuple(name for name in _READERS if name not in OURS)


def _times_best(times: float, rivals: tuple[str, ...] = _RIVALS) -> Bar:
    return AtLeastBest(times, rivals, "the rivals")


def _over_tls(workload: Workload, *bars: Bar, counted: bool = True) -> Workload:
    contenders = (*LIMITS, *OURS, *_TLS_RIVALS)
    return replace(
        workload,
        title=f"TLS, {workload.title}",
        server="nginx, TLS",
        contenders=tuple(
            name for name in workload.contenders if name in contenders and name != OVER_SDK
        ),
        bars=bars,
        counted=counted,
    )


def _cold(workload: Workload, title: str, count: int, *bars: Bar) -> Workload:
    return replace(
        workload,
        title=f"cold, {title}",
        count=count,
        contenders=tuple(
            name
            for name in workload.contenders
            if name not in (*LIMITS, ZERO_COPY, OVER_SDK, "torchdata 0.9")
        ),
        bars=bars,
        cold=True,
        counted=False,
        shown=False,
    )


_ITER_DATASET = "AISIterDataset"
_DATASETS = (_ITER_DATASET, "AISBatchIterDataset, 32", "AISBatchIterDataset, 256")
_SDK = (*_DATASETS, "SDK", "SDK, ranges")


def _times_sdk(times: float) -> Bar:
    return AtLeastBest(times, _SDK, "the SDK")


_AIS_10_KIB = Workload(
    "AIStore, 10 KiB",
    "read",
    "aistore",
    OBJECTS,
    "10KiB/",
    1000,
    10 * KIB,
    (WRK, PIPES, *_DATASETS, "SDK"),
    bars=(_times_sdk(5), AtLeast(20, _ITER_DATASET), AtLeast(0.5, WRK), CpuAtMost(55)),
)
_AIS_128_KIB = replace(
    _AIS_10_KIB,
    title="AIStore, 128 KiB",
    prefix="128KiB/",
    size=128 * KIB,
    bars=(_times_sdk(5), AtLeast(0.6, WRK)),
)

_256_MIB_BUFFER = replace(
    _256_MIB,
    title="256 MiB, as one buffer",
    task="read",
    contenders=(WRK, *_READERS, "s3dlio"),
    bars=(AtLeast(1.1, "obstore"), AtLeast(1.1, "s3dlio")),
    judged=ZERO_COPY,
    shown=False,
)
_LIST = Workload(
    "list 100,000 names",
    "list",
    "nginx",
    LISTED,
    "train/",
    100_000,
    128 * KIB,
    (WRK, PIPES, "tensorstore", "obstore", "s3torchconnector", "torchdata 0.9", "boto3"),
    bars=(AtLeast(1.0, "tensorstore"),),
)
_LOAD = replace(
    _128_KIB,
    title="128 KiB, DataLoader with 2 workers",
    task="load",
    contenders=(WRK, PIPES, "s3torchconnector", "torchdata 0.9"),
    length=3.0,
    bars=(AtLeast(2.5, "s3torchconnector"),),
)
_WIDE_128_KIB = replace(
    _128_KIB,
    title=f"far away ({WIDE_LATENCY * 1e3:.0f} ms, {WIDE_RATE / 1e6:.0f} MB/s), 128 KiB",
    bucket=WIDE,
    contenders=(PIPES, "tensorstore", "obstore", "s3torchconnector", "boto3"),
    length=3.0,
    bars=(_times_best(3),),
    shown=False,
)
_WIDE_1_GIB = replace(
    _WIDE_128_KIB,
    title="far away, 1 GiB, in pieces",
    task="stream",
    prefix="1GiB/",
    count=1,
    size=1 << 30,
    contenders=(WRK, PIPES, "obstore", "s3torchconnector", "boto3"),
    length=8.0,
    objects=1,
    bars=(AtLeast(0.9, WRK), _times_best(1)),
)

_MAP = replace(
    _LOAD,
    title="128 KiB, by number, DataLoader with 2 workers",
    contenders=(WRK, MAP_DATASET, "S3MapDataset"),
    bars=(AtLeast(2.5, "S3MapDataset"),),
    judged=MAP_DATASET,
    objects=1000,
)
_TRAINING = (
    _MAP,
    replace(
        _MAP,
        title=f"128 KiB, {LATENCY * 1e3:.0f} ms away, by number, DataLoader with 2 workers",
        bucket=DELAYED,
        contenders=(MAP_DATASET, "S3MapDataset"),
        bars=(AtLeast(10, "S3MapDataset"),),
        shown=False,
        objects=256,
    ),
    replace(
        _LOAD,
        title="128 KiB, dataset with state, 2 workers",
        contenders=(WRK, OBJECT_DATASET, PIPES, "litdata"),
        bars=(AtLeast(0.9, PIPES), AtLeast(2, "litdata")),
        judged=OBJECT_DATASET,
        objects=1000,
    ),
    Workload(
        "tar shard of 1 GiB, members of 10 KiB",
        "members",
        "nginx",
        OBJECTS,
        "1GiB.tar/",
        MIB // 10,
        10 * KIB,
        (WRK, SHARDS, SHUFFLED_SHARDS, PIPES, "tarfile over our stream", "webdataset"),
        length=1.5,
        bars=(AtLeast(5, "webdataset"), AtLeast(3, "tarfile over our stream"), AtLeast(0.5, WRK)),
        judged=SHARDS,
    ),
)
_RAY = replace(
    _LOAD,
    title="MinIO, 20,000 x 128 KiB, Ray Data",
    server="minio",
    count=20_000,
    contenders=(RAY, "ray.data"),
    bars=(AtLeast(2, "ray.data"),),
    judged=RAY,
    shown=False,
    objects=20_000,
    once=True,
)

WORKLOADS = (
    _4_KIB,
    _128_KIB,
    _1_MIB,
    _256_MIB,
    _256_MIB_BUFFER,
    _LIST,
    _LOAD,
    _cold(_128_KIB, "8,000 x 128 KiB", 8000, AtLeast(1.5, "tensorstore"), FirstAtMost(20)),
    _cold(_1_MIB, "1,000 x 1 MiB", 1000, AtLeast(1.4, "obstore"), FirstAtMost(20)),
    _cold(_LIST, "list 100,000 names", 100_000, AtLeast(1.1, "tensorstore")),
    _cold(
        _LOAD,
        "8,000 x 128 KiB, DataLoader with 2 workers",
        8000,
        AtLeast(2.5, "s3torchconnector"),
        FirstAtMost(70),
    ),
    _DELAYED_128_KIB,
    replace(
        _DELAYED_128_KIB,
        title=f"128 KiB, {LATENCY * 1e3:.0f} ms away, by default",
        contenders=(PIPES, "tensorstore", "obstore", "s3torchconnector", "torchdata 0.9", "boto3"),
        concurrency=None,
        length=1.0,
        bars=(),
    ),
    _WIDE_128_KIB,
    replace(
        _WIDE_128_KIB,
        title="far away, 8 MiB",
        prefix="8MiB/",
        count=16,
        size=8 * MIB,
        bars=(_times_best(1),),
    ),
    _WIDE_1_GIB,
    *_TRAINING,
    _over_tls(_4_KIB, AtLeast(0.45, WRK), _times_best(2.4, _TLS_RIVALS), CpuAtMost(34)),
    _over_tls(_128_KIB, AtLeast(0.95, WRK), _times_best(1.7, _TLS_RIVALS), CpuAtMost(100)),
    _over_tls(_1_MIB, AtLeast(0.95, WRK), _times_best(2, _TLS_RIVALS), CpuAtMost(700)),
    _over_tls(
        _256_MIB,
        _times_best(1, _TLS_RIVALS),
        CpuPerGigabyteAtMost(0.7, 256 * MIB),
        MemoryAtMost(_DEFAULT_BUDGET + 64),
    ),
    _over_tls(_256_MIB_BUFFER, _times_best(1, _TLS_RIVALS), counted=False),
    _over_tls(_LOAD, AtLeast(3, "s3torchconnector"), counted=False),
    replace(
        _cold(_over_tls(_LOAD), "8,000 x 128 KiB, DataLoader with 2 workers", 8000),
        title="TLS, cold, 8,000 x 128 KiB, DataLoader with 2 workers",
        bars=(AtLeast(3, "s3torchconnector"),),
    ),
    *(
        replace(
            workload,
            title=f"MinIO, {workload.title}",
            server="minio",
            bars=(AtLeast(0.85, WRK),),
            counted=False,
        )
        for workload in (_4_KIB, _128_KIB, _1_MIB)
    ),
    _RAY,
    *(
        replace(
            _over_tls(workload, counted=False),
            title=f"MinIO with TLS, {workload.title}",
            server="minio, TLS",
            shown=False,
        )
        for workload in (_4_KIB, _128_KIB)
    ),
    _AIS_10_KIB,
    _AIS_128_KIB,
    replace(
        _AIS_128_KIB,
        title="AIStore, 1 MiB",
        prefix="1MiB/",
        count=128,
        size=MIB,
        bars=(_times_sdk(4),),
    ),
    replace(
        _AIS_10_KIB,
        title="AIStore, 256 MiB, in pieces",
        task="stream",
        prefix="256MiB/",
        count=1,
        size=256 * MIB,
        contenders=(WRK, PIPES, "SDK", "SDK, ranges"),
        bars=(_times_sdk(1.5), MemoryAtMost(_DEFAULT_BUDGET + 64)),
    ),
    replace(
        _AIS_10_KIB,
        title="AIStore, list 100,000 names",
        task="list",
        prefix="train/",
        count=100_000,
        size=16,
        contenders=(PIPES, "SDK"),
        bars=(_times_sdk(3),),
        shown=False,
    ),
    replace(
        _AIS_10_KIB,
        title="AIStore, 10 KiB, DataLoader with 2 workers",
        task="load",
        contenders=(WRK, PIPES, _ITER_DATASET, "AISBatchIterDataset, 256"),
        length=3.0,
        bars=(AtLeast(8, _ITER_DATASET),),
    ),
    replace(
        _AIS_10_KIB,
        title="AIStore, members of an archive, 10 KiB",
        prefix="shard.tar/",
        contenders=(PIPES,),
        bars=(),
        shown=False,
    ),
    replace(
        _AIS_10_KIB,
        title="AIStore with TLS, 10 KiB",
        server="aistore, TLS",
        contenders=(PIPES, "AISBatchIterDataset, 256", "SDK"),
        bars=(),
        shown=False,
    ),
    replace(
        _AIS_10_KIB,
        title="AIStore with AuthN, through the proxy, 10 KiB",
        server="aistore, guarded",
        contenders=(PIPES, *_DATASETS, "SDK"),
        bars=(_times_sdk(2.5),),
        shown=False,
    ),
)
