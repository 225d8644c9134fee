"""A process that goes on for long takes no more than at its beginning.

100,000 reads, 200,000 listed keys and 10 epochs with fresh workers; with ``OBJECTPIPES_SOAK=long``
2,000,000, 1,000,000 and 20, which takes some minutes.
"""

from __future__ import annotations

import json
import os
import sys
import textwrap

import pytest

from faults import FaultServer
from integration.programs import CONFIG, finish, start

LONG = os.environ.get("OBJECTPIPES_SOAK") == "long"
pytestmark = [
    pytest.mark.timeout(3600 if LONG else 300),
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]
KEYS = 2000

# `sample()` notes what the process takes: bytes of its own, shared ones, descriptors and threads.
# The first fifth warms up. Prints the most of each in the next fifth, and in all that follow.
SOAK = """
import gc, json
import objectpipes

samples = []

def sample():
    gc.collect()
    with open("/proc/self/statm") as file:
        _, resident, shared, *_ = map(int, file.read().split())
    with open("/proc/self/smaps") as file:
        handed_over = file.read().count("memfd:objectpipes")
    samples.append(
        (
            (resident - shared) * os.sysconf("SC_PAGE_SIZE"),
            handed_over,
            len(os.listdir("/proc/self/fd")),
            len(os.listdir("/proc/self/task")),
        )
    )

def report():
    fifth = len(samples) // 5
    most = [[max(column) for column in zip(*part)]
            for part in (samples[fifth : 2 * fifth], samples[2 * fifth :])]
    print(json.dumps(most))
"""


def assert_flat(script: str) -> None:
    """Within 2 %, of memory at least 1 MiB."""
    program = SOAK + textwrap.dedent(script) + "\nreport()\n"
    content = {"bucket": {f"{i:04}": b"%d" % i * 100 for i in range(KEYS)}}
    with FaultServer(content) as server:
        early, late = json.loads(finish(start(program, server, CONFIG), 3600))
    print(f"memory, arenas, descriptors and threads: {early} early, {late} late")
    memory, handed_over, descriptors, threads = (
        after - before for before, after in zip(early, late, strict=True)
    )
    assert memory <= max(early[0] // 50, 1 << 20), (early, late)
    assert max(handed_over, descriptors, threads) <= 0, (early, late)


def test_reads() -> None:
    script = f"""
        urls = [f"s3://bucket/{{i:04}}" for i in range({KEYS})]
        for _ in range({1000 if LONG else 50}):
            for url, reader in objectpipes.read_objects(urls, config=config):
                assert reader.read() == b"%d" % int(url[-4:]) * 100
            sample()
    """
    assert_flat(script)


def test_listings() -> None:
    script = f"""
        for _ in range({500 if LONG else 100}):
            assert sum(1 for _ in objectpipes.list_objects("s3://bucket", config=config)) == {KEYS}
            sample()
    """
    assert_flat(script)


def test_epochs() -> None:
    script = f"""
        from torch.utils.data import DataLoader
        from objectpipes.iter import IterableWrapper

        urls = IterableWrapper([f"s3://bucket/{{i:04}}" for i in range(200)]).sharding_filter()
        files = urls.load_files_by_s3(config=config)
        for _ in range({20 if LONG else 10}):
            loader = DataLoader(files, num_workers=2, batch_size=None)
            assert sum(1 for _, stream in loader if stream.read()) == 200
            del loader
            sample()
    """
    assert_flat(script)
