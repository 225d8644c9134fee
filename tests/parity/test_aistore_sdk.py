"""AIStore's own client and our pipes see the same objects and bytes.

Not run where the package `aistore` is missing; nothing else needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from integration.clusters import fill, list_urls, load, new_bucket, running
from objectpipes.iter import AISFileLister
from servers import AIStore

sdk: Any = pytest.importorskip("aistore.sdk")

NAMES = [*(f"train/{number:03}" for number in range(50)), "a b", "a+b", "a%20b", "日本/語"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[AIStore]:
    with running(AIStore(targets=3)) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def bucket(cluster: AIStore) -> str:
    name = new_bucket(cluster, {"versioning": {"enabled": True}})
    fill(cluster, name, NAMES)
    return name


@pytest.mark.parametrize("prefix", ["", "train/", "a"])
def test_listings_agree(cluster: AIStore, bucket: str, prefix: str) -> None:
    theirs = (
        sdk.Client(cluster.endpoint)
        .bucket(bucket)
        .list_all_objects(prefix=prefix, props="name,size,checksum,version")
    )
    ours: Any = list(AISFileLister([f"ais://{bucket}/{prefix}"], cluster.endpoint))
    assert [(url, url.size, url.checksum, url.version) for url in ours] == [
        (f"ais://{bucket}/{entry.name}", entry.size, entry.checksum, entry.version)
        for entry in theirs
    ]


def test_bytes_agree(cluster: AIStore, bucket: str) -> None:
    theirs = sdk.Client(cluster.endpoint).bucket(bucket)
    for url, data in load(cluster, list_urls(cluster, f"ais://{bucket}")).items():
        name = url.removeprefix(f"ais://{bucket}/")
        assert theirs.object(name).get_reader().read_all() == data
