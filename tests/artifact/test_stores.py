"""The engine reads every server over every transport that is built in."""

from __future__ import annotations

import multiprocessing

import pytest

import objectpipes
from artifact.cells import KEYS, MANY, SIZES, Store, content
from objectpipes.errors import ObjectNotFoundError


def test_listing_is_complete(store: Store) -> None:
    assert sorted(store.list("many/")) == [store.url(f"many/{i:03}") for i in range(MANY)]
    assert [url.size for url in sorted(store.list("sizes/"))] == SIZES


@pytest.mark.parametrize("index", range(len(SIZES)))
def test_bytes_are_those_stored_and_verified(store: Store, index: int) -> None:
    before = objectpipes.stats()["verified"]
    ((_, data),) = store.read(store.list(f"sizes/{index}"))
    assert data == content(SIZES[index])
    assert objectpipes.stats()["verified"] - before == 1


def test_every_kind_of_key(store: Store) -> None:
    urls = [store.url(f"keys/{key}") for key in KEYS]
    assert list(store.read(urls)) == [
        (url, key.encode()) for url, key in zip(urls, KEYS, strict=True)
    ]


def test_many_small_objects_in_order(store: Store) -> None:
    urls = sorted(store.list("many/"))
    assert [data for _, data in store.read(urls)] == [b"%d" % i for i in range(MANY)]


def test_missing_object_is_named(store: Store) -> None:
    url = store.url("no/such/object")
    with pytest.raises(ObjectNotFoundError) as caught:
        list(store.read([url]))
    assert caught.value.url == url


def _length(store: Store, url: str) -> int:
    ((_, data),) = store.read([url])
    return len(data)


# Python warns of forks in processes with threads, as the engine's; that is what is tested here.
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("how", ["fork", "spawn"])
def test_child_reads_after_its_parent(store: Store, how: str) -> None:
    url = store.url("sizes/3")
    assert _length(store, url) == SIZES[3]
    with multiprocessing.get_context(how).Pool(1) as pool:
        assert pool.apply(_length, (store, url)) == SIZES[3]
    assert _length(store, url) == SIZES[3]
