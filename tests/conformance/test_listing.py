"""Listings are complete, exact and filtered as asked for, on every server."""

from __future__ import annotations

import hashlib
import time
from datetime import datetime, timezone
from typing import Any

import pytest

from conformance.content import (
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
from conformance.matrix import speaks_s3
from conformance.store import Store, counting
from objectpipes import ObjectUrl


def urls(store: Store, *keys: str) -> list[str]:
    return [store.url(key) for key in keys]


def test_pages_are_complete(store: Store) -> None:
    assert store.list_urls(store.url("many/")) == urls(store, *sorted(MANY))


def test_pages_cost_no_more_requests_than_they_must(store: Store) -> None:
    with counting() as counts:
        store.list_urls(store.url("many/"))
    pages = -(-len(MANY) // store.names_per_page)
    assert counts["requests"] == pages * store.requests_per_page


def test_abandoned_listing_leaves_nothing_behind(store: Store) -> None:
    lister = store.lister([store.url("many/")])
    next(iter(lister))
    assert len(list(lister)) == len(MANY)


@pytest.mark.parametrize("end", ["", "/"])
def test_every_kind_of_key(store: Store, end: str) -> None:
    dialect = store.dialect
    stored = [key for key in KEYS if key not in {*dialect.missing_keys, *dialect.unlisted}]
    listed = [store.url(dialect.listed_as.get(key, key), KEYS_BUCKET) for key in stored]
    assert store.list_urls(f"{store.scheme}://{KEYS_BUCKET}{end}") == sorted(listed, key=str.encode)


@speaks_s3
def test_urls_carry_what_was_listed(store: Store) -> None:
    found = {str(url): url for url in store.list_urls(store.url("sizes/"))}
    assert list(found) == [store.url(upload.key) for upload in SIZES]
    for upload in SIZES:
        url = found[store.url(upload.key)]
        assert isinstance(url, ObjectUrl)
        assert url.size == upload.size
        assert url.etag == hashlib.md5(upload.data).hexdigest()
        assert url.mtime == pytest.approx(time.time(), abs=600)


@pytest.mark.parametrize("upload", MULTIPART, ids=str)
def test_size_of_a_multipart_upload(store: Store, upload: Upload) -> None:
    (url,) = store.list_urls(store.url(upload.key))
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
    lister = store.lister(urls(store, *prefixes))
    assert list(lister) == urls(store, *(f"tree/{key}" for key in keys))


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
    ],
    ids=repr,
)
def test_options(store: Store, options: dict[str, Any], keys: list[str]) -> None:
    expected = [f"tree/{key}" for key in keys if f"tree/{key}" not in store.dialect.missing_keys]
    assert store.list_urls(store.url("tree/"), **options) == urls(store, *expected)


def test_start_after_in_a_folder(store: Store) -> None:
    keys = ["tree/b/"] if store.dialect.lists_passed_folders else []
    keys += ["tree/c/", "tree/folder/", "tree/z.csv"]
    expected = [key for key in keys if key not in store.dialect.missing_keys]
    found = store.list_urls(store.url("tree/"), recursive=False, start_after="tree/b/2")
    assert found == urls(store, *expected)


@speaks_s3
@pytest.mark.parametrize(
    ("moment", "listed"), [(0, True), (datetime(2100, 1, 1, tzinfo=timezone.utc), False)], ids=repr
)
def test_modified_after(store: Store, moment: datetime | float, listed: bool) -> None:
    everything = store.list_urls(store.url("tree/"))
    found = store.list_urls(store.url("tree/"), modified_after=moment)
    assert found == (everything if listed else [])


@speaks_s3
def test_other_delimiter(store: Store) -> None:
    listed = store.list_urls(store.url("tree/"), recursive=False, delimiter="/1")
    assert listed == urls(store, "tree/1", "tree/b/1", "tree/b/2", "tree/c/d/1", "tree/z.csv")


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
    found = store.list_urls(store.url("sizes/"), **limits)
    assert found == [store.url(upload.key) for upload in chosen]


def test_start_after_within_many_pages(store: Store) -> None:
    listed = store.list_urls(store.url("many/a/"), start_after="many/a/0099")
    assert listed == urls(store, *(f"many/a/{i:04}" for i in range(100, 1200)))


def test_empty_bucket(store: Store) -> None:
    assert store.list_urls(f"{store.scheme}://{EMPTY_BUCKET}") == []


@speaks_s3
def test_folder_markers_are_left_out(store: Store) -> None:
    assert store.url("tree/folder/") not in store.list_urls(store.url("tree/"))
    assert "tree/folder/" in TREE
