"""Refusals of every server become the right exceptions."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from botocore.exceptions import ClientError

from conformance.content import KEYS_BUCKET, PUBLIC_BUCKET, SIZES
from conformance.matrix import speaks_s3, where
from conformance.store import S3Store, Store
from objectpipes import Credentials
from objectpipes.errors import (
    AccessDeniedError,
    BucketNotFoundError,
    InvalidCredentialsError,
    ObjectNotFoundError,
    ObjectStoreError,
    TLSError,
)
from servers import S3Server
from servers.aistore import AIStoreError

PRIVATE = SIZES[1]
MISSING = "missing"

checks_requests = where(lambda server: server.store is S3Store and server.dialect.checks_requests)
both_ways = pytest.mark.parametrize("how", ["list", "load"])


def read(store: Store, how: str, url: str, **options: Any) -> None:
    """List a URL, or load it."""
    if how == "list":
        store.list_urls(url, **options)
    else:
        store.load([url], **options)


def assert_complete(
    store: Store, error: ObjectStoreError, url: str, status: int, code: str
) -> None:
    assert (error.url, error.status, error.code) == (url, status, code)
    assert 1 <= error.attempts <= store.refusals
    assert error.advice
    assert url in str(error)


def test_missing_key(store: Store) -> None:
    with pytest.raises(ObjectNotFoundError) as caught:
        store.load([store.url(MISSING)])
    assert_complete(store, caught.value, store.url(MISSING), 404, store.missing_object)
    assert isinstance(caught.value, (ValueError, FileNotFoundError))


@both_ways
def test_missing_bucket(store: Store, how: str) -> None:
    url = store.url("key", "no-such-bucket")
    with pytest.raises(BucketNotFoundError) as caught:
        read(store, how, url)
    assert_complete(store, caught.value, url, 404, store.missing_bucket)


def test_missing_object_can_be_skipped(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    urls = [store.url(key) for key in (SIZES[0].key, MISSING, SIZES[1].key)]
    loader = store.loader(urls, on_error="skip")
    with caplog.at_level(logging.WARNING, logger="objectpipes"):
        assert [url for url, _ in loader] == [urls[0], urls[2]]
    assert loader.skipped == 1
    (record,) = caplog.records
    assert urls[1] in record.message


@checks_requests
@pytest.mark.parametrize(
    ("credentials", "code"),
    [
        (Credentials("nobody", "a secret of nobody"), "InvalidAccessKeyId"),
        (Credentials(S3Server.access_key, "not its secret"), "SignatureDoesNotMatch"),
    ],
    ids=["unknown key", "wrong secret"],
)
@both_ways
def test_wrong_credentials(store: Store, how: str, credentials: Credentials, code: str) -> None:
    config = store.config(credentials=credentials)
    with pytest.raises(InvalidCredentialsError) as caught:
        read(store, how, store.url(PRIVATE.key), config=config)
    assert_complete(store, caught.value, store.url(PRIVATE.key), 403, code)


@speaks_s3
def test_anonymous(store: Store) -> None:
    config = store.config(credentials=None, anonymous=True)
    urls = store.list_urls(f"s3://{PUBLIC_BUCKET}", config=config)
    assert store.load(urls, config=config) == [(f"s3://{PUBLIC_BUCKET}/key", b"for everyone")]


@checks_requests
@both_ways
def test_anonymous_is_refused(store: Store, how: str) -> None:
    config = store.config(credentials=None, anonymous=True)
    with pytest.raises(AccessDeniedError) as caught:
        read(store, how, store.url(PRIVATE.key), config=config)
    assert_complete(store, caught.value, store.url(PRIVATE.key), 403, "AccessDenied")
    assert isinstance(caught.value, PermissionError)


@speaks_s3
@pytest.mark.parametrize("region", ["eu-west-1", None], ids=["wrong", "not given"])
def test_region_is_found_out(store: Store, region: str | None) -> None:
    assert store.load([store.url(PRIVATE.key)], config=store.config(region=region))


@where(lambda server: server.name == "minio-tls")
def test_private_ca_must_be_named(store: Store) -> None:
    with pytest.raises(TLSError) as caught:
        store.load([store.url(PRIVATE.key)], config=store.config(ca_file=None, max_attempts=1))
    assert "ca_file=" in caught.value.advice


def test_dialects_are_true(store: Store) -> None:
    """A key that a server accepts now must not be listed as refused."""
    for key in store.dialect.refused_keys:
        with pytest.raises((ClientError, AIStoreError)):
            store.server.put(KEYS_BUCKET, key, b"")  # type: ignore[attr-defined]
