"""Every kind of fault does what its name says, byte for byte on the wire."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import trustme
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import faults
from faults import Fault, FaultServer, kinds

DATA = bytes(range(256)) * 512
SILENCE = 0.1  # seconds without a byte after which a server that should stall counts as stalled


@dataclass(frozen=True)
class Outcome:
    """What a client has seen until the server closed or reset the connection, or fell silent."""

    received: bytes
    end: str = "not yet"

    @property
    def head(self) -> bytes:
        return self.received.partition(b"\r\n\r\n")[0]

    @property
    def body(self) -> bytes:
        return self.received.partition(b"\r\n\r\n")[2]

    @property
    def status(self) -> int:
        return int(self.head.split(b" ")[1])

    @property
    def headers(self) -> dict[str, str]:
        lines = self.head.decode().split("\r\n")[1:]
        return dict(line.split(": ", 1) for line in lines)


def ask(
    server: FaultServer,
    target: str = "/bucket/key",
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
    stalls_after: int | None = None,
) -> Outcome:
    """Send one request and read to the end, which for a stall comes after so many bytes of body."""
    lines = {"Host": f"127.0.0.1:{server.port}", "Connection": "close", **(headers or {})}
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        sock.sendall(f"{method} {target} HTTP/1.1\r\n{text}\r\n".encode())
        return read_to_end(sock, stalls_after)


def read_to_end(sock: socket.socket, stalls_after: int | None = None) -> Outcome:
    received = b""
    while True:
        stalled = stalls_after is not None and len(Outcome(received).body) >= stalls_after
        sock.settimeout(SILENCE if stalled else 30)
        try:
            data = sock.recv(1 << 20)
        except ConnectionResetError:
            return Outcome(received, "reset")
        except ssl.SSLEOFError:
            return Outcome(received, "cut")
        except TimeoutError:
            return Outcome(received, "silence")
        if not data:
            return Outcome(received, "close")
        received += data


def one(fault: Fault, **request: Any) -> Outcome:
    """Return what becomes of one GET of DATA."""
    with FaultServer({"bucket": {"key": DATA}}, checksum="CRC32C") as server:
        server.faults.add(fault)
        return ask(server, **request)


def two(fault: Fault, **request: Any) -> tuple[Outcome, Outcome]:
    """Return what becomes of a GET of DATA with and one without the fault."""
    with FaultServer({"bucket": {"key": DATA}}, checksum="CRC32C") as server:
        server.faults.add(fault, times=1)
        first = ask(server, **request)
        return first, ask(server, **request)


def test_every_kind_is_tested_here() -> None:
    tests = Path(__file__).read_text()
    assert [kind for kind in kinds.__all__ if f"kinds.{kind}(" not in tests] == []


def test_every_kind_is_in_the_readme() -> None:
    readme = (Path(faults.__file__).parent / "README.md").read_text()
    assert [kind for kind in kinds.__all__ if f"`{kind}(" not in readme] == []


def test_every_kind_says_what_it_does_in_one_sentence() -> None:
    for kind in kinds.__all__:
        sentence = getattr(kinds, kind).__doc__
        assert sentence
        assert sentence.endswith(".")
        assert "\n" not in sentence


# How the reply travels.


def test_reset_before_reply() -> None:
    assert one(kinds.ResetBeforeReply()) == Outcome(b"", "reset")


def test_close_before_reply() -> None:
    assert one(kinds.CloseBeforeReply()) == Outcome(b"", "close")


def test_reset_after_head() -> None:
    outcome = one(kinds.ResetAfterHead())
    assert (outcome.status, outcome.body, outcome.end) == (200, b"", "reset")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells when bytes have arrived")
@pytest.mark.parametrize("offset", [0, 1, 65537, len(DATA) - 1, len(DATA)])
def test_reset_at(offset: int) -> None:
    outcome = one(kinds.ResetAt(offset))
    assert outcome.headers["Content-Length"] == str(len(DATA))
    assert (outcome.body, outcome.end) == (DATA[:offset], "reset")


@pytest.mark.parametrize("offset", [0, 1, 65537, len(DATA) - 1])
def test_close_at(offset: int) -> None:
    outcome = one(kinds.CloseAt(offset))
    assert outcome.headers["Content-Length"] == str(len(DATA))
    assert (outcome.body, outcome.end) == (DATA[:offset], "close")


def test_offsets_may_count_from_the_end_and_never_miss() -> None:
    assert one(kinds.CloseAt(-1)).body == DATA[:-1]
    assert one(kinds.CloseAt(-1 << 30)).body == b""
    assert one(kinds.CloseAt(1 << 30)).body == DATA


def test_stall_before_reply() -> None:
    assert one(kinds.StallBeforeReply(), stalls_after=0) == Outcome(b"", "silence")
    outcome = one(kinds.StallBeforeReply(seconds=0.1))
    assert (outcome.body, outcome.end) == (DATA, "close")


def test_stall_at() -> None:
    outcome = one(kinds.StallAt(1000), stalls_after=1000)
    assert (outcome.body, outcome.end) == (DATA[:1000], "silence")
    started = time.monotonic()
    outcome = one(kinds.StallAt(1000, seconds=0.1))
    assert (outcome.body, outcome.end) == (DATA, "close")
    assert time.monotonic() - started >= 0.1


def test_stalls_end_when_the_client_leaves() -> None:
    """Otherwise a suite of stalls would pile up threads."""
    with FaultServer({"bucket": {"key": DATA}}) as server:
        server.faults.add(kinds.StallAt(1000))
        ask(server, stalls_after=1000)
        deadline = time.monotonic() + 5
        while server.open_connections and time.monotonic() < deadline:
            time.sleep(0.001)
        assert not server.open_connections


def test_slow_drip() -> None:
    started = time.monotonic()
    outcome = one(kinds.SlowDrip(rate=len(DATA) * 5))
    assert (outcome.body, outcome.end) == (DATA, "close")
    assert 0.2 <= time.monotonic() - started < 2


def test_garbage_status_line() -> None:
    outcome = one(kinds.GarbageStatusLine())
    assert not outcome.received.startswith(b"HTTP/")
    assert outcome.end == "close"


def test_informational_first() -> None:
    outcome = one(kinds.InformationalFirst(count=3))
    head, _, rest = outcome.received.partition(b"HTTP/1.1 200 OK\r\n")
    assert head == b"HTTP/1.1 100 Continue\r\n\r\n" * 3
    assert rest.endswith(DATA)
    assert one(kinds.InformationalFirst(status=103)).status == 103


def test_oversized_headers() -> None:
    outcome = one(kinds.OversizedHeaders(size=300_000))
    assert len(outcome.head) > 300_000
    assert outcome.body == DATA


def test_chunked() -> None:
    with FaultServer({"bucket": {"key": DATA, "empty": b""}}) as server:
        server.faults.add(kinds.Chunked(size=1000))
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        for key, expected in [("key", DATA), ("empty", b"")] * 2:
            connection.request("GET", f"/bucket/{key}")
            response = connection.getresponse()
            assert "Content-Length" not in response.headers
            assert response.headers["Transfer-Encoding"] == "chunked"
            assert response.read() == expected
        connection.close()


def test_no_content_length() -> None:
    outcome = one(kinds.NoContentLength(), headers={"Connection": "keep-alive"})
    assert "Content-Length" not in outcome.headers
    assert outcome.headers["Connection"] == "close"
    assert (outcome.body, outcome.end) == (DATA, "close")


def test_close_after_reply() -> None:
    keep = {"Connection": "keep-alive"}
    announced = one(kinds.CloseAfterReply(), headers=keep)
    assert announced.headers["Connection"] == "close"
    assert (announced.body, announced.end) == (DATA, "close")
    silent = one(kinds.CloseAfterReply(announced=False), headers=keep)
    assert "Connection" not in silent.headers
    assert (silent.body, silent.end) == (DATA, "close")


def test_close_on_next_request() -> None:
    with FaultServer({"bucket": {"key": b"data"}}) as server:
        server.faults.add(kinds.CloseOnNextRequest())
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            sock.sendall(b"GET /bucket/key HTTP/1.1\r\n\r\n")
            first = read_to_end(sock, stalls_after=4)
            assert (first.body, first.end) == (b"data", "silence")
            sock.sendall(b"GET /bucket/key HTTP/1.1\r\n\r\n")
            assert read_to_end(sock) == Outcome(b"", "close")
    assert len(server.requests) == 1


# Refusals.


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        (kinds.InternalError(), 500, b"<Code>InternalError</Code>"),
        (kinds.BadGateway(), 502, b"<html>"),
        (kinds.EmptyServiceUnavailable(), 503, b""),
        (kinds.SlowDown(), 503, b"<Code>SlowDown</Code>"),
        (kinds.TooManyRequests(), 429, b"<Code>TooManyRequests</Code>"),
        (kinds.AccessDenied(), 403, b"<Code>AccessDenied</Code>"),
        (kinds.ExpiredToken(), 400, b"<Code>ExpiredToken</Code>"),
        (kinds.ExpiredToken(status=403), 403, b"<Code>ExpiredToken</Code>"),
        (kinds.NoSuchKey(), 404, b"<Code>NoSuchKey</Code>"),
        (kinds.ErrorReply(418, "Teapot", {"Pot": "<1>"}), 418, b"<Pot>&lt;1&gt;</Pot>"),
    ],
)
def test_error_reply_once(fault: Fault, status: int, body: bytes) -> None:
    first, second = two(fault)
    assert first.status == status
    assert body in first.body
    assert first.headers["Content-Length"] == str(len(first.body))
    assert (second.status, second.body) == (200, DATA)


def test_errors_have_no_body_for_head() -> None:
    outcome = one(kinds.InternalError(), method="HEAD")
    assert (outcome.status, outcome.body) == (500, b"")
    assert int(outcome.headers["Content-Length"]) > 0


def test_throttling_names_seconds_on_request() -> None:
    assert "Retry-After" not in one(kinds.SlowDown()).headers
    assert one(kinds.SlowDown(retry_after=7)).headers["Retry-After"] == "7"
    assert "Retry-After" not in one(kinds.TooManyRequests()).headers
    assert one(kinds.TooManyRequests(retry_after=7)).headers["Retry-After"] == "7"


def test_range_not_satisfiable() -> None:
    assert one(kinds.RangeNotSatisfiable(), headers={"Range": "bytes=0-9"}).status == 416
    assert one(kinds.RangeNotSatisfiable()).status == 200


def test_request_time_too_skewed() -> None:
    def ask_at(clock: float) -> Outcome:
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(clock))
        return one(kinds.RequestTimeTooSkewed(ahead=3600), headers={"x-amz-date": date})

    before = time.time()
    refused = ask_at(before)
    assert refused.status == 403
    assert b"<Code>RequestTimeTooSkewed</Code>" in refused.body
    server_time = parsedate_to_datetime(refused.headers["Date"]).timestamp()
    assert before - 1 <= server_time - 3600 <= time.time() + 1
    assert ask_at(server_time).body == DATA


def test_region_hints() -> None:
    def signed_for(region: str) -> dict[str, str]:
        return {
            "Authorization": f"AWS4-HMAC-SHA256 Credential=ID/20260101/{region}/s3/aws4_request"
        }

    redirect = kinds.PermanentRedirect("eu-west-3")
    refused = one(redirect, headers=signed_for("us-east-1"))
    assert refused.status == 301
    assert refused.headers["x-amz-bucket-region"] == "eu-west-3"
    assert b"<Code>PermanentRedirect</Code>" in refused.body
    assert one(redirect, headers=signed_for("eu-west-3")).body == DATA

    malformed = kinds.AuthorizationHeaderMalformed("eu-west-3")
    refused = one(malformed, headers=signed_for("us-east-1"))
    assert refused.status == 400
    assert b"<Region>eu-west-3</Region>" in refused.body
    assert one(malformed, headers=signed_for("eu-west-3")).body == DATA


def test_temporary_redirect() -> None:
    target = "/bucket/key?partNumber=1"
    outcome = one(kinds.TemporaryRedirect("http://127.0.0.1:1"), target=target)
    assert outcome.status == 307
    assert outcome.headers["Location"] == f"http://127.0.0.1:1{target}"
    assert b"<Code>TemporaryRedirect</Code>" in outcome.body


def test_redirect_loop() -> None:
    with FaultServer({"bucket": {"key": DATA}}) as server:
        server.faults.add(kinds.RedirectLoop())
        outcome = ask(server)
        assert outcome.headers["Location"] == f"{server.endpoint}/bucket/key"


@pytest.mark.parametrize("target", ["/bucket/key", "/bucket?list-type=2"])
def test_error_inside_200(target: str) -> None:
    outcome = one(kinds.ErrorInside200(), target=target)
    assert outcome.status == 200
    assert outcome.headers["Content-Length"] == str(len(outcome.body))
    assert ElementTree.fromstring(outcome.body).findtext("Code") == "InternalError"


def test_web_page() -> None:
    outcome = one(kinds.WebPage())
    assert (outcome.status, outcome.headers["Content-Type"]) == (200, "text/html")
    assert "x-amz-request-id" not in outcome.headers
    assert one(kinds.WebPage(status=407)).status == 407


def test_rotate_credentials() -> None:
    old, new = Credentials("OLD", "old secret"), Credentials("NEW", "new secret", "token")
    with FaultServer({"bucket": {"key": DATA}}, credentials=old) as server:

        def ask_as(credentials: Credentials) -> Outcome:
            request = AWSRequest("GET", f"{server.endpoint}/bucket/key")
            S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(request)
            return ask(server, headers=dict(request.headers))

        server.faults.add(kinds.RotateCredentials(new), skip=1, times=1)
        assert ask_as(old).body == DATA
        refused = ask_as(old)
        assert refused.status == 400
        assert b"<Code>ExpiredToken</Code>" in refused.body
        assert ask_as(old).status == 400
        assert ask_as(new).body == DATA


# Content.


def test_bit_flip() -> None:
    flipped = bytearray(DATA)
    flipped[5000] ^= 1 << 7
    first, second = two(kinds.BitFlip(5000, bit=7), headers={"x-amz-checksum-mode": "ENABLED"})
    assert first.body == flipped
    assert first.headers["x-amz-checksum-crc32c"] == second.headers["x-amz-checksum-crc32c"]
    assert second.body == DATA


def test_bit_flip_waits_for_the_range_that_covers_it() -> None:
    with FaultServer({"bucket": {"key": DATA}}) as server:
        rule = server.faults.add(kinds.BitFlip(5000), times=1)
        assert ask(server, headers={"Range": "bytes=0-4999"}).body == DATA[:5000]
        assert ask(server, headers={"Range": "bytes=5001-"}).body == DATA[5001:]
        assert ask(server, method="HEAD").status == 200
        assert rule.hits == 0
        assert ask(server, headers={"Range": "bytes=4999-5001"}).body == b"\x87\x89\x89"
        assert rule.hits == 1


def test_wrong_checksum() -> None:
    first, second = two(kinds.WrongChecksum(), headers={"x-amz-checksum-mode": "ENABLED"})
    wrong, right = (outcome.headers["x-amz-checksum-crc32c"] for outcome in (first, second))
    assert wrong != right
    assert len(base64.b64decode(wrong)) == len(base64.b64decode(right)) == 4
    assert first.headers["x-amz-checksum-type"] == "FULL_OBJECT"
    assert first.body == DATA


def test_checksum_on_range() -> None:
    asked = {"x-amz-checksum-mode": "ENABLED", "Range": "bytes=0-9"}
    first, second = two(kinds.ChecksumOnRange(), headers=asked)
    whole = one(kinds.StallBeforeReply(0), headers={"x-amz-checksum-mode": "ENABLED"})
    checksum = "x-amz-checksum-crc32c"
    assert (first.status, first.body) == (206, DATA[:10])
    assert first.headers[checksum] == whole.headers[checksum]
    assert checksum not in second.headers


def test_ignore_range() -> None:
    outcome = one(kinds.IgnoreRange(), headers={"Range": "bytes=10-19"})
    assert (outcome.status, outcome.body) == (200, DATA)
    assert "Content-Range" not in outcome.headers


def test_wrong_content_range() -> None:
    outcome = one(kinds.WrongContentRange(shift=5), headers={"Range": "bytes=10-19"})
    assert outcome.headers["Content-Range"] == f"bytes 15-24/{len(DATA)}"
    assert (outcome.status, outcome.body) == (206, DATA[10:20])


def test_wrong_total() -> None:
    outcome = one(kinds.WrongTotal(by=-1), headers={"Range": "bytes=10-19"})
    assert outcome.headers["Content-Range"] == f"bytes 10-19/{len(DATA) - 1}"
    assert (outcome.status, outcome.body) == (206, DATA[10:20])


@pytest.mark.parametrize("by", [1, -1])
def test_wrong_content_length(by: int) -> None:
    fault = kinds.WrongContentLength(by)
    outcome = one(fault, headers={"Connection": "keep-alive"}, stalls_after=len(DATA))
    assert outcome.headers["Content-Length"] == str(len(DATA) + by)
    assert (outcome.body, outcome.end) == (DATA, "silence")


def test_short_body() -> None:
    outcome = one(kinds.ShortBody(by=3))
    assert outcome.headers["Content-Length"] == str(len(DATA) - 3)
    assert outcome.body == DATA[:-3]


def test_replace_object() -> None:
    with FaultServer({"bucket": {"key": DATA}}) as server:
        server.faults.add(kinds.ReplaceObject(b"something new"), skip=1, times=1)
        old = ask(server, headers={"Range": "bytes=0-9"})
        pinned = {"Range": "bytes=5-9", "If-Match": old.headers["ETag"]}
        assert ask(server, headers=pinned).status == 412
        new = ask(server, headers={"Range": "bytes=5-9"})
    assert old.body == DATA[:10]
    assert new.body == b"hing "
    assert new.headers["ETag"] != old.headers["ETag"]


def test_ignore_if_match() -> None:
    """Together with ReplaceObject: the object changes and the server does not care."""
    with FaultServer({"bucket": {"key": DATA}}) as server:
        etag = ask(server).headers["ETag"]
        server.faults.add(kinds.ReplaceObject(b"something new"), times=1)
        server.faults.add(kinds.IgnoreIfMatch())
        outcome = ask(server, headers={"If-Match": etag})
    assert (outcome.status, outcome.body) == (200, b"something new")
    assert outcome.headers["ETag"] != etag


def test_missing_etag() -> None:
    outcome = one(kinds.MissingETag())
    assert "ETag" not in outcome.headers
    assert outcome.body == DATA


def test_weak_etag() -> None:
    with FaultServer({"bucket": {"key": DATA}}) as server:
        server.faults.add(kinds.WeakETag())
        etag = ask(server).headers["ETag"]
        assert etag.startswith('W/"')
        assert ask(server, headers={"If-Match": etag}).status == 412


# Listings.

LISTED = {"bucket": {f"key{number}": b"" for number in range(5)}}
V2 = "/bucket?list-type=2"


def page(server: FaultServer, target: str) -> tuple[list[str], ElementTree.Element]:
    """Return the keys of a page and its document, without namespaces."""
    document = ElementTree.fromstring(ask(server, target).body.replace(b" xmlns=", b" name="))
    return [element.text or "" for element in document.iterfind("Contents/Key")], document


def token(document: ElementTree.Element) -> str:
    return f"&continuation-token={quote(document.findtext('NextContinuationToken') or '', safe='')}"


@pytest.mark.parametrize("target", [V2, "/bucket"])
@pytest.mark.parametrize("fault", [kinds.MalformedListing(), kinds.TruncatedListing()])
def test_unreadable_listing(fault: Fault, target: str) -> None:
    with FaultServer(LISTED) as server:
        server.faults.add(fault)
        outcome = ask(server, target)
    assert outcome.status == 200
    assert outcome.headers["Content-Length"] == str(len(outcome.body))
    with pytest.raises(ElementTree.ParseError):
        ElementTree.fromstring(outcome.body)


def test_token_loop() -> None:
    with FaultServer(LISTED, page_size=2) as server:
        server.faults.add(kinds.TokenLoop())
        keys, document = page(server, V2)
        assert keys == ["key0", "key1"]
        for _ in range(3):
            keys, document = page(server, V2 + token(document))
            assert keys == ["key2", "key3"]
            assert document.findtext("IsTruncated") == "true"


def test_missing_token() -> None:
    with FaultServer(LISTED, page_size=2) as server:
        server.faults.add(kinds.MissingToken())
        keys, document = page(server, V2)
    assert keys == ["key0", "key1"]
    assert document.findtext("IsTruncated") == "true"
    assert document.find("NextContinuationToken") is None


@pytest.mark.parametrize("empty", [0, 1, 2])
def test_empty_page(empty: int) -> None:
    with FaultServer(LISTED, page_size=2) as server:
        server.faults.add(kinds.EmptyPage(), skip=empty, times=1)
        keys, document = page(server, V2)
        pages = [keys]
        while document.findtext("IsTruncated") == "true":
            keys, document = page(server, V2 + token(document))
            pages.append(keys)
    assert pages.index([]) == empty
    assert [key for keys in pages for key in keys] == list(LISTED["bucket"])


def test_v2_refused() -> None:
    with FaultServer(LISTED) as server:
        server.faults.add(kinds.V2Refused())
        assert ask(server, V2).status == 501
        assert page(server, "/bucket")[0] == list(LISTED["bucket"])


def test_v2_ignored() -> None:
    with FaultServer(LISTED, page_size=2) as server:
        server.faults.add(kinds.V2Ignored())
        keys, document = page(server, f"{V2}&start-after=key1")
        assert keys == ["key0", "key1"]
        assert document.find("KeyCount") is None
        assert document.find("NextContinuationToken") is None
        assert page(server, f"{V2}&marker=key1")[0] == ["key2", "key3"]


# Combinations.


def test_faults_combine() -> None:
    """A flipped bit in a chunked, dripping body that ends too early."""
    with FaultServer({"bucket": {"key": DATA}}) as server:
        server.faults.add(kinds.BitFlip(0))
        server.faults.add(kinds.Chunked(size=100))
        server.faults.add(kinds.SlowDrip(rate=1e6))
        server.faults.add(kinds.CloseAt(50))
        outcome = ask(server)
    assert outcome.body == b"64\r\n\x01" + DATA[1:46]
    assert outcome.end == "close"


def test_kinds_strike_only_what_they_apply_to() -> None:
    """Else a rule for one strike might be used up by a request it cannot change."""
    with FaultServer({"bucket": {"key": DATA}}) as server:
        rules = [
            server.faults.add(fault)
            for fault in (
                kinds.IgnoreRange(),
                kinds.IgnoreIfMatch(),
                kinds.WrongChecksum(),
                kinds.TokenLoop(),
                kinds.MalformedListing(),
            )
        ]
        assert ask(server).body == DATA
    assert [rule.hits for rule in rules] == [0] * 5


def test_faults_under_tls(tmp_path: Path) -> None:
    """A good end has TLS's goodbye, a cut one has none."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    with FaultServer({"bucket": {"key": DATA}}, tls=context) as server:

        def ask_securely(stalls_after: int | None = None) -> Outcome:
            raw = socket.create_connection(("127.0.0.1", server.port))
            with trusting.wrap_socket(
                raw, server_hostname="127.0.0.1", suppress_ragged_eofs=False
            ) as sock:
                sock.sendall(b"GET /bucket/key HTTP/1.1\r\nConnection: close\r\n\r\n")
                return read_to_end(sock, stalls_after)

        good = ask_securely()
        assert (good.body, good.end) == (DATA, "close")
        server.faults.add(kinds.ResetAt(1000), times=1)
        reset = ask_securely()
        assert reset.body == DATA[:1000]
        assert reset.end in ("reset", "cut")  # Python before 3.13 does not tell them apart
        server.faults.add(kinds.StallAt(1000), times=1)
        stalled = ask_securely(stalls_after=1000)
        assert (stalled.body, stalled.end) == (DATA[:1000], "silence")
        server.faults.add(kinds.CloseAt(1000), times=1)
        cut = ask_securely()
        assert (cut.body, cut.end) == (DATA[:1000], "cut")
