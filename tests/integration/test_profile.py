"""A profile says what loops waited for, in all processes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from torch.utils.data import DataLoader

import objectpipes
from faults import FaultServer, kinds
from integration.pipes import CREDENTIALS, config_for
from objectpipes import Credentials, Manifest
from objectpipes.errors import ConfigError
from objectpipes.iter import IterableWrapper
from objectpipes.torch import ObjectDataset

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
    pytest.mark.filterwarnings("ignore:'set_vital' is deprecated:UserWarning"),
]

OBJECTS, SIZE = 24, 1000
CONTENT = {f"{i:03}": bytes(SIZE) for i in range(OBJECTS)}


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer({"bucket": CONTENT}) as running:
        yield running


def slow(reader: Any) -> int:
    """Take 20 ms."""
    time.sleep(0.02)
    return len(reader.read())


def slow_credentials() -> Credentials:
    """Take 300 ms."""
    time.sleep(0.3)
    return CREDENTIALS


def dataset(server: FaultServer, **options: Any) -> ObjectDataset:
    config = config_for(server, **options)
    manifest = Manifest.list("s3://bucket/", config=config)
    return ObjectDataset(manifest, slow, batch_size=4, config=config)


@pytest.mark.parametrize(
    ("workers", "options"),
    [
        (0, {}),
        (1, {}),
        (2, {"persistent_workers": True}),
        (1, {"multiprocessing_context": "spawn"}),
        (1, {"multiprocessing_context": "forkserver", "persistent_workers": True}),
    ],
)
def test_loader(server: FaultServer, workers: int, options: dict[str, Any]) -> None:
    """Of workers that started before, only what they do while it is profiled."""
    loader = dataset(server).loader(num_workers=workers, **options)
    for _ in range(2):
        with objectpipes.profile() as p:
            for _ in loader:
                time.sleep(0.01)
        assert (p.objects, p.bytes, p.retries) == (OBJECTS, OBJECTS * SIZE, 0)
        assert p.transform >= OBJECTS * 0.02
        assert p.seconds >= p.wait >= 0.02 * 4
        assert p.consumer >= 5 * 0.01
        assert len(p.workers) == (workers or 1)
        assert {row.worker for row in p.workers} == ({*range(workers)} or {None})
        assert sum(row.objects for row in p.workers) == OBJECTS


def test_what_is_waited_for(server: FaultServer) -> None:
    server.faults.add(kinds.StallBeforeReply(0.2))
    config = config_for(server, credentials=slow_credentials)
    with objectpipes.profile() as p:
        pipe = IterableWrapper(["s3://bucket/"]).list_files_by_s3(config=config)
        for _, stream in pipe.load_files_by_s3(config=config):
            stream.read()
            time.sleep(0.01)
    assert p.credentials >= 0.3
    assert p.store >= 0.1
    assert p.consumer >= OBJECTS * 0.01
    assert p.seconds >= p.wait + p.consumer
    assert p.transform == 0


def lengths(item: Any) -> int:
    return len(item[1].read())


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_pipes_in_workers(server: FaultServer, method: str) -> None:
    config = config_for(server)
    urls = IterableWrapper(["s3://bucket/"]).list_files_by_s3(config=config).sharding_filter()
    pipe = urls.load_files_by_s3(config=config).map(lengths)
    with objectpipes.profile() as p:
        sizes = [*DataLoader(pipe, batch_size=None, num_workers=2, multiprocessing_context=method)]
    assert sizes == [SIZE] * OBJECTS
    assert p.objects == OBJECTS
    assert sorted(row.worker or 0 for row in p.workers) == [0, 1]


def test_forms(server: FaultServer) -> None:
    with objectpipes.profile() as p:
        assert str(p)  # before there is anything to show
        [*dataset(server)]
        with pytest.raises(ConfigError, match="nested"), objectpipes.profile():
            pass
    lines = str(p).splitlines()
    assert lines[0].split() == ["store", "s", "credentials", "s", "transform", "s", "consumer", "s",
                                "objects", "MB", "retries"]  # fmt: skip
    assert lines[1].startswith("this process")
    assert lines[-2].split()[0] == "all"
    assert f"{p.seconds:.2f} s" in lines[-1]
    samples = [line for line in p.prometheus().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r'\w+\{(\w+="\w+",?)+\} [-+.e0-9]+', line) for line in samples)
    process = p.workers[0].process
    assert f'objectpipes_objects{{worker="main",process="{process}"}} {OBJECTS}' in samples


def test_opentelemetry(server: FaultServer) -> None:
    pytest.importorskip("opentelemetry.sdk", reason="there is no opentelemetry-sdk")
    from opentelemetry import metrics
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([reader]))
    with objectpipes.profile():
        [*dataset(server)]
    data: Any = reader.get_metrics_data()
    [scope] = data.resource_metrics[0].scope_metrics
    found = {metric.name: metric.data.data_points for metric in scope.metrics}
    assert found["objectpipes.objects"][0].value == OBJECTS
    assert {point.attributes["kind"] for point in found["objectpipes.seconds"]} == {
        "wait",
        "store",
        "credentials",
        "transform",
        "consumer",
    }
