"""The cases of torchdata's own test_aistore.py, with their numbers, on a live cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration.clusters import fill, new_bucket, running
from objectpipes.errors import BucketNotFoundError, ObjectStoreError
from objectpipes.iter import AISFileLister, AISFileLoader
from servers import AIStore

NAMES = [f"{folder}obj{number}" for folder in ("", "temp/") for number in range(10)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[AIStore]:
    with running(AIStore(targets=1)) as cluster:
        yield cluster


@pytest.mark.parametrize("prefixes", [[""], ["/"], ["/temp/", "/obj"]])
def test_lists_and_loads_twenty(cluster: AIStore, prefixes: list[str]) -> None:
    bucket = new_bucket(cluster)
    stored = fill(cluster, bucket, NAMES)
    lister = AISFileLister(
        source_datapipe=[f"ais://{bucket}{prefix}" for prefix in prefixes], url=cluster.endpoint
    )
    with pytest.raises(TypeError, match="instance doesn't have valid length"):
        len(lister)
    assert len(list(lister)) == 20
    loader = AISFileLoader(source_datapipe=lister, url=cluster.endpoint)
    with pytest.raises(TypeError, match="instance doesn't have valid length"):
        len(loader)
    loaded = {url: stream.read() for url, stream in loader}
    assert len(loaded) == 20
    assert loaded == stored


def test_missing_bucket(cluster: AIStore) -> None:
    """Upstream's test is content if nothing is raised; it means this."""
    with pytest.raises(BucketNotFoundError) as caught:
        list(AISFileLister(source_datapipe=["ais://asdasd"], url=cluster.endpoint))
    assert caught.value.status == 404


@pytest.mark.parametrize("url", ["", "ais:", "ais://", "s3:///unkown-bucket"])
def test_malformed_url(cluster: AIStore, url: str) -> None:
    with pytest.raises(ObjectStoreError):
        list(AISFileLoader(source_datapipe=[url], url=cluster.endpoint))
