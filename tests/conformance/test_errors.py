"""What a server refuses becomes the right exception, on every server."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from botocore.exceptions import ClientError

from conformance.content import BUCKET, KEYS_BUCKET, PUBLIC_BUCKET, SIZES
from conformance.matrix import where
from conformance.store import Store
from objectpipes import Credentials
from objectpipes.errors import (
    AccessDeniedError,
    BucketNotFoundError,
    InvalidCredentialsError,
    ObjectNotFoundError,
    ObjectStoreError,
    TLSError,
)
from objectpipes.iter import S3FileLoader
from servers import S3Server

PRIVATE = SIZES[1]
MISSING = f"s3://{BUCKET}/missing"

checks_requests = where(lambda server: server.dialect.checks_requests)
both_ways = pytest.mark.parametrize("how", ["list", "load"])


def read(store: Store, how: str, url: str, **options: Any) -> None:
    """List a URL, or load it."""
    if how == "list":
        store.list_urls(url, **options)
    else:
        store.load([url], **options)


def assert_complete(error: ObjectStoreError, url: str, status: int, code: str) -> None:
    assert (error.url, error.status, error.code) == (url, status, code)
    assert error.attempts == 1
    assert error.advice
    assert url in str(error)


def test_missing_key(store: Store) -> None:
    with pytest.raises(ObjectNotFoundError) as caught:
        store.load([MISSING])
    assert_complete(caught.value, MISSING, 404, "NoSuchKey")
    assert isinstance(caught.value, (ValueError, FileNotFoundError))


@both_ways
def test_missing_bucket(store: Store, how: str) -> None:
    url = "s3://no-such-bucket/key"
    with pytest.raises(BucketNotFoundError) as caught:
        read(store, how, url)
    assert_complete(caught.value, url, 404, "NoSuchBucket")


def test_missing_object_can_be_skipped(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    urls = [SIZES[0].url, MISSING, SIZES[1].url]
    loader = S3FileLoader(urls, config=store.config(), on_error="skip")
    with caplog.at_level(logging.WARNING, logger="objectpipes"):
        assert [url for url, _ in loader] == [SIZES[0].url, SIZES[1].url]
    assert loader.skipped == 1
    (record,) = caplog.records
    assert MISSING in record.message


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
        read(store, how, PRIVATE.url, config=config)
    assert_complete(caught.value, PRIVATE.url, 403, code)


def test_anonymous(store: Store) -> None:
    config = store.config(credentials=None, anonymous=True)
    urls = store.list_urls(f"s3://{PUBLIC_BUCKET}", config=config)
    assert store.load(urls, config=config) == [(f"s3://{PUBLIC_BUCKET}/key", b"for everyone")]


@checks_requests
@both_ways
def test_anonymous_is_refused(store: Store, how: str) -> None:
    config = store.config(credentials=None, anonymous=True)
    with pytest.raises(AccessDeniedError) as caught:
        read(store, how, PRIVATE.url, config=config)
    assert_complete(caught.value, PRIVATE.url, 403, "AccessDenied")
    assert isinstance(caught.value, PermissionError)


@pytest.mark.parametrize("region", ["eu-west-1", None], ids=["wrong", "not given"])
def test_region_is_found_out(store: Store, region: str | None) -> None:
    assert store.load([PRIVATE.url], config=store.config(region=region))


@where(lambda server: server.name == "minio-tls")
def test_private_ca_must_be_named(store: Store) -> None:
    with pytest.raises(TLSError) as caught:
        store.load([PRIVATE.url], config=store.config(ca_file=None, max_attempts=1))
    assert "ca_file=" in caught.value.advice


def test_dialects_are_true(store: Store) -> None:
    """A server that has learned a key deserves that it is tested."""
    for key in store.dialect.refused_keys:
        with pytest.raises(ClientError):
            store.server.put(KEYS_BUCKET, key, b"")
