"""Reads return the stored bytes, on every server."""

from __future__ import annotations

import io
import random
from urllib.parse import urlsplit

import pytest

from conformance.content import (
    CHECKSUMS,
    KEYS,
    KEYS_BUCKET,
    LARGE,
    LARGE_COMPOSITE,
    MANY,
    MIB,
    MULTIPART,
    SIZES,
    Upload,
    data_of,
)
from conformance.matrix import where
from conformance.store import S3Store, Store, counting
from faults import FaultProxy
from objectpipes.errors import IntegrityError

SMALL_BUDGET = 16 * MIB  # of which an object larger than a quarter is streamed


@pytest.mark.parametrize("upload", [*SIZES, *CHECKSUMS, *MULTIPART], ids=str)
def test_bytes_are_those_stored_and_verified(store: Store, upload: Upload) -> None:
    if upload.key in store.dialect.wrong_checksums:
        with pytest.raises(IntegrityError):
            store.load([store.url(upload.key)])
        return
    with counting() as counts:
        assert store.load(store.list_urls(store.url(upload.key))) == [
            (store.url(upload.key), upload.data)
        ]
    assert counts["verified"] == store.offers_checksum(upload)


@pytest.mark.parametrize("upload", MULTIPART, ids=str)
def test_checksums_are_left_alone_on_request(store: Store, upload: Upload) -> None:
    with counting() as counts:
        assert store.load([store.url(upload.key)], verify=False) == [
            (store.url(upload.key), upload.data)
        ]
    assert counts["verified"] == 0


@pytest.mark.parametrize("upload", [LARGE, LARGE_COMPOSITE], ids=str)
def test_streamed_object_is_verified_at_its_end(store: Store, upload: Upload) -> None:
    with counting() as counts:
        loaded = store.load(store.list_urls(store.url(upload.key)), prefetch_bytes=SMALL_BUDGET)
        assert loaded == [(store.url(upload.key), upload.data)]
    assert counts["verified"] == store.offers_checksum(upload)


def test_streamed_object_can_be_read_anywhere(store: Store) -> None:
    loader = store.loader([store.url(LARGE.key)], prefetch_bytes=SMALL_BUDGET)
    expected = io.BytesIO(LARGE.data)
    draw = random.Random(0)
    ((_, stream),) = loader
    assert not hasattr(stream, "getbuffer")
    for _ in range(20):
        offset = draw.randrange(LARGE.size)
        assert stream.seek(offset) == expected.seek(offset)
        assert stream.read(70_000) == expected.read(70_000)
        assert stream.readline() == expected.readline()
        assert stream.tell() == expected.tell()
    assert stream.seek(-5, io.SEEK_END) == expected.seek(-5, io.SEEK_END)
    assert stream.read() == expected.read()
    stream.close()


def test_every_kind_of_key(store: Store) -> None:
    stored = [key for key in KEYS if key not in store.dialect.missing_keys]
    if store.transport == "aws":  # the SDK cannot ask for these, and says so
        stored = [key for key in stored if not {".", ".."} & set(key.split("/"))]
    loaded = store.load(store.url(key, KEYS_BUCKET) for key in stored)
    assert loaded == [(store.url(key, KEYS_BUCKET), data_of(key)) for key in stored]


def test_many_small_objects_in_the_order_of_the_source(store: Store) -> None:
    keys = random.Random(0).sample(sorted(MANY), 200)
    loaded = store.load(store.url(key) for key in keys)
    assert loaded == [(store.url(key), MANY[key]) for key in keys]


def test_many_small_objects_as_they_arrive(store: Store) -> None:
    urls = [store.url(key) for key in sorted(MANY)[:200]]
    assert sorted(store.load(urls, ordered=False)) == store.load(urls)


def test_one_request_for_a_listed_object(store: Store) -> None:
    urls = store.list_urls(store.url("many/a-/00"))
    assert len(urls) == 100
    with counting() as counts:
        store.load(urls)
    assert counts["requests"] == 100
    assert counts["retries"] == 0


@where(lambda server: server.store is S3Store and server.dialect.keeps_connections)
def test_connections_are_used_again(store: Store) -> None:
    address = urlsplit(store.server.endpoint)
    assert address.hostname
    assert address.port
    with FaultProxy(address.hostname, address.port) as proxy:
        endpoint = f"{address.scheme}://{address.hostname}:{proxy.port}"
        config = store.config(endpoint_url=endpoint)
        for _ in range(2):
            lister = store.lister([store.url("many/a-/00")], config=config)
            assert len(list(store.loader(lister, config=config, concurrency=4))) == 100
        assert proxy.connections <= 5  # four, and one for the listing
