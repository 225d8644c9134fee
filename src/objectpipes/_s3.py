"""Listings and reads of S3, below the pipes."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from . import _engine, _reads
from ._clients import credentials_source, http_options, shared_client

if TYPE_CHECKING:
    from . import _ext
    from .s3_config import S3Config

__all__ = ["lister", "open_window"]


def _client_of(config: S3Config, *, verify: bool = True) -> _ext.Client:
    # Everything the configuration leaves open is decided now, in this process.
    resolved = config.resolve()
    key = (resolved, config.profile, config.credentials, config.anonymous, verify)

    def make() -> _ext.Client:
        options = http_options(resolved.connection)
        options.update(
            region=resolved.region,
            virtual_addressing=resolved.addressing_style == "virtual",
            requester_pays=resolved.requester_pays,
            checksums=verify,
            transport=resolved.transport,
            split=resolved.multi_part_download,
            list_version=resolved.list_version,
            expected_bucket_owner=resolved.expected_bucket_owner,
            sse_customer_key=resolved.sse_customer_key,
        )
        source = credentials_source(config.credentials_provider())
        client: _ext.Client = _engine.extension().s3_client(options, source)
        return client

    return shared_client(key, make)


def lister(config: S3Config) -> _reads.Lister:
    """Return what starts to list ``s3://bucket/any/prefix``.

    It raises `InvalidURLError` for a prefix that is malformed.

    Raises
    ------
    ObjectStoreError
        The configuration cannot work, or this build has no S3.
    """
    return functools.partial(_open_listing, _client_of(config))


def _open_listing(client: _ext.Client, prefix: str, **filters: Any) -> _ext.Listing:
    bucket, key = _engine.extension().parse_s3_url(prefix)
    return _reads.open_listing(
        client,
        prefix,
        bucket=bucket,
        prefix=key,
        url_prefix=f"s3://{bucket}/",
        **filters,
    )


def open_window(config: S3Config, *, verify: bool = True, **options: Any) -> _ext.ReadWindow:
    """Open a window of reads ahead, with the options of `_reads.open_window`.

    Raises
    ------
    ConfigError
        The configuration cannot work.
    """
    client = _client_of(config, verify=verify)
    return _reads.open_window(client, verify=verify, **options)
