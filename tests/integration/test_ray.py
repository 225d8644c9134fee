"""Ray Data reads objects and tar shards by our engine, on the workers of a real Ray.

Not run where Ray is missing.
"""

from __future__ import annotations

import gc
import hashlib
import os
import random
import secrets
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from archives import make_tar, shard_of
from faults import FaultServer
from integration.clusters import running
from integration.pipes import CREDENTIALS
from objectpipes import AISConfig, Credentials, Manifest, ObjectUrl, S3Config
from servers import AIStore, Minio, ServerUnavailable

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    ray = pytest.importorskip("ray", reason="there is no Ray")
    pytest.importorskip("ray.data", reason="there is no Ray Data")
    import objectpipes.ray as objects_in_ray

# Workers cannot import this file.
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.filterwarnings("ignore"),  # Ray's own: of its dependencies, and unclosed files
]

OBJECTS = {
    f"train/{number:03}": random.Random(number).randbytes(number * 311) for number in range(150)
}
SHARDS = {f"shards/{n}.tar": shard_of(n * 40, 40, 2000) for n in range(5)}
SHARDS["shards/0.tar.idx"] = b"an index beside its shard"


@pytest.fixture(scope="module", autouse=True)
def _ray(minio: Minio | None) -> Iterator[None]:
    settings = {
        "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        # Otherwise it puts one into the user's home, where a test with another home has none.
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
    }
    with pytest.MonkeyPatch.context() as patch:
        # Workers find the credentials of the example in their environment.
        for name, value in {**settings, **(minio.environment() if minio else {})}.items():
            patch.setenv(name, value)
        _start_ray()
        ray.data.DataContext.get_current().enable_progress_bars = False
        # Where programs that a test starts find it.
        patch.setenv("RAY_ADDRESS", ray.get_runtime_context().gcs_address)
        yield
        _stop_ray()


def _start_ray() -> None:
    """Start Ray; again where the machine is too busy: it gives its own agents 45 s to start."""
    for left in (2, 1, 0):
        try:
            ray.init(
                num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR"
            )
            return
        except Exception:
            _stop_ray()
            if not left:
                raise


def _stop_ray() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it leaves processes that it started to themselves
        ray.shutdown()
        gc.collect()


@pytest.fixture(scope="module")
def minio() -> Iterator[Minio | None]:
    """Start a MinIO with the objects; None where there is none."""
    try:
        with Minio() as server:
            fill(server)
            yield server
    except ServerUnavailable:
        yield None


def fill(server: Minio | AIStore) -> None:
    server.create_bucket("bucket")
    for key, data in {**OBJECTS, **SHARDS}.items():
        server.put("bucket", key, data)


@pytest.fixture(scope="module")
def config(minio: Minio | None) -> Iterator[S3Config]:
    """Return how to reach the MinIO or, where there is none, the fault server."""
    if minio is not None:
        yield S3Config(
            endpoint_url=minio.endpoint,
            region=minio.region,
            credentials=Credentials(minio.access_key, minio.secret_key),
        )
    else:
        with FaultServer({"bucket": {**OBJECTS, **SHARDS}}) as faults:
            yield S3Config(
                endpoint_url=faults.endpoint, region="us-east-1", credentials=CREDENTIALS
            )


@dataclass
class Place:
    """A bucket with the objects."""

    bucket: str
    config: S3Config | AISConfig

    def check(self, rows: list[dict[str, Any]]) -> None:
        """Compare rows of `digests` with what is stored: each object once."""
        expected = {f"{self.bucket}/{key}": sha256(data) for key, data in OBJECTS.items()}
        assert {row["path"]: row["digest"] for row in rows} == expected
        assert len(rows) == len(expected)


@pytest.fixture(scope="module", params=["s3", "ais"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Return the objects in S3, then those in an AIStore cluster."""
    if request.param == "s3":
        yield Place("s3://bucket", request.getfixturevalue("config"))
        return
    cluster = AIStore()
    with running(cluster):
        fill(cluster)
        yield Place("ais://bucket", AISConfig(endpoint_url=cluster.endpoint))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def digests(row: dict[str, Any]) -> dict[str, Any]:
    return {"path": row["path"], "digest": sha256(row["bytes"])}


def test_every_object_of_a_prefix(place: Place) -> None:
    dataset = objects_in_ray.read_objects(
        f"{place.bucket}/train/", config=place.config, include_paths=True, override_num_blocks=7
    )
    place.check(dataset.map(digests).take_all())


def test_urls_prefixes_and_manifests(config: S3Config) -> None:
    paths: list[Any] = [
        ["s3://bucket/train/003", "s3://bucket/train/001"],
        Manifest.from_urls(["s3://bucket/train/003", "s3://bucket/train/001"]),
    ]
    for given in paths:
        rows = objects_in_ray.read_objects(given, config=config).take_all()
        assert sorted(len(row["bytes"]) for row in rows) == [311, 933]
        assert [*rows[0]] == ["bytes"]
    everything = objects_in_ray.ObjectDatasource("s3://bucket", config=config)
    assert len(everything._urls) == len(OBJECTS) + len(SHARDS)
    rows = objects_in_ray.read_objects("s3://bucket/none/", config=config).take_all()
    assert rows == []


def test_samples_of_shards(place: Place) -> None:
    dataset = objects_in_ray.read_shards(
        f"{place.bucket}/shards/", config=place.config, include_paths=True
    )
    rows = dataset.take_all()
    assert sorted(row["__key__"] for row in rows) == [f"{number:06}" for number in range(200)]
    for row in rows:
        assert row["cls"] == str(int(row["__key__"])).encode()
        assert row["path"] == f"{place.bucket}/shards/{int(row['__key__']) // 40}.tar"


def test_a_worker_that_is_killed_in_the_middle(place: Place, tmp_path: Path) -> None:
    flag = tmp_path / "killed"

    class KillsOnce(objects_in_ray.ObjectDatasource):
        def get_read_tasks(self, *args: Any, **kwargs: Any) -> list[Any]:
            tasks = super().get_read_tasks(*args, **kwargs)
            for task in tasks[:2]:
                read = task.read_fn

                def killed(read: Any = read) -> Any:
                    for number, block in enumerate(read()):
                        if number == 0 and not flag.exists():
                            flag.write_text(str(os.getpid()))
                            os.kill(os.getpid(), signal.SIGKILL)
                        yield block

                task._read_fn = killed
            return tasks

    source = KillsOnce(f"{place.bucket}/train/", config=place.config, include_paths=True)
    rows = ray.data.read_datasource(source, override_num_blocks=4).map(digests).take_all()
    assert flag.exists()
    place.check(rows)


def test_streaming_split_feeds_training(config: S3Config) -> None:
    dataset = objects_in_ray.read_objects("s3://bucket/train/", config=config, include_paths=True)
    splits = dataset.streaming_split(2, equal=True)

    @ray.remote(num_cpus=0)  # type: ignore[untyped-decorator, unused-ignore]
    def train(split: Any) -> list[str]:  # no processor: those are for reading
        return [path for batch in split.iter_batches(batch_size=8) for path in batch["path"]]

    seen = ray.get([train.remote(split) for split in splits])
    assert len(seen[0]) == len(seen[1])
    assert len({*seen[0], *seen[1]}) == len(seen[0]) + len(seen[1])


def test_the_example_feeds_equally_many_rows_to_two_ranks(minio: Minio | None) -> None:
    if minio is None:
        pytest.skip("there is no MinIO")
    example = Path(__file__).parents[2] / "examples/ray_preprocessing.py"
    finished = subprocess.run(
        [sys.executable, str(example), "s3://bucket/train/"],
        env={**os.environ, **minio.environment()},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=100,
    )
    assert finished.stdout.splitlines()[-1] == "[75, 75]"


def test_an_object_that_is_missing(config: S3Config) -> None:
    dataset = objects_in_ray.read_objects(["s3://bucket/none"], config=config)
    with pytest.raises(Exception, match=r"ObjectNotFoundError.*s3://bucket/none"):
        dataset.take_all()


# --- without a cluster -----------------------------------------------------------------------------


def source_of(sizes: list[int], **options: Any) -> Any:
    urls = [ObjectUrl(f"s3://bucket/{index}", size=size) for index, size in enumerate(sizes)]
    return objects_in_ray.ObjectDatasource(Manifest.from_urls(urls), **options)


@pytest.mark.parametrize("parallelism", [1, 2, 7, 1000])
@pytest.mark.parametrize(
    "sizes", [[5], [0, 0, 0], [1] * 100, [1000, *[1] * 99], [*[1] * 99, 1000], [*range(50)]]
)
def test_parts_are_balanced_by_bytes(sizes: list[int], parallelism: int) -> None:
    source = source_of(sizes)
    tasks = source.get_read_tasks(parallelism)
    assert len(tasks) == min(parallelism, len(sizes))
    assert sum(task.metadata.num_rows for task in tasks) == len(sizes)
    assert sum(task.metadata.size_bytes for task in tasks) == sum(sizes)
    assert source.estimate_inmemory_data_size() == sum(sizes)
    assert all(task.metadata.num_rows > 0 for task in tasks)
    fair = sum(sizes) / len(tasks)
    assert max(task.metadata.size_bytes for task in tasks) <= fair + max(sizes)


def test_of_urls_that_nobody_listed_the_size_is_unknown() -> None:
    source = objects_in_ray.ObjectDatasource(["s3://bucket/a", "s3://bucket/b"])
    assert source.estimate_inmemory_data_size() is None
    assert len(source.get_read_tasks(2)) == 2
    assert objects_in_ray.ObjectDatasource([]).get_read_tasks(3) == []


def test_blocks_are_bounded_and_rows_limited() -> None:
    content = {str(index): bytes(300_000) for index in range(10)}
    with FaultServer({"bucket": content}) as server:
        source = source_of(
            [300_000] * 10,
            config=S3Config(
                endpoint_url=server.endpoint, region="us-east-1", credentials=CREDENTIALS
            ),
        )

        class Context:
            target_max_block_size = 1_000_000

        [task] = source.get_read_tasks(1, data_context=Context())
        assert [block.num_rows for block in task()] == [3, 3, 3, 1]
        [task] = source.get_read_tasks(1, per_task_row_limit=4, data_context=Context())
        assert sum(block.num_rows for block in task()) == 4
        assert task.metadata.num_rows == 4


def test_samples_that_lack_a_member_have_nulls(config: S3Config) -> None:
    archive = make_tar({"a.jpg": b"1", "b.cls": b"2"})
    with FaultServer({"bucket": {"a.tar": archive}}) as server:
        source = objects_in_ray.ObjectDatasource(
            "s3://bucket",
            shards=True,
            config=S3Config(
                endpoint_url=server.endpoint, region="us-east-1", credentials=CREDENTIALS
            ),
        )
        [task] = source.get_read_tasks(1)
        [block] = task()
    assert block.to_pylist() == [
        {"__key__": "a", "jpg": b"1", "cls": None},
        {"__key__": "b", "jpg": None, "cls": b"2"},
    ]
