"""Manifests of real stores: listed, written into the store, and read from there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faults import FaultServer, kinds
from integration import clusters
from integration.clusters import running
from integration.pipes import CREDENTIALS, config_for
from objectpipes import AISConfig, Credentials, Manifest, S3Config, _store_files
from objectpipes.errors import (
    AccessDeniedError,
    BucketNotFoundError,
    ConfigError,
    ManifestError,
    ObjectNotFoundError,
)
from servers import AIStore, Minio, S3Server, Seaweed

NAMES = [*(f"a/{i:03}.jpg" for i in range(30)), *(f"b/{i:03}.txt" for i in range(5))]


@pytest.fixture(scope="module")
def faulty() -> Iterator[FaultServer]:
    content = {"bucket": dict.fromkeys(NAMES, b"content"), "other": {"x": b""}}
    with FaultServer(content, page_size=10) as server:
        yield server


def test_list_keeps_the_order_of_prefixes(faulty: FaultServer) -> None:
    prefixes = ["s3://bucket/b/", "s3://other", "s3://bucket/a/"]
    manifest = Manifest.list(prefixes, config=config_for(faulty))
    expected = [f"s3://bucket/{name}" for name in NAMES]
    assert [*manifest] == [*expected[30:], "s3://other/x", *expected[:30]]
    assert {url.size for url in manifest} == {7, 0}
    assert all(url.etag and url.mtime for url in manifest)
    twice = Manifest.list(prefixes, config=config_for(faulty))
    assert twice.fingerprint == manifest.fingerprint


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"masks": "*.txt"}, 5),
        ({"masks": ["*.txt", "*00?.jpg"]}, 15),
        ({"max_size": 6}, 0),
        ({"start_after": "a/027.jpg"}, 7),
        ({"recursive": False}, 2),
        ({"modified_after": 4e9}, 0),
    ],
)
def test_filters_are_the_listers(faulty: FaultServer, filters: dict[str, Any], count: int) -> None:
    assert len(Manifest.list("s3://bucket/", config=config_for(faulty), **filters)) == count


def test_nothing_is_found(faulty: FaultServer) -> None:
    assert len(Manifest.list([], config=config_for(faulty))) == 0
    assert len(Manifest.list("s3://bucket/none", config=config_for(faulty))) == 0


def test_a_prefix_that_cannot_be_listed(faulty: FaultServer) -> None:
    """Prefixes do not wait for each other."""
    faulty.faults.add(kinds.AccessDenied(), match=lambda request: request.bucket == "other")
    try:
        with pytest.raises(AccessDeniedError):
            Manifest.list(["s3://bucket", "s3://other"] * 10, config=config_for(faulty))
    finally:
        faulty.faults.clear()


def test_wrong_arguments(faulty: FaultServer) -> None:
    with pytest.raises(ConfigError, match=r"AISConfig for .ais://b"):
        Manifest.list("ais://b", config=config_for(faulty))
    with pytest.raises(TypeError, match="maks"):
        Manifest.list("s3://bucket", config=config_for(faulty), maks="*")  # type: ignore[call-arg]


@pytest.fixture(scope="module", params=[Seaweed, Minio])
def s3(request: pytest.FixtureRequest) -> Iterator[S3Server]:
    server: S3Server = request.param()
    with running(server):
        server.create_bucket("bucket")
        for name in NAMES:
            server.put("bucket", name, name.encode())
        yield server


def config_of(server: S3Server) -> S3Config:
    return S3Config(
        endpoint_url=server.endpoint,
        region="us-east-1",
        credentials=Credentials(server.access_key, server.secret_key),
    )


@pytest.mark.parametrize("part", [64 << 20, 5 << 20])
def test_s3_keeps_a_manifest(
    s3: S3Server, part: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In one piece, or in several; loading it leaves no file behind."""
    monkeypatch.setattr(_store_files, "_MIN_PART", part)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    config = config_of(s3)
    manifest = Manifest.list("s3://bucket/a/", config=config)
    if part == 5 << 20:
        manifest = Manifest.from_urls(f"s3://bucket/{i:0500}" for i in range(15_000))
    manifest.save("s3://bucket/odd name+é.manifest", config=config)
    loaded = Manifest.load("s3://bucket/odd name+é.manifest", config=config)
    assert [*loaded] == [*manifest]
    assert loaded.fingerprint == manifest.fingerprint
    del loaded
    assert not [*tmp_path.glob("objectpipes-*")]
    if not isinstance(s3, Seaweed):  # which makes any bucket
        with pytest.raises(BucketNotFoundError):
            manifest.save("s3://no-such-bucket/m", config=config)
    with pytest.raises(ObjectNotFoundError):
        Manifest.load("s3://bucket/none", config=config)
    with pytest.raises(ManifestError) as caught:
        Manifest.load("s3://bucket/a/001.jpg", config=config)
    assert caught.value.url == "s3://bucket/a/001.jpg"


def test_aistore_keeps_a_manifest() -> None:
    cluster = AIStore()
    with running(cluster):
        bucket = clusters.new_bucket(cluster)
        clusters.fill(cluster, bucket, NAMES)
        config = AISConfig(endpoint_url=cluster.endpoint)
        manifest = Manifest.list(f"ais://{bucket}/", config=config)
        assert [*manifest] == [f"ais://{bucket}/{name}" for name in NAMES]
        assert all(url.checksum for url in manifest)
        manifest.save(f"ais://{bucket}/odd name+é?", config=config)
        loaded = Manifest.load(f"ais://{bucket}/odd name+é?", config=config)
        assert loaded.fingerprint == manifest.fingerprint
        with pytest.raises(BucketNotFoundError):
            manifest.save("ais://none/m", config=config)


def test_command_line(faulty: FaultServer, tmp_path: Path) -> None:
    environment = {
        "AWS_ACCESS_KEY_ID": CREDENTIALS.access_key,
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_key,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": faulty.endpoint,
    }
    command = ["manifest", "s3://bucket/a/", "s3://bucket/b/", "--mask", "*1.*", "-o", "list.m"]
    output = subprocess.run(
        [sys.executable, "-m", "objectpipes", *command],
        env={**os.environ, **environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert output.stdout == ""
    assert "list.m: 4 objects, 28 B" in output.stderr
    found = Manifest.load(tmp_path / "list.m")
    assert [*found] == [f"s3://bucket/{name}" for name in NAMES if "1." in name]
