"""A listing is complete and exact, or ends with a typed error after the pages before it."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import pytest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.utils.data.datapipes.utils.common import match_masks

from faults import Fault, FaultServer, StoredObject, kinds
from integration.fault_matrix import stall_timeout
from integration.pipes import CREDENTIALS, config_for, list_urls, load
from objectpipes import ObjectUrl, S3Config, _store
from objectpipes.errors import (
    AccessDeniedError,
    BucketNotFoundError,
    ConfigError,
    EndpointError,
    ExpiredCredentialsError,
    InvalidURLError,
    ObjectStoreError,
    ProtocolError,
    ReadTimeoutError,
    ServerError,
    ThrottledError,
)
from objectpipes.iter import S3FileLister
from objectpipes.s3_config import ResolvedS3Config

pytestmark = pytest.mark.usefixtures("transport")

KEYS = [f"{i:02}" for i in range(35)]
URLS = [f"s3://bucket/{key}" for key in KEYS]
PAGE = 10
DEADLINE_S = 15.0


def serve(keys: Iterable[str] = KEYS, **options: Any) -> FaultServer:
    """Return a server whose bucket has these keys, each with itself as content."""
    content = {key: key.encode(errors="surrogateescape") for key in keys}
    return FaultServer({"bucket": content, "empty": {}}, **{"page_size": PAGE, **options})


def collect(urls: Iterator[str], into: list[str]) -> None:
    for url in urls:
        into.append(url)


# --- every kind of fault, on the first page and on a later one ---------------------------------

Outcome = type[ObjectStoreError] | None
COMPLETE: Outcome = None


@dataclass(frozen=True)
class Row:
    """What becomes of a listing that meets a fault on one page, or on every page from then on."""

    fault: Fault
    once: Outcome
    always: Outcome
    pages: tuple[int, ...] = (0, 2)
    longest_page_s: float = 300.0


TABLE = [
    Row(kinds.MalformedListing(), COMPLETE, ProtocolError),
    Row(kinds.TruncatedListing(), COMPLETE, ProtocolError),
    Row(kinds.ErrorInside200(), COMPLETE, ServerError),
    Row(kinds.WebPage(), COMPLETE, ProtocolError),
    Row(kinds.WebPage(403), EndpointError, EndpointError),
    Row(kinds.EmptyPage(), COMPLETE, ProtocolError, pages=(0,)),
    Row(kinds.MissingToken(), COMPLETE, ProtocolError),
    Row(kinds.V2Refused(), COMPLETE, COMPLETE, pages=(0,)),
    Row(kinds.V2Ignored(), COMPLETE, COMPLETE, pages=(0,)),
    Row(kinds.ResetBeforeReply(), COMPLETE, EndpointError),
    Row(kinds.ResetAfterHead(), COMPLETE, EndpointError),
    Row(kinds.CloseBeforeReply(), COMPLETE, EndpointError),
    Row(kinds.CloseAt(-1), COMPLETE, EndpointError),
    Row(kinds.StallBeforeReply(), COMPLETE, ReadTimeoutError),
    Row(kinds.StallAt(1000), COMPLETE, ReadTimeoutError),
    Row(kinds.SlowDrip(50), ReadTimeoutError, ReadTimeoutError, longest_page_s=1.0),
    Row(kinds.GarbageStatusLine(), COMPLETE, ProtocolError),
    Row(kinds.Chunked(100), COMPLETE, COMPLETE),
    Row(kinds.NoContentLength(), COMPLETE, COMPLETE),
    Row(kinds.CloseAfterReply(announced=False), COMPLETE, COMPLETE),
    Row(kinds.CloseOnNextRequest(), COMPLETE, COMPLETE),
    Row(kinds.InternalError(), COMPLETE, ServerError),
    Row(kinds.SlowDown(), COMPLETE, ThrottledError),
    Row(kinds.EmptyServiceUnavailable(), COMPLETE, ServerError),
    Row(kinds.AccessDenied(), AccessDeniedError, AccessDeniedError),
    Row(kinds.ExpiredToken(), COMPLETE, ExpiredCredentialsError),
    Row(kinds.RequestTimeTooSkewed(), COMPLETE, COMPLETE),
    Row(kinds.PermanentRedirect("eu-west-1"), COMPLETE, COMPLETE),
    Row(kinds.AuthorizationHeaderMalformed("eu-west-1"), COMPLETE, COMPLETE),
    Row(kinds.RedirectLoop(), COMPLETE, EndpointError),
]


@pytest.mark.parametrize("always", [False, True], ids=["once", "always"])
@pytest.mark.parametrize(
    ("row", "page"),
    [
        pytest.param(row, page, id=f"{type(row.fault).__name__}-page {page}")
        for row in TABLE
        for page in row.pages
    ],
)
def test_matrix(row: Row, always: bool, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The listing is complete, or the right exception follows exactly the earlier pages."""
    expected = row.always if always else row.once
    monkeypatch.setattr(_store, "_MAX_PAGE_MS", round(row.longest_page_s * 1000))
    with serve() as server:
        server.faults.add(row.fault, skip=page, times=None if always else 1)
        found: list[str] = []
        began = time.monotonic()
        try:
            config = config_for(server, stall_timeout=stall_timeout(row.fault))
            collect(iter(S3FileLister(["s3://bucket/"], config=config)), found)
        except ObjectStoreError as error:
            assert type(error) is expected
            assert error.url == "s3://bucket/"
            assert found == URLS[: page * PAGE]
        else:
            assert expected is COMPLETE
            assert found == URLS
        assert time.monotonic() - began < DEADLINE_S


def test_token_loop() -> None:
    """A server that repeats a page for ever is noticed, and no page is yielded twice."""
    with serve() as server:
        server.faults.add(kinds.TokenLoop())
        found: list[str] = []
        with pytest.raises(ProtocolError, match="token twice"):
            collect(iter(S3FileLister(["s3://bucket"], config=config_for(server))), found)
        assert found == URLS[:PAGE]


@pytest.mark.parametrize("fault", [kinds.V2Refused(), kinds.V2Ignored()], ids=["501", "ignored"])
class TestServersWithoutV2:
    """Servers that know only ListObjects are listed exactly."""

    def test_pages(self, fault: Fault) -> None:
        with serve() as server:
            server.faults.add(fault)
            assert list_urls(server) == URLS
            assert len(server.requests) <= 5

    def test_prefix_and_start_after(self, fault: Fault) -> None:
        with serve() as server:
            server.faults.add(fault)
            assert list_urls(server, "s3://bucket/1", start_after="14") == URLS[15:20]
            assert list_urls(server, start_after="04") == URLS[5:]

    def test_folders(self, fault: Fault) -> None:
        keys = [f"{folder:02}/{i}" for folder in range(25) for i in range(3)]
        with serve(keys) as server:
            server.faults.add(fault)
            found = list_urls(server, recursive=False)
            assert found == [f"s3://bucket/{folder:02}/" for folder in range(25)]

    def test_strange_keys(self, fault: Fault) -> None:
        with serve(STRANGE_KEYS) as server:
            server.faults.add(fault)
            assert list_urls(server) == [f"s3://bucket/{key}" for key in sorted(STRANGE_KEYS)]


# --- what is listed ---------------------------------------------------------------------------


def test_prefixes_in_their_order() -> None:
    """A prefix is plain text. A prefix that is given twice is listed twice."""
    with serve(["a/1", "a/2", "ab", "b", "c/"]) as server:
        found = list_urls(server, "s3://bucket/b", "s3://bucket/a", "s3://empty", "s3://bucket/a/")
        names = [url.removeprefix("s3://bucket/") for url in found]
        assert names == ["b", "a/1", "a/2", "ab", "a/1", "a/2"]
        assert list_urls(server, "s3://bucket/a/2") == ["s3://bucket/a/2"]
        assert list_urls(server, "s3://bucket/nothing") == []


def test_keys_that_look_like_folders_are_left_out() -> None:
    with serve(["a/", "a/b", "empty/", "zero"]) as server:
        server.store.put("bucket", "zero", b"")
        assert list_urls(server) == ["s3://bucket/a/b", "s3://bucket/zero"]


def test_url_carries_what_the_listing_said() -> None:
    modified = datetime(2025, 4, 3, 2, 1, tzinfo=timezone.utc)
    obj = StoredObject(b"12345", modified=modified)
    with FaultServer({"bucket": {"key": obj}}) as server:
        [url] = list_urls(server)
        for copy in (url, pickle.loads(pickle.dumps(url))):
            assert isinstance(copy, ObjectUrl)
            assert copy == "s3://bucket/key"
            assert (copy.size, copy.etag, copy.mtime) == (
                5,
                obj.etag.strip('"'),
                modified.timestamp(),
            )


def test_missing_bucket() -> None:
    with serve() as server, pytest.raises(BucketNotFoundError) as caught:
        list_urls(server, "s3://no-such-bucket/prefix")
    assert caught.value.url == "s3://no-such-bucket/prefix"


@pytest.mark.parametrize("prefix", ["", "s3://", "bucket", "S3://bucket", "s3:///key", "http://b/"])
def test_malformed_prefix(prefix: str) -> None:
    """The error comes after the listings of the prefixes before it."""
    with serve() as server:
        found: list[str] = []
        with pytest.raises(InvalidURLError):
            lister = S3FileLister(["s3://bucket/0", prefix], config=config_for(server))
            collect(iter(lister), found)
        assert found == URLS[:10]


@pytest.mark.parametrize("prefix", [None, 1])
def test_prefix_of_wrong_type(prefix: object) -> None:
    with serve() as server, pytest.raises(TypeError):
        list(S3FileLister([prefix], config=config_for(server)))


@pytest.mark.parametrize("source", [None, 1])
def test_source_of_wrong_type(source: object) -> None:
    with serve() as server:
        lister = S3FileLister(source, config=config_for(server))
        with pytest.raises(TypeError, match="not iterable"):
            next(iter(lister))


def test_bytes_are_a_prefix() -> None:
    with serve() as server:
        assert list(S3FileLister([b"s3://bucket/0"], config=config_for(server))) == URLS[:10]


def test_abandoned_listing_begins_anew() -> None:
    """Also from a pickled copy: the pipe keeps no state of a listing."""
    with serve() as server:
        lister = S3FileLister(["s3://bucket"], config=config_for(server))
        iterator = iter(lister)
        assert [next(iterator) for _ in range(15)] == URLS[:15]
        copy = pickle.loads(pickle.dumps(lister))
        assert list(lister) == URLS
        assert list(copy) == URLS


def test_next_page_is_asked_for_ahead() -> None:
    with serve() as server:
        iterator = iter(S3FileLister(["s3://bucket"], config=config_for(server)))
        next(iterator)
        deadline = time.monotonic() + 5
        while len(server.requests) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        assert len(server.requests) == 2


def test_settings_are_read_once_an_iteration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not once per prefix: botocore takes milliseconds to read the settings."""
    resolve = S3Config.resolve
    resolved: list[S3Config] = []

    def counted(config: S3Config) -> ResolvedS3Config:
        resolved.append(config)
        return resolve(config)

    monkeypatch.setattr(S3Config, "resolve", counted)
    with serve() as server:
        prefixes = [f"s3://bucket/{digit}" for digit in range(3)]
        lister = S3FileLister(prefixes, config=config_for(server))
        for iteration in (1, 2):
            assert list(lister) == URLS[:30]
            assert len(resolved) == iteration


def test_one_request_a_page() -> None:
    with serve(page_size=1000) as server:
        assert list_urls(server) == URLS
        assert len(server.requests) == 1


@pytest.mark.parametrize("transport", ["http"], indirect=True)  # the SDK cannot be interrupted
def test_abandoned_listing_leaves_no_request() -> None:
    with serve() as server:
        server.faults.add(kinds.StallBeforeReply(), skip=1)
        iterator = iter(S3FileLister(["s3://bucket"], config=config_for(server)))
        next(iterator)
        iterator.close()  # type: ignore[attr-defined]
        deadline = time.monotonic() + 2
        while server.open_connections and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.open_connections == 0


# --- masks, filters, folders ------------------------------------------------------------------

NAMES = ["1.csv", "2.csv", "10.txt", "a/1.csv", "a/b.jpg", "a/B.jpg", "[x]", "ab", "a?b"]


def matching(masks: str | list[str]) -> list[str]:
    """Return what torchdata would have listed."""
    urls = [f"s3://bucket/{name}" for name in sorted(NAMES)]
    return [url for url in urls if match_masks(url, masks)]


@pytest.mark.parametrize(
    "masks",
    ["", [], "*", "*.csv", "1.csv", "*/1.csv", ["*.csv", "*.jpg"], "*/?.csv", "*[0-9].txt", "*[!0-9]",
     "*[[]x]", "*a*b*", "s3://*", "*.CSV", ["", "*.csv"], [""], ["", "*.[c]sv"], ["none", "*.txt"], "*a?b", "**", "*/[ab]/*",
     "\ud800", ["*.csv", "*\udcff*"]],
)  # fmt: skip
def test_masks(masks: str | list[str]) -> None:
    with serve(NAMES) as server:
        assert list_urls(server, masks=masks) == matching(masks)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(masks=st.lists(st.text("*?[]!-ab1./csv", max_size=8), min_size=1, max_size=3))
def test_any_masks(masks: list[str]) -> None:
    with serve(NAMES) as server:
        assert list_urls(server, masks=masks) == matching(masks)


def test_filters_by_size() -> None:
    content = {f"{size:03}": bytes(size) for size in range(0, 100, 10)}
    with FaultServer({"bucket": content}, page_size=3) as server:
        assert len(list_urls(server)) == 10
        found = list_urls(server, min_size=20, max_size=50)
        assert found == [f"s3://bucket/{size:03}" for size in (20, 30, 40, 50)]
        assert list_urls(server, max_size=0) == ["s3://bucket/000"]
        assert list_urls(server, min_size=91) == []


def test_filter_by_time() -> None:
    moments = [datetime(2025, 1, day, tzinfo=timezone.utc) for day in (1, 2, 3)]
    content = {f"{moment.day}": StoredObject(b"", modified=moment) for moment in moments}
    with FaultServer({"bucket": content}) as server:
        for after in (moments[1], moments[1].timestamp()):
            assert list_urls(server, modified_after=after) == ["s3://bucket/3"]
        with pytest.raises(ConfigError, match="time zone"):
            list_urls(server, modified_after=datetime(2025, 1, 2))


def test_start_after() -> None:
    with serve() as server:
        assert list_urls(server, start_after="04") == URLS[5:]
        assert list_urls(server, start_after="045") == URLS[5:]
        assert list_urls(server, start_after="99") == []
        assert list_urls(server, "s3://bucket/2", start_after="21") == URLS[22:30]


def test_folders() -> None:
    keys = ["a/1", "a/b/2", "b", "c/3", "c/4", "d-e", "d-f"]
    with serve(keys, page_size=2) as server:
        bucket = "s3://bucket/"
        assert list_urls(server, recursive=False) == [
            bucket + name for name in ("a/", "b", "c/", "d-e", "d-f")
        ]
        assert list_urls(server, bucket + "a/", recursive=False) == [
            bucket + name for name in ("a/1", "a/b/")
        ]
        assert list_urls(server, recursive=False, delimiter="-") == [
            bucket + name for name in ("a/1", "a/b/2", "b", "c/3", "c/4", "d-")
        ]
        assert list_urls(server, recursive=False, start_after="b") == [
            bucket + name for name in ("c/", "d-e", "d-f")
        ]


def test_folders_need_a_delimiter() -> None:
    with pytest.raises(ConfigError):
        S3FileLister(["s3://bucket"], recursive=False, delimiter="")


# --- strange keys -----------------------------------------------------------------------------

STRANGE_KEYS = [
    " ", " leading and trailing ", "+plus", "100%", "%41 is not A", "%zz", "q?x=1&y=2", "#hash",
    "semi;colon=equals", "a:b@c,d", "quotes'\"`", "<tag>&amp;</tag>", "{brace}|\\back^slash~[x]",
    "*star*", "(paren)!$", "a//b", "/leading", "//two//and///three", "./dot", "../../dots/./x/..",
    ".", "..", "a/../b", "ünïcödé", "日本/語", "emoji 😀", "e\u0301 decomposed", "new\nline",
    "carriage\rreturn", "tab\t", "control\x01\x1f", "del\x7f", "k" * 1000, "é" * 500,
    "\u2028 line separator", "\ufeffbom", "s3://bucket/key", "CON", "-", "null", "a" * 255 + "/b",
]  # fmt: skip
NOT_UTF_8 = ["latin-1 \udce9", "\udcff\udcfe", "cut \udce6\udc97", "a/\udc80/b"]


@pytest.mark.parametrize("page_size", [1000, 1], ids=["one page", "a key a page"])
@pytest.mark.parametrize("keys", [STRANGE_KEYS, NOT_UTF_8], ids=["strange", "not UTF-8"])
def test_strange_keys_are_listed_and_loaded(
    keys: list[str], page_size: int, transport: str
) -> None:
    """To the byte, with all requests signed, also as a prefix and as start_after."""
    if transport == "aws":  # which refuses the others: see test_aws.py
        keys = [key for key in keys if not {".", ".."} & set(key.split("/"))]
    credentials = Credentials(CREDENTIALS.access_key, CREDENTIALS.secret_key)
    with serve(keys, page_size=page_size, credentials=credentials) as server:
        urls = [f"s3://bucket/{key}" for key in sorted(keys)]
        found = list_urls(server)
        assert found == urls
        expected = [(url, url[12:].encode(errors="surrogateescape")) for url in urls]
        assert load(server, found) == expected
        assert load(server, [str(url) for url in found]) == expected


@pytest.mark.parametrize("key", STRANGE_KEYS + NOT_UTF_8, ids=ascii)
def test_strange_prefix(key: str) -> None:
    with serve([*STRANGE_KEYS, *NOT_UTF_8], page_size=1000) as server:
        found = list_urls(server, f"s3://bucket/{key}")
        assert f"s3://bucket/{key}" in found
        assert all(url.startswith(f"s3://bucket/{key}") for url in found)


def test_bytes_are_a_url() -> None:
    with serve(["latin-1 \udce9"]) as server:
        [(url, data)] = load(server, [b"s3://bucket/latin-1 \xe9"])  # type: ignore[list-item]
        assert url == b"s3://bucket/latin-1 \xe9"  # type: ignore[comparison-overlap]
        assert data == b"latin-1 \xe9"
