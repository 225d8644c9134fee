"""Listings are complete, exact and filtered as asked for, on every server."""

from __future__ import annotations

import hashlib
import time
from datetime import datetime, timezone
from typing import Any

import pytest

from conformance.content import (
    BUCKET,
    EMPTY_BUCKET,
    KEYS,
    KEYS_BUCKET,
    MANY,
    MIB,
    MULTIPART,
    SIZES,
    TREE,
    Upload,
)
from conformance.store import Store, counting
from objectpipes import ObjectUrl
from objectpipes.iter import S3FileLister

ROOT = f"s3://{BUCKET}/"


def urls(*keys: str) -> list[str]:
    return [f"{ROOT}{key}" for key in keys]


def test_pages_are_complete(store: Store) -> None:
    assert store.list_urls(f"{ROOT}many/") == urls(*sorted(MANY))


def test_pages_cost_one_request_each(store: Store) -> None:
    with counting() as counts:
        store.list_urls(f"{ROOT}many/")
    assert counts["requests"] == 3


def test_abandoned_listing_leaves_nothing_behind(store: Store) -> None:
    lister = S3FileLister([f"{ROOT}many/"], config=store.config())
    next(iter(lister))
    assert len(list(lister)) == len(MANY)


@pytest.mark.parametrize("bucket", [f"s3://{KEYS_BUCKET}", f"s3://{KEYS_BUCKET}/"])
def test_every_kind_of_key(store: Store, bucket: str) -> None:
    dialect = store.dialect
    stored = [key for key in KEYS if key not in {*dialect.refused_keys, *dialect.unlisted}]
    listed = [f"s3://{KEYS_BUCKET}/{dialect.listed_as.get(key, key)}" for key in stored]
    assert store.list_urls(bucket) == sorted(listed, key=str.encode)


def test_urls_carry_what_was_listed(store: Store) -> None:
    found = {str(url): url for url in store.list_urls(f"{ROOT}sizes/")}
    assert list(found) == [upload.url for upload in SIZES]
    for upload in SIZES:
        url = found[upload.url]
        assert isinstance(url, ObjectUrl)
        assert url.size == upload.size
        assert url.etag == hashlib.md5(upload.data).hexdigest()
        assert url.mtime == pytest.approx(time.time(), abs=600)


@pytest.mark.parametrize("upload", MULTIPART, ids=str)
def test_size_of_a_multipart_upload(store: Store, upload: Upload) -> None:
    (url,) = store.list_urls(upload.url)
    assert isinstance(url, ObjectUrl)
    assert url.size == upload.size


@pytest.mark.parametrize(
    ("prefixes", "keys"),
    [
        (["tree/"], ["1", "b/1", "b/2", "c/d/1", "z.csv"]),
        (["tree/b"], ["b/1", "b/2"]),
        (["tree/b/1"], ["b/1"]),
        (["tree/c", "tree/b/1"], ["c/d/1", "b/1"]),
        (["tree/b/1", "tree/b/1"], ["b/1", "b/1"]),
        (["tree/nothing"], []),
        (["tree/b/1/"], []),
        ([], []),
    ],
    ids=repr,
)
def test_prefixes(store: Store, prefixes: list[str], keys: list[str]) -> None:
    lister = S3FileLister(urls(*prefixes), config=store.config())
    assert list(lister) == urls(*(f"tree/{key}" for key in keys))


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ({"masks": "*.csv"}, ["z.csv"]),
        ({"masks": ["*/b/?", "*.csv"]}, ["b/1", "b/2", "z.csv"]),
        ({"masks": "z.csv"}, []),
        ({"masks": ""}, ["1", "b/1", "b/2", "c/d/1", "z.csv"]),
        ({"start_after": "tree/b/1"}, ["b/2", "c/d/1", "z.csv"]),
        ({"start_after": "tree/b/11"}, ["b/2", "c/d/1", "z.csv"]),
        ({"start_after": "tree/z.csv"}, []),
        ({"recursive": False}, ["1", "b/", "c/", "folder/", "z.csv"]),
        ({"recursive": False, "start_after": "tree/b/2"}, ["c/", "folder/", "z.csv"]),
        ({"modified_after": 0}, ["1", "b/1", "b/2", "c/d/1", "z.csv"]),
        ({"modified_after": datetime(2100, 1, 1, tzinfo=timezone.utc)}, []),
    ],
    ids=repr,
)
def test_options(store: Store, options: dict[str, Any], keys: list[str]) -> None:
    assert store.list_urls(f"{ROOT}tree/", **options) == urls(*(f"tree/{key}" for key in keys))


def test_other_delimiter(store: Store) -> None:
    listed = store.list_urls(f"{ROOT}tree/", recursive=False, delimiter="/1")
    assert listed == urls("tree/1", "tree/b/1", "tree/b/2", "tree/c/d/1", "tree/z.csv")


@pytest.mark.parametrize(
    ("limits", "chosen"),
    [
        ({"min_size": 1}, SIZES[1:]),
        ({"max_size": 0}, SIZES[:1]),
        ({"min_size": 2, "max_size": 5 * MIB}, SIZES[2:]),
    ],
    ids=["min", "max", "both"],
)
def test_sizes(store: Store, limits: dict[str, int], chosen: list[Upload]) -> None:
    assert store.list_urls(f"{ROOT}sizes/", **limits) == [upload.url for upload in chosen]


def test_start_after_within_many_pages(store: Store) -> None:
    listed = store.list_urls(f"{ROOT}many/a/", start_after="many/a/0099")
    assert listed == urls(*(f"many/a/{i:04}" for i in range(100, 1200)))


def test_empty_bucket(store: Store) -> None:
    assert store.list_urls(f"s3://{EMPTY_BUCKET}") == []


def test_folder_markers_are_left_out(store: Store) -> None:
    assert f"{ROOT}tree/folder/" not in store.list_urls(f"{ROOT}tree/")
    assert "tree/folder/" in TREE
