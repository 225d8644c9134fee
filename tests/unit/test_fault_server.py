"""The fault server without a fault is an honest S3 server, as http.client and boto3 see it."""

import base64
import hashlib
import http.client
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import pytest
import trustme
from botocore.config import Config
from botocore.credentials import Credentials

from faults import Fault, FaultServer, StoredObject
from faults.messages import Request
from faults.plan import Plan

CREDENTIALS = Credentials("AKID", "secret/+key", "session token")
DATA = bytes(range(256)) * 40
STRANGE_KEYS = [
    "a b/c+d%20e?f#g&h=i;j@k,l",
    "//empty//segments/",
    "../dots/./x",
    "ünïcödé/日本/😀",
    "quotes'\"<>`{}|\\^[]()*!$~:",
    "new\nline\tand\x01control",
    "k" * 1000,
]


def s3_client(server: FaultServer, credentials: Credentials = CREDENTIALS, **config: Any) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name=config.pop("region_name", "us-east-1"),
        verify=config.pop("verify", None),
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.token,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, **config),
    )


def fetch(
    server: FaultServer,
    target: str = "/bucket/key",
    headers: dict[str, str] | None = None,
    method: str = "GET",
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, target, headers=headers or {})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def test_get_returns_bytes_and_identity() -> None:
    with FaultServer({"bucket": {"key": DATA}}) as server:
        response, body = fetch(server)
    assert (response.status, body) == (200, DATA)
    assert response.headers["Content-Length"] == str(len(DATA))
    assert response.headers["ETag"] == f'"{hashlib.md5(DATA).hexdigest()}"'
    assert response.headers["Last-Modified"] == "Thu, 01 Jan 2026 00:00:00 GMT"
    assert response.headers["x-amz-request-id"] == server.requests[0].id


def test_head_is_get_without_the_body() -> None:
    with FaultServer({"bucket": {"key": DATA}}) as server:
        response, body = fetch(server, method="HEAD")
    assert (response.status, body) == (200, b"")
    assert response.headers["Content-Length"] == str(len(DATA))


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=5-9", 5, 10),
        ("bytes=5-", 5, 10240),
        ("bytes=-7", 10233, 10240),
        ("bytes=-99999", 0, 10240),
        ("bytes=10-99999", 10, 10240),
    ],
)
def test_range(asked: str, begin: int, end: int) -> None:
    with FaultServer({"bucket": {"key": DATA}}) as server:
        response, body = fetch(server, headers={"Range": asked})
    assert (response.status, body) == (206, DATA[begin:end])
    assert response.headers["Content-Range"] == f"bytes {begin}-{end - 1}/{len(DATA)}"


@pytest.mark.parametrize("asked", ["bytes=", "bytes=-", "bytes=5-4", "bytes=1-2,4-5", "lines=1-2"])
def test_malformed_range_is_ignored(asked: str) -> None:
    with FaultServer({"bucket": {"key": DATA}}) as server:
        response, body = fetch(server, headers={"Range": asked})
    assert (response.status, body) == (200, DATA)


@pytest.mark.parametrize(
    ("key", "asked"), [("key", "bytes=10240-"), ("empty", "bytes=0-0"), ("empty", "bytes=-5")]
)
def test_range_beyond_the_end_is_416(key: str, asked: str) -> None:
    with FaultServer({"bucket": {"key": DATA, "empty": b""}}) as server:
        response, body = fetch(server, f"/bucket/{key}", {"Range": asked})
    assert response.status == 416
    assert response.headers["Content-Range"].startswith("bytes */")
    assert b"<Code>InvalidRange</Code>" in body


def test_if_match() -> None:
    with FaultServer({"bucket": {"key": DATA}}) as server:
        etag = fetch(server)[0].headers["ETag"]
        assert fetch(server, headers={"If-Match": etag})[0].status == 200
        server.store.put("bucket", "key", b"new")
        assert fetch(server, headers={"If-Match": etag})[0].status == 412


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksum_is_what_boto3_computes(algorithm: str) -> None:
    """boto3 verifies whatever checksum it finds, and says which one it verified."""
    with FaultServer({"bucket": {"key": DATA}}, checksum=algorithm) as server:
        reply = s3_client(server).get_object(Bucket="bucket", Key="key", ChecksumMode="ENABLED")
        assert reply["Body"].read() == DATA
    assert reply[f"Checksum{algorithm}"]
    assert reply["ChecksumType"] == "FULL_OBJECT"


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [
        ("CRC32", "cbf43926"),
        ("CRC32C", "e3069283"),
        ("CRC64NVME", "ae8b14860a799888"),
        ("SHA1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        ("SHA256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
    ],
)
def test_checksum_check_values(algorithm: str, digest: str) -> None:
    """The published check values of the string 123456789."""
    with FaultServer({"bucket": {"key": b"123456789"}}, checksum=algorithm) as server:
        response, _ = fetch(server, headers={"x-amz-checksum-mode": "ENABLED"})
    value = response.headers[f"x-amz-checksum-{algorithm.lower()}"]
    assert base64.b64decode(value).hex() == digest


def test_checksum_only_when_asked_for_and_never_with_a_range() -> None:
    with FaultServer({"bucket": {"key": DATA}}, checksum="CRC32C") as server:
        plain, _ = fetch(server)
        asked = {"x-amz-checksum-mode": "ENABLED"}
        ranged, _ = fetch(server, headers={**asked, "Range": "bytes=0-9"})
        head, _ = fetch(server, headers=asked, method="HEAD")
    assert "x-amz-checksum-crc32c" not in plain.headers
    assert "x-amz-checksum-crc32c" not in ranged.headers
    assert "x-amz-checksum-crc32c" in head.headers


def test_multipart_object_has_composite_checksum_and_parts() -> None:
    parts = DATA[:6000], DATA[6000:]
    digests = b"".join(hashlib.sha256(part).digest() for part in parts)
    stored = StoredObject(DATA, "SHA256", part_sizes=(6000, 4240), composite=True)
    asked = {"x-amz-checksum-mode": "ENABLED"}
    with FaultServer({"bucket": {"key": stored}}) as server:
        whole, _ = fetch(server, headers=asked)
        part, body = fetch(server, "/bucket/key?partNumber=2", asked)
        aligned, _ = fetch(server, headers={**asked, "Range": "bytes=6000-10239"})
        beyond, _ = fetch(server, "/bucket/key?partNumber=3", asked)
    composite = base64.b64encode(hashlib.sha256(digests).digest()).decode() + "-2"
    of_part = base64.b64encode(hashlib.sha256(parts[1]).digest()).decode()
    assert whole.headers["x-amz-checksum-sha256"] == composite
    assert whole.headers["x-amz-checksum-type"] == "COMPOSITE"
    assert whole.headers["ETag"].endswith('-2"')
    assert (part.status, body) == (206, parts[1])
    assert part.headers["x-amz-mp-parts-count"] == "2"
    assert part.headers["x-amz-checksum-sha256"] == of_part
    assert aligned.headers["x-amz-checksum-sha256"] == of_part
    assert beyond.status == 416


def test_multipart_object_with_full_object_checksum() -> None:
    stored = StoredObject(DATA, "CRC64NVME", part_sizes=(6000, 4240))
    with FaultServer({"bucket": {"key": stored}}) as server:
        reply = s3_client(server).get_object(Bucket="bucket", Key="key")
        assert reply["Body"].read() == DATA
    assert reply["ChecksumType"] == "FULL_OBJECT"
    assert reply["ETag"].endswith('-2"')


@pytest.mark.parametrize("version", ["list_objects", "list_objects_v2"])
def test_listing_pages_in_order_with_every_key_intact(version: str) -> None:
    objects = {**dict.fromkeys(STRANGE_KEYS, b"x"), **{f"n/{i:03}": b"" for i in range(25)}}
    with FaultServer({"bucket": objects}, page_size=10) as server:
        pages = s3_client(server).get_paginator(version).paginate(Bucket="bucket")
        listed = [entry for page in pages for entry in page["Contents"]]
    assert [entry["Key"] for entry in listed] == sorted(objects, key=str.encode)
    assert len(server.requests) == 4
    assert {entry["Size"] for entry in listed} == {0, 1}


@pytest.mark.parametrize("version", ["list_objects", "list_objects_v2"])
def test_listing_with_delimiter_gives_each_prefix_once(version: str) -> None:
    objects = dict.fromkeys(["a/1", "a/2", "a/b/3", "b", "c/4", "d", "e/5", "e/6"], b"")
    with FaultServer({"bucket": objects}, page_size=1) as server:
        pages = list(
            s3_client(server).get_paginator(version).paginate(Bucket="bucket", Delimiter="/")
        )
    prefixes = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]
    assert prefixes == ["a/", "c/", "e/"]
    assert [entry["Key"] for page in pages for entry in page.get("Contents", [])] == ["b", "d"]
    assert not pages[-1]["IsTruncated"]


def test_listing_honours_prefix_start_after_and_max_keys() -> None:
    objects = dict.fromkeys(["a", "p/1", "p/2", "p/3", "q"], b"")
    with FaultServer({"bucket": objects}) as server:
        page = s3_client(server).list_objects_v2(
            Bucket="bucket", Prefix="p/", StartAfter="p/1", MaxKeys=1
        )
    assert [entry["Key"] for entry in page["Contents"]] == ["p/2"]
    assert page["IsTruncated"]
    assert page["KeyCount"] == page["MaxKeys"] == 1


def test_listing_of_no_keys_is_not_truncated() -> None:
    with FaultServer({"bucket": {"a": b""}}) as server:
        page = s3_client(server).list_objects_v2(Bucket="bucket", MaxKeys=0)
    assert (page["KeyCount"], page["IsTruncated"]) == (0, False)


def test_listing_of_an_exactly_full_last_page_is_not_truncated() -> None:
    with FaultServer({"bucket": dict.fromkeys("abcd", b"")}, page_size=2) as server:
        pages = list(s3_client(server).get_paginator("list_objects_v2").paginate(Bucket="bucket"))
    assert [page["KeyCount"] for page in pages] == [2, 2]


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("/bucket/none", 404, "NoSuchKey"),
        ("/none/key", 404, "NoSuchBucket"),
        ("/none?list-type=2", 404, "NoSuchBucket"),
        ("/bucket?list-type=2&continuation-token=%21", 400, "InvalidArgument"),
        ("/bucket?max-keys=x", 400, "InvalidArgument"),
        ("/", 501, "NotImplemented"),
    ],
)
def test_error_documents(target: str, status: int, code: str) -> None:
    with FaultServer({"bucket": {}}) as server:
        response, body = fetch(server, target)
    assert response.status == status
    assert f"<Code>{code}</Code>".encode() in body
    assert f"<RequestId>{server.requests[0].id}</RequestId>".encode() in body


def test_head_bucket_names_its_region() -> None:
    with FaultServer({"bucket": {}}, region="eu-west-3") as server:
        response, _ = fetch(server, "/bucket", method="HEAD")
    assert response.headers["x-amz-bucket-region"] == "eu-west-3"


def test_bucket_in_the_host_name() -> None:
    with FaultServer({"bucket": {"a/b": DATA}}) as server:
        _, body = fetch(server, "/a/b", {"Host": f"bucket.localhost:{server.port}"})
    assert body == DATA


@pytest.mark.parametrize("key", STRANGE_KEYS)
def test_signature_of_strange_keys(key: str) -> None:
    with FaultServer({"bucket": {key: DATA}}, credentials=CREDENTIALS) as server:
        client = s3_client(server)
        assert client.get_object(Bucket="bucket", Key=key)["Body"].read() == DATA
        assert client.list_objects_v2(Bucket="bucket", Prefix=key)["KeyCount"] == 1


@pytest.mark.parametrize(
    ("credentials", "code"),
    [
        (Credentials("AKID", "wrong", "session token"), "SignatureDoesNotMatch"),
        (Credentials("NOBODY", "secret/+key", "session token"), "InvalidAccessKeyId"),
        (Credentials("AKID", "secret/+key", "other token"), "InvalidToken"),
        (Credentials("AKID", "secret/+key"), "InvalidToken"),
    ],
)
def test_wrong_signatures_are_refused(credentials: Credentials, code: str) -> None:
    with FaultServer({"bucket": {"key": DATA}}, credentials=CREDENTIALS) as server:
        client = s3_client(server, credentials)
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            client.get_object(Bucket="bucket", Key="key")
    assert caught.value.response["Error"]["Code"] == code


def test_signature_for_another_region_is_refused_with_the_right_one() -> None:
    """boto3 takes the hint and signs again."""
    with FaultServer({"bucket": {"key": DATA}}, credentials=CREDENTIALS) as server:
        client = s3_client(server, region_name="eu-west-3")
        assert client.get_object(Bucket="bucket", Key="key")["Body"].read() == DATA
    regions = [request.signing_region for request in server.requests]
    assert (regions[0], regions[-1]) == ("eu-west-3", "us-east-1")


def test_unsigned_requests_are_refused_where_credentials_are_set() -> None:
    with FaultServer({"bucket": {"key": DATA}}, credentials=CREDENTIALS) as server:
        response, body = fetch(server)
    assert response.status == 403
    assert b"<Code>AccessDenied</Code>" in body


def test_tampered_request_is_refused() -> None:
    """A header that was signed may not be changed on the way."""
    with FaultServer({"bucket": {"key": DATA, "other": b""}}, credentials=CREDENTIALS) as server:
        s3_client(server).get_object(Bucket="bucket", Key="key")
        headers = dict(server.requests[0].headers)
        assert fetch(server, "/bucket/key", headers)[0].status == 200
        assert fetch(server, "/bucket/other", headers)[0].status == 403
        headers["x-amz-date"] = "20200101T000000Z"
        assert fetch(server, "/bucket/key", headers)[0].status == 403


def test_requests_are_recorded() -> None:
    with FaultServer({"bucket": {"a b": DATA}}) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        for _ in range(2):
            connection.request("GET", "/bucket/a%20b?partNumber=1", headers={"X-Test": " 1 "})
            connection.getresponse().read()
        connection.close()
        fetch(server, "/bucket?list-type=2&prefix=a+b", method="GET")
    first, second, third = server.requests
    assert [request.number for request in server.requests] == [1, 2, 3]
    assert [request.connection for request in server.requests] == [1, 1, 2]
    assert first.target == "/bucket/a%20b?partNumber=1"
    assert (first.bucket, first.key, first.operation) == ("bucket", "a b", "GetObject")
    assert first.headers["x-test"] == "1"
    assert first.time < second.time < third.time
    assert third.operation == "ListObjectsV2"
    assert third.query == {"list-type": "2", "prefix": "a b"}


def test_request_bodies_do_not_disturb_the_connection() -> None:
    with FaultServer({"bucket": {"key": DATA}}) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("PUT", "/bucket/new", body=b"GET / HTTP/1.1\r\n\r\n" * 10000)
        assert connection.getresponse().read().count(b"NotImplemented") >= 1
        connection.request("GET", "/bucket/key")
        assert connection.getresponse().read() == DATA
        connection.close()
    assert [request.method for request in server.requests] == ["PUT", "GET"]


def test_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with FaultServer(
        {"bucket": {"key": DATA}}, tls=context, credentials=CREDENTIALS, checksum="CRC32C"
    ) as server:
        client = s3_client(server, verify=str(tmp_path / "ca.pem"))
        assert client.get_object(Bucket="bucket", Key="key")["Body"].read() == DATA
    assert server.requests[0].scheme == "https"


def test_stopping_ends_open_connections_at_once() -> None:
    started = time.monotonic()
    with FaultServer({"bucket": {"key": DATA}}) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("GET", "/bucket/key")
        connection.getresponse().read()
    connection.close()
    assert time.monotonic() - started < 2
    assert not [thread for thread in threading.enumerate() if thread.name == "fault-server"]


class Nameless(Fault):
    """Stands for any fault where only the plan matters."""


def request(number: int, target: str = "/bucket/key") -> Request:
    return Request(number, 1, 0.0, "GET", target, {})


def struck(plan: Plan[Request, Fault], *requests: Request) -> list[int]:
    return [each.number for each in requests if plan.choose(each)]


def test_plan_strikes_exactly_the_nth() -> None:
    plan: Plan[Request, Fault] = Plan()
    rule = plan.add(Nameless(), skip=2, times=2)
    assert struck(plan, *map(request, range(1, 8))) == [3, 4]
    assert rule.hits == 2


def test_plan_counts_only_what_matches() -> None:
    plan: Plan[Request, Fault] = Plan()
    plan.add(Nameless(), match=lambda request: request.key == "b", skip=1)
    assert struck(plan, *(request(n, f"/bucket/{'ab'[n % 2]}") for n in range(8))) == [3, 5, 7]


def test_plan_with_a_seed_does_not_depend_on_the_order() -> None:
    def outcome(seed: int, order: int) -> set[int]:
        plan: Plan[Request, Fault] = Plan(seed)
        plan.add(Nameless(), probability=0.3)
        return set(struck(plan, *(request(n, f"/bucket/{n}") for n in range(1000)[::order])))

    assert outcome(1, 1) == outcome(1, -1)
    assert outcome(1, 1) != outcome(2, 1)
    assert 250 < len(outcome(1, 1)) < 350


def test_plan_draws_repetitions_anew() -> None:
    plan: Plan[Request, Fault] = Plan()
    plan.add(Nameless(), probability=0.5)
    assert 30 < len(struck(plan, *map(request, range(100)))) < 70
