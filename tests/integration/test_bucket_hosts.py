"""A bucket is looked for at the same host as with botocore."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.loaders import Loader

from objectpipes.credentials import Credentials
from objectpipes.errors import InvalidURLError, NotSupportedError, ObjectStoreError
from objectpipes.iter import S3FileLister, S3FileLoader
from objectpipes.s3_config import S3Config

ACCESS_POINT = "arn:aws:s3:us-west-2:123456789012:accesspoint/myap"
OUTPOST = "arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-01234567890123456"


class Gate(ThreadingHTTPServer):
    """A proxy that refuses all connections, and records their targets."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Refuse)
        self.wanted: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Refuse(BaseHTTPRequestHandler):
    server: Gate

    def do_CONNECT(self) -> None:
        self.server.wanted.add(self.path.removesuffix(":443"))
        self.send_error(403)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def gate() -> Iterator[Gate]:
    with Gate() as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@functools.cache
def rules() -> EndpointProvider:
    loader = Loader()
    return EndpointProvider(
        loader.load_service_model("s3", "endpoint-rule-set-1"), loader.load_data("partitions")
    )


def host_of_botocore(bucket: str, region: str, style: str) -> str:
    endpoint = rules().resolve_endpoint(
        Bucket=bucket, Region=region, ForcePathStyle=style == "path" and "arn:" not in bucket
    )
    host = urlsplit(endpoint.url).hostname
    assert host is not None
    return host


def config_for(gate: Gate, region: str, style: str = "auto") -> S3Config:
    return S3Config(
        credentials=Credentials("AKID", "secret"),
        proxy=gate.url,
        max_attempts=1,
        region=region,
        addressing_style=style,
    )


@pytest.mark.parametrize("style", ["auto", "path"])
@pytest.mark.parametrize(
    ("bucket", "region"),
    [
        ("plain", "us-east-1"),
        ("plain", "eu-west-1"),
        ("plain", "cn-north-1"),
        ("with.dots", "eu-west-1"),
        ("my-ap-abc123def456-s3alias", "us-west-2"),
        ("my-lambda-abc123def456--ol-s3", "us-west-2"),
        ("data--use1-az4--x-s3", "us-east-1"),
        ("data--apne1-az4--x-s3", "ap-northeast-1"),
        ("data--cnn1-az1--x-s3", "cn-north-1"),
        ("data--usw2-lax1-az1--x-s3", "us-west-2"),
        ("my-ap--use1-az4--xa-s3", "us-east-1"),
        (ACCESS_POINT, "us-west-2"),
        (ACCESS_POINT, "us-east-1"),
        (ACCESS_POINT.replace("/", ":"), "us-west-2"),
        ("arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/myap", "cn-north-1"),
        ("arn:aws-us-gov:s3:us-gov-east-1:123456789012:accesspoint/myap", "us-gov-east-1"),
        (ACCESS_POINT.replace(":s3:", ":s3-object-lambda:"), "us-west-2"),
        (f"{OUTPOST}/accesspoint/reports", "us-west-2"),
    ],
)
def test_host_is_that_of_botocore(gate: Gate, bucket: str, region: str, style: str) -> None:
    config = config_for(gate, region, style)
    with pytest.raises(ObjectStoreError, match="403"):
        list(S3FileLoader([f"s3://{bucket}/a/key"], config=config))
    assert gate.wanted == {host_of_botocore(bucket, region, style)}


@pytest.mark.parametrize(
    ("bucket", "error", "names"),
    [
        (
            "arn:aws:s3::123456789012:accesspoint/abcdef.mrap",
            NotSupportedError,
            "multi-region access point",
        ),
        ("abcdef.mrap", NotSupportedError, "multi-region access point"),
        ("my-ap-o01234567890123456abc--op-s3", NotSupportedError, "Outposts"),
        ("arn:aws:s3:::bucket", InvalidURLError, "access point"),
        ("x--x-s3", InvalidURLError, "directory bucket"),
    ],
)
@pytest.mark.parametrize("pipe", [S3FileLoader, S3FileLister])
def test_bucket_is_refused_by_name(
    gate: Gate, pipe: type, bucket: str, error: type[ObjectStoreError], names: str
) -> None:
    with pytest.raises(error, match=names):
        list(pipe([f"s3://{bucket}/a/key"], config=config_for(gate, "us-east-1")))
    assert not gate.wanted
