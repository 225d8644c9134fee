"""How to reach S3, or another store that speaks its protocol."""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from ._aws import AwsProfile, chain
from ._checks import check_choice, check_count, check_region, check_text
from ._connection import Connection, StoreConfig, is_loopback, normal_endpoint
from ._env import env_size, env_text
from ._redact import keep_secret
from .credentials import Credentials, CredentialsProvider, CredentialsSource, identity_of
from .errors import ConfigError

__all__ = ["ResolvedS3Config", "S3Config"]

_T = TypeVar("_T")

_ADDRESSING_STYLES = ("auto", "path", "virtual")


@dataclass(frozen=True, kw_only=True)
class ResolvedS3Config:
    """An `S3Config` with all defaults filled in, for the engine."""

    connection: Connection
    region: str  # to sign for; empty: learned from the server's replies
    # "path", or "virtual": a bucket whose name can be a DNS label has its own host, any other a
    # path.
    addressing_style: str
    requester_pays: bool
    transport: str  # "http" or "aws"
    multi_part_download: bool  # whether several requests may read one object
    list_version: int  # of ListObjects with which a listing begins, 1 or 2
    expected_bucket_owner: str  # empty for any
    sse_customer_key: bytes = field(repr=False)  # empty for none


@dataclass(frozen=True, kw_only=True, repr=False)
class S3Config(StoreConfig):
    """Options for S3. The environment or AWS configuration files set those that are not given.

    An option that is not given is looked up when the first object is requested, in the process that
    requests it: first in torchdata's variables (``S3_...``), then in AWS's (``AWS_...``), then in
    the AWS profile.

    Parameters
    ----------
    endpoint_url : str, optional
        ``[http[s]://]host[:port][/path]``. Default: ``S3_ENDPOINT_URL``, ``AWS_ENDPOINT_URL_S3``,
        ``AWS_ENDPOINT_URL``, the profile, or AWS's own endpoint of the region. A missing scheme is
        https, or http if ``S3_USE_HTTPS`` begins with 0.
    region : str, optional
        Default: ``AWS_REGION``, ``AWS_DEFAULT_REGION``, the profile, or what the server says.
    profile : str, optional
        Profile of the AWS configuration files. Default: ``AWS_PROFILE``.
    credentials : Credentials or callable, optional
        Fixed credentials, or a callable without arguments that returns `Credentials`. It is called
        again before they expire. Spawned workers need a callable that can be pickled. Default:
        botocore's chain of providers.
    anonymous : bool, optional
        Send unsigned requests, and look for no credentials.
    requester_pays : bool, optional
        Accept the costs of reading from a bucket whose requesters pay.
    addressing_style : str, optional
        ``"path"``, ``"virtual"`` or ``"auto"``: the one in the profile, or else virtual for AWS and
        path for any other endpoint.
    verify_tls : bool, optional
        False: accept any certificate. Default: False if ``S3_VERIFY_SSL`` begins with 0.
    transport : str, optional
        ``"http"``, or ``"aws"`` to send requests with aws-sdk-cpp.
    multi_part_download : bool, optional
        False: read each object in one request. Default: False if ``S3_MULTI_PART_DOWNLOAD`` is OFF.
    list_version : int, optional
        1: list with ListObjects, for stores whose ListObjectsV2 is broken. For stores that do not
        have ListObjectsV2 this is not necessary.
    expected_bucket_owner : str, optional
        AWS account that must own the buckets. The server denies requests to other buckets.
    sse_customer_key : str or bytes, optional
        The key with which objects are encrypted (SSE-C): 32 bytes, or their base64. Every read
        sends it, so the endpoint must use https, or be on loopback.
    ca_file : str, optional
        PEM file with the certificate authorities to trust. Default: what `find_ca_bundle` finds.
    client_cert, client_key : str, optional
        PEM files for mutual TLS; the certificate's file may hold the key.
    proxy : str, optional
        URL of an HTTP proxy; empty: none. Default: ``HTTPS_PROXY``, ``HTTP_PROXY``, ``NO_PROXY``.
    connect_timeout : float, optional
        How many seconds making a connection may take. Default: 5.
    stall_timeout : float, optional
        Seconds without a byte after which a request fails. Default: 20.
    max_attempts : int, optional
        Number of failed requests in a row after which a read fails. Probes during an outage do not
        count. Default: ``AWS_MAX_ATTEMPTS``, the profile, or 10.

    Raises
    ------
    ConfigError
        An option has a value that can never work.
    """

    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    credentials: Credentials | Callable[[], Credentials] | None = None
    anonymous: bool = False
    requester_pays: bool = False
    addressing_style: str = "auto"
    verify_tls: bool | None = None
    transport: str = "http"
    multi_part_download: bool | None = None
    list_version: int = 2
    expected_bucket_owner: str | None = None
    sse_customer_key: str | bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("addressing_style", self.addressing_style, _ADDRESSING_STYLES)
        check_choice("transport", self.transport, ("http", "aws"))
        version = check_count("list_version", self.list_version, minimum=1, maximum=2)
        object.__setattr__(self, "list_version", version)
        owner = self.expected_bucket_owner
        if owner is not None and not (owner.isascii() and owner.isalnum()):
            raise ConfigError(f"expected_bucket_owner must be the id of an account, not {owner!r}.")
        _customer_key(self.sse_customer_key)
        if self.region:
            check_region("region", self.region)
        if self.profile:
            check_text("profile", self.profile)
        if self.endpoint_url:
            normal_endpoint("endpoint_url", self.endpoint_url, "https")
        if self.credentials is not None:
            if self.anonymous:
                raise ConfigError("Give either credentials or anonymous=True, not both.")
            if not isinstance(self.credentials, Credentials) and not callable(self.credentials):
                raise ConfigError("credentials must be Credentials, or a callable returning them.")

    def resolve(self) -> ResolvedS3Config:
        """Fill in all options that are not given. Makes no request.

        Returns
        -------
        ResolvedS3Config
            The complete options.

        Raises
        ------
        ConfigError
            A variable or the profile is malformed, or a file named by one is missing.
        """
        env_size("S3_BUFFER_SIZE")  # ignored, but must be a number, as in torchdata
        aws = AwsProfile(self.profile)
        region = self.region or aws.region or ""
        endpoint_url, is_aws = self._endpoint(aws, region)
        connection = self._connection(
            endpoint_url,
            verify_tls=_given(self.verify_tls, not _is_off("S3_VERIFY_SSL")),
            ca_settings=[("AWS_CA_BUNDLE or ca_bundle of the AWS profile", aws.ca_bundle)],
            max_attempts=aws.max_attempts,
        )
        return ResolvedS3Config(
            connection=connection,
            region=region,
            addressing_style=self._addressing_style(aws, is_aws=is_aws),
            requester_pays=self.requester_pays,
            transport=self.transport,
            multi_part_download=_given(
                self.multi_part_download, env_text("S3_MULTI_PART_DOWNLOAD") != "OFF"
            ),
            list_version=self.list_version,
            expected_bucket_owner=self.expected_bucket_owner or "",
            sse_customer_key=self._checked_customer_key(endpoint_url),
        )

    def credentials_source(self) -> CredentialsSource:
        """Return the current source of credentials, without obtaining any.

        Returns
        -------
        CredentialsSource
            The source; it cannot be pickled.

        Raises
        ------
        ConfigError
            A key in a variable or a file cannot be used.
        """
        if self.anonymous:
            return CredentialsSource("anonymous", lambda: None, lasts=True)
        given = self.credentials
        if isinstance(given, Credentials):
            return CredentialsSource(given, lambda: given, found=given)
        if given is not None:
            source = functools.partial(_call, given)
            return CredentialsSource(identity_of(given), source, lasts=True)
        return chain(self.profile)

    def credentials_provider(self) -> CredentialsProvider:
        """Return a new provider of credentials. It looks for them when it is first asked.

        Returns
        -------
        CredentialsProvider
            The provider; it cannot be pickled.
        """
        return CredentialsProvider(self.credentials_source().load)

    def _checked_customer_key(self, endpoint_url: str) -> bytes:
        key = _customer_key(self.sse_customer_key)
        url = urlsplit(endpoint_url)
        if key and url.scheme == "http" and not is_loopback(url.hostname or ""):
            raise ConfigError(
                f"sse_customer_key would go to {endpoint_url} unencrypted: use https://."
            )
        return key

    def _endpoint(self, aws: AwsProfile, region: str) -> tuple[str, bool]:
        """Return the endpoint, and whether it is AWS's own."""
        scheme = "http" if _is_off("S3_USE_HTTPS") else "https"
        for name, url in (
            ("endpoint_url", self.endpoint_url),
            ("S3_ENDPOINT_URL", env_text("S3_ENDPOINT_URL")),
            aws.endpoint_url,
        ):
            if url:
                return normal_endpoint(name, url, scheme), False
        return aws.default_endpoint(region, scheme), True

    def _addressing_style(self, aws: AwsProfile, *, is_aws: bool) -> str:
        style = self.addressing_style
        if style == "auto":
            style = aws.addressing_style or "auto"
            check_choice("addressing_style of the AWS profile", style, _ADDRESSING_STYLES)
        if style == "auto":
            style = "virtual" if is_aws else "path"
        return style


def _given(option: _T | None, otherwise: _T) -> _T:
    return otherwise if option is None else option


def _customer_key(given: str | bytes | None) -> bytes:
    """Return the 32 bytes of a key for SSE-C; empty for none. Errors do not show the key."""
    if given is None:
        return b""
    try:
        key = base64.b64decode(given, validate=True) if isinstance(given, str) else given
    except ValueError:
        key = b""
    if not isinstance(key, bytes) or len(key) != 32:
        raise ConfigError("sse_customer_key must be 32 bytes, or their base64.")
    keep_secret(base64.b64encode(key).decode())
    return key


def _is_off(name: str) -> bool:
    """Read a flag as torchdata did."""
    return (env_text(name) or "").startswith("0")


def _call(source: Callable[[], Credentials]) -> Credentials:
    found = source()
    if not isinstance(found, Credentials):
        raise ConfigError(
            "The callable passed as credentials= must return Credentials, but it returned"
            f" {type(found).__name__}."
        )
    return found
