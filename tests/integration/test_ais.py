"""The AIStore pipes on live clusters."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator

import pytest
from xxhash import xxh64

from faults import Fault, FaultServer, Request, kinds, stream
from faults.fault import Serve
from faults.messages import Reply
from faults.store import Store
from integration.ais_gateway import FaultNode, proxied_targets
from integration.clusters import fill, list_urls, load, new_bucket, running
from objectpipes import AISConfig, Credentials, ObjectUrl, S3Config, stats
from objectpipes.errors import (
    BucketNotFoundError,
    EndpointError,
    InvalidURLError,
    NotSupportedError,
    ObjectChangedError,
    ObjectNotFoundError,
    ObjectStoreError,
    ServerError,
)
from objectpipes.iter import AISFileLister, AISFileLoader, S3FileLister
from servers import AIStore

# What AIStore accepts, and some client or server between here and a disk might not.
NASTY_NAMES = [
    "a b",
    "a+b",
    "a%20b",
    "a?b=c&d#e",
    "quote\"'<>|\\^`{}[]",
    "tab\there",
    "line\nfeed",
    "carriage\r\nreturn",
    "del\x7f",
    "é",
    "e\u0301",
    "日本/語",
    "x" * 200,
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[AIStore]:
    with running(AIStore()) as cluster:
        yield cluster


@pytest.fixture
def bucket(cluster: AIStore) -> str:
    """Make an empty bucket."""
    return new_bucket(cluster)


def tar_of(members: dict[str, bytes]) -> bytes:
    """Make an archive of files, from their content by name."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


class TestListing:
    def test_urls_carry_what_the_cluster_lists(self, cluster: AIStore) -> None:
        bucket = new_bucket(cluster, {"versioning": {"enabled": True}})
        cluster.put(bucket, "key", b"old")
        cluster.put(bucket, "key", b"content")
        (url,) = list_urls(cluster, f"ais://{bucket}")
        assert isinstance(url, ObjectUrl)
        assert url.size == 7
        assert url.checksum == xxh64(b"content").hexdigest()
        assert url.version == "2"

    def test_pages(self, cluster: AIStore, bucket: str) -> None:
        """Two of 10,000 names: also behind the last, full one is a token, and leads to nothing."""
        members = [f"{number:04}" for number in range(9_999)]
        content = tar_of(dict.fromkeys(members, b""))
        names = []
        for archive in ("a.tar", "b.tar"):
            cluster.put(bucket, archive, content)
            names += [archive, *(f"{archive}/{member}" for member in members)]
        urls = list_urls(cluster, f"ais://{bucket}", archive_members=True)
        assert urls == [f"ais://{bucket}/{name}" for name in names]

    def test_start_after(self, cluster: AIStore, bucket: str) -> None:
        urls = list(fill(cluster, bucket, ["a", "b", "c", "d/e"], size=1))
        assert list_urls(cluster, f"ais://{bucket}", start_after="b") == urls[2:]

    def test_prefix_that_is_a_directory(self, cluster: AIStore, bucket: str) -> None:
        """On the disk that has it, the cluster would list only what is inside."""
        names = [f"d/{name}/{i}" for i in range(20) for name in ("p1", "p10", "p2")]
        urls = sorted(fill(cluster, bucket, names, size=1))
        prefix = f"ais://{bucket}/d/p1"
        assert list_urls(cluster, prefix) == [url for url in urls if url.startswith(prefix)]
        assert list_urls(cluster, prefix, recursive=False) == [f"{prefix}/", f"{prefix}0/"]

    @pytest.mark.parametrize("start_after", ["s.tar", "s.tar.idx", "s.tar/1"])
    def test_start_after_in_an_archive(
        self, cluster: AIStore, bucket: str, start_after: str
    ) -> None:
        """The cluster itself would list none of the members."""
        cluster.put(bucket, "s.tar", tar_of({"1": b"", "2": b"", "3": b""}))
        fill(cluster, bucket, ["a", "s.tar.idx", "z"], size=1)
        root = f"ais://{bucket}"
        names = ["a", "s.tar", "s.tar.idx", "s.tar/1", "s.tar/2", "s.tar/3", "z"]
        behind = [f"{root}/{name}" for name in names if name > start_after]
        assert list_urls(cluster, root, archive_members=True, start_after=start_after) == behind

    def test_prefix_in_an_archive(self, cluster: AIStore, bucket: str) -> None:
        cluster.put(bucket, "d/s.tar", tar_of({"a/1": b"", "a/2": b"", "b": b""}))
        archive = f"ais://{bucket}/d/s.tar"
        urls = list_urls(cluster, f"{archive}/a", archive_members=True)
        assert urls == [f"{archive}/a/1", f"{archive}/a/2"]

    def test_archive_without_extension(self, cluster: AIStore, bucket: str) -> None:
        """By its name, the cluster takes it for an object when it lists, not when it reads."""
        cluster.put(bucket, "shard", tar_of({"member": b"inside"}))
        url = f"ais://{bucket}/shard"
        assert list_urls(cluster, f"ais://{bucket}", archive_members=True) == [url]
        assert load(cluster, [url], archpath="member") == {url: b"inside"}

    def test_unreadable_archive(self, cluster: AIStore, bucket: str) -> None:
        """At the first one, a target silently ends its part of a listing with members."""
        names = [f"{number:02}" for number in range(30)]
        fill(cluster, bucket, names, size=1)
        cluster.put(bucket, "00.tar", b"no archive" * 1000)
        lister = AISFileLister([f"ais://{bucket}"], cluster.endpoint, archive_members=True)
        with pytest.raises(ServerError, match=r"of 31 objects.*allow_partial=True"):
            list(lister)
        partial = list_urls(cluster, f"ais://{bucket}", archive_members=True, allow_partial=True)
        assert len(partial) < 31

    def test_filters(self, cluster: AIStore, bucket: str) -> None:
        fill(cluster, bucket, ["a.jpg", "b.png"], size=10)
        fill(cluster, bucket, ["c.jpg", "d/e.jpg"], size=20)
        prefix = f"ais://{bucket}/"
        assert list_urls(cluster, prefix, masks="*.png") == [prefix + "b.png"]
        assert list_urls(cluster, prefix, min_size=11) == [prefix + "c.jpg", prefix + "d/e.jpg"]
        assert list_urls(cluster, prefix, max_size=10) == [prefix + "a.jpg", prefix + "b.png"]
        assert list_urls(cluster, prefix, recursive=False)[-1] == prefix + "d/"

    def test_empty_bucket(self, cluster: AIStore, bucket: str) -> None:
        assert list_urls(cluster, f"ais://{bucket}") == []

    def test_missing_bucket(self, cluster: AIStore) -> None:
        with pytest.raises(BucketNotFoundError) as caught:
            list_urls(cluster, "ais://no-such-bucket")
        assert caught.value.status == 404
        assert caught.value.code == "ErrBckNotFound"

    def test_scheme_is_kept_as_written(self, cluster: AIStore) -> None:
        """`s3` and `aws` are the same provider, which this cluster lacks."""
        for scheme in ("s3", "aws"):
            with pytest.raises(ObjectStoreError, match=f"{scheme}://bucket"):
                list_urls(cluster, f"{scheme}://bucket/key")


class TestLoading:
    def test_odd_names(self, cluster: AIStore, bucket: str) -> None:
        stored = fill(cluster, bucket, NASTY_NAMES)
        assert load(cluster, list_urls(cluster, f"ais://{bucket}")) == stored

    @pytest.mark.parametrize("name", ["/leading", "a//b"])
    def test_names_with_empty_segments(self, cluster: AIStore, bucket: str, name: str) -> None:
        """The cluster accepts them, but lists them under other names or not at all."""
        stored = fill(cluster, bucket, [name])
        assert load(cluster, stored) == stored

    @pytest.mark.parametrize("size", [0, 1, 10_000, 5_000_000])
    def test_sizes(self, cluster: AIStore, bucket: str, size: int) -> None:
        stored = fill(cluster, bucket, ["key"], size=size)
        assert load(cluster, stored) == stored

    def test_large_object_is_streamed_and_verified(self, cluster: AIStore, bucket: str) -> None:
        stored = fill(cluster, bucket, ["large"], size=20_000_000)
        verified = stats()["verified"]
        assert load(cluster, stored, prefetch_bytes=8 << 20) == stored
        assert stats()["verified"] == verified + 1

    def test_stream_is_seekable(self, cluster: AIStore, bucket: str) -> None:
        ((url, data),) = fill(cluster, bucket, ["key"]).items()
        ((_, stream),) = AISFileLoader([url], cluster.endpoint)
        stream.seek(500)
        assert stream.read(10) == data[500:510]
        stream.seek(0)
        assert stream.read() == data

    @pytest.mark.parametrize("kind", ["xxhash2", "xxhash", "md5", "crc32c", "sha256", "sha512"])
    def test_checksums(self, cluster: AIStore, kind: str) -> None:
        bucket = new_bucket(cluster, {"checksum": {"type": kind}})
        stored = fill(cluster, bucket, ["key"])
        verified = stats()["verified"]
        assert load(cluster, stored) == stored
        assert stats()["verified"] == verified + 1

    def test_bucket_without_checksums(self, cluster: AIStore) -> None:
        bucket = new_bucket(cluster, {"checksum": {"type": "none"}})
        stored = fill(cluster, bucket, ["key"])
        assert load(cluster, stored) == stored

    @pytest.mark.parametrize("url", ["", "ais:", "ais://", "ais://bucket", "bucket/key"])
    def test_malformed_url(self, cluster: AIStore, url: str) -> None:
        with pytest.raises(InvalidURLError):
            load(cluster, [url])

    def test_missing_object(self, cluster: AIStore, bucket: str) -> None:
        url = f"ais://{bucket}/nothing"
        with pytest.raises(ObjectNotFoundError) as caught:
            load(cluster, [url])
        assert caught.value.url == url
        assert caught.value.status == 404

    def test_endpoint_from_the_environment(
        self, cluster: AIStore, bucket: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stored = fill(cluster, bucket, ["key"])
        monkeypatch.setenv("AIS_ENDPOINT", cluster.endpoint)
        pipe = AISFileLister([f"ais://{bucket}"]).load_files_by_ais()
        assert {url: stream.read() for url, stream in pipe} == stored

    def test_nobody_there(self) -> None:
        config = AISConfig(endpoint_url="http://127.0.0.1:9", max_attempts=2)
        with pytest.raises(EndpointError):
            list(AISFileLoader(["ais://bucket/key"], config=config))

    def test_large_archive_member(self, cluster: AIStore, bucket: str) -> None:
        """A streamed member has no version, so bytes of two reads cannot be joined."""
        data = os.urandom(3_000_000)
        cluster.put(bucket, "shard.tar", tar_of({"member": data}))
        files = AISFileLoader(
            [f"ais://{bucket}/shard.tar"],
            cluster.endpoint,
            archpath="member",
            prefetch_bytes=1 << 20,
        )
        ((_, opened),) = files
        for position in (1000, 2_000_000, 2_999_900):
            opened.seek(position)
            assert opened.read(100) == data[position : position + 100]
        opened.seek(1000)
        with pytest.raises(NotSupportedError, match="Raise prefetch_bytes="):
            opened.read(100)
        opened.seek(0)
        assert opened.read() == data

    def test_archive_member(self, cluster: AIStore, bucket: str) -> None:
        cluster.put(bucket, "shard.tar", tar_of({"dir/member": b"inside"}))
        url = f"ais://{bucket}/shard.tar"
        assert load(cluster, [url], archpath="dir/member") == {url: b"inside"}
        member = f"{url}/dir/member"
        assert load(cluster, [member]) == {member: b"inside"}
        with pytest.raises(ObjectNotFoundError):
            load(cluster, [f"{url}/nothing"])

    def test_large_member_is_read_from_its_beginning(self, cluster: AIStore, bucket: str) -> None:
        """The cluster returns only whole members, without their version."""
        data = os.urandom(3_000_000)
        cluster.put(bucket, "shard.tar", tar_of({"member": data}))
        ((_, opened),) = AISFileLoader(
            [f"ais://{bucket}/shard.tar/member"], cluster.endpoint, prefetch_bytes=1 << 20
        )
        assert opened.read() == data
        opened.seek(0)
        assert opened.read() == data
        opened.seek(1_500_000)
        with pytest.raises(NotSupportedError):
            opened.read(10)

    def test_listed_members_are_loaded(self, cluster: AIStore, bucket: str) -> None:
        members = {"a/1": b"one", "2": b"", "é 3": bytes(100_000)}
        for archive in ("x.tar", "dir/y.tar"):
            cluster.put(bucket, archive, tar_of(members))
        urls = list_urls(cluster, f"ais://{bucket}", archive_members=True, masks="*.tar/*")
        assert load(cluster, urls) == {
            f"ais://{bucket}/{archive}/{name}": data
            for archive in ("x.tar", "dir/y.tar")
            for name, data in members.items()
        }

    def test_objects_named_like_members(self, cluster: AIStore, bucket: str) -> None:
        """If such an object exists, its "archive" is a directory, which gives another error."""
        stored = fill(cluster, bucket, [f"{number}.tar/object" for number in range(20)])
        assert load(cluster, stored) == stored
        assert load(cluster, list_urls(cluster, f"ais://{bucket}")) == stored

    @pytest.mark.parametrize("kind", ["xxhash2", "none"])
    def test_replaced_since_it_was_listed(self, cluster: AIStore, kind: str) -> None:
        """A read notices that the object is not the one that was listed."""
        props = {"checksum": {"type": kind}, "versioning": {"enabled": kind != "none"}}
        bucket = new_bucket(cluster, props)
        stored = fill(cluster, bucket, ["kept", "replaced"], size=1000)
        kept, replaced = list_urls(cluster, f"ais://{bucket}")
        cluster.put(bucket, "replaced", b"another")
        assert load(cluster, [kept]) == {kept: stored[kept]}
        with pytest.raises(ObjectChangedError):
            load(cluster, [replaced])
        assert load(cluster, [str(replaced)]) == {replaced: b"another"}

    def test_bucket_that_checksums_ranges(
        self, cluster: AIStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The checksum in the reply to a range does not tell the version there."""
        bucket = new_bucket(cluster, {"checksum": {"type": "md5", "enable_read_range": True}})
        data = os.urandom(4_000_000)
        cluster.put(bucket, "key", data)
        with proxied_targets(cluster) as (proxies, gateway_url):
            for proxy in proxies:
                proxy.faults.add(stream.CloseAt(1_000_000), times=1)
            (url,) = list_urls(cluster, f"ais://{bucket}")
            ((_, opened),) = AISFileLoader([url], gateway_url)
            assert opened.read() == data
            assert opened.file_obj.attempts == 2

    def test_replaced_meanwhile_where_ranges_are_checksummed(self, cluster: AIStore) -> None:
        """By one of its size, in a bucket without versions: only the checksum tells."""
        bucket = new_bucket(
            cluster,
            {
                "checksum": {"type": "md5", "enable_read_range": True},
                "versioning": {"enabled": False},
            },
        )
        old, new = os.urandom(3_000_000), os.urandom(3_000_000)
        cluster.put(bucket, "key", old)
        ((_, opened),) = AISFileLoader(
            [f"ais://{bucket}/key"], cluster.endpoint, prefetch_bytes=1 << 20
        )
        assert opened.read(1000) == old[:1000]
        opened.seek(2_999_000)
        assert opened.read() == old[2_999_000:]
        cluster.put(bucket, "key", new)
        opened.seek(1_000_000)
        with pytest.raises(ObjectChangedError):
            opened.read(1000)


class Replace(Fault):
    """The object is deleted and written anew just before the read goes on, with equal versions."""

    def __init__(self, cluster: AIStore, bucket: str, name: str, data: bytes) -> None:
        self._cluster, self._bucket, self._name, self._data = cluster, bucket, name, data

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        self._cluster.delete(self._bucket, self._name)
        self._cluster.put(self._bucket, self._name, self._data)
        return serve(request)


class TestThroughTheGateway:
    """Reads of a cluster that does not show its map."""

    @pytest.fixture
    def gateway(self, cluster: AIStore) -> Iterator[FaultServer]:
        with FaultNode(cluster.endpoint) as gateway:
            hidden = kinds.EmptyServiceUnavailable()
            gateway.faults.add(hidden, match=lambda request: request.path == "/v1/daemon")
            yield gateway

    def test_odd_names(self, cluster: AIStore, bucket: str, gateway: FaultServer) -> None:
        """They are not encoded in a Location, and control characters become spaces there."""
        stored = fill(cluster, bucket, NASTY_NAMES)
        files = AISFileLoader(list(stored), gateway.endpoint)
        assert {url: opened.read() for url, opened in files} == stored
        assert any(request.path.startswith("/v1/objects/") for request in gateway.requests)

    def test_limited_rate(self, cluster: AIStore, gateway: FaultServer) -> None:
        """The cluster answers 429 without a time to wait."""
        bucket = new_bucket(cluster)
        stored = fill(cluster, bucket, [f"{number}" for number in range(10)])
        limit = {"enabled": True, "interval": "10s", "max_tokens": 100, "burst_size": 50}
        props = {"action": "set-bprops", "value": {"rate_limit": {"frontend": limit}}}
        cluster.request("PATCH", f"/v1/buckets/{bucket}", props)
        throttled = stats()["throttled"]
        files = AISFileLoader(list(stored), gateway.endpoint)
        assert {url: opened.read() for url, opened in files} == stored
        assert stats()["throttled"] > throttled


def test_version_numbers_begin_anew() -> None:
    """If an object is deleted and written again during a read, its bytes are not joined with the
    old ones.

    Conditional requests would not help: AIStore ignores them.
    """
    old, new = os.urandom(2_000_000), os.urandom(2_000_000)
    with running(AIStore(targets=1)) as cluster, FaultNode(cluster.targets[0].url) as target:
        bucket = new_bucket(cluster, {"versioning": {"enabled": True}})
        cluster.put(bucket, "key", old)
        target.faults.add(kinds.CloseAt(1_000_000), times=1)
        target.faults.add(Replace(cluster, bucket, "key", new), skip=1, times=1)
        detours = {cluster.targets[0].url: target.endpoint}
        with FaultNode(cluster.endpoint, detours) as gateway:
            files = AISFileLoader([f"ais://{bucket}/key"], gateway.endpoint)
            assert [opened.read() for _, opened in files] == [new]


def test_s3_pipes_read_the_s3_endpoint_of_a_cluster(cluster: AIStore, bucket: str) -> None:
    """Its redirects keep boto3 from every read, its empty fields s3torchconnector from listing."""
    stored = fill(cluster, bucket, ["a", "b/c d"])
    config = S3Config(endpoint_url=f"{cluster.endpoint}/s3", credentials=Credentials("any", "any"))
    files = S3FileLister([f"s3://{bucket}"], config=config).load_files_by_s3(config=config)
    loaded = {url.replace("s3://", "ais://"): opened.read() for url, opened in files}
    assert loaded == stored


def test_reads_go_straight_to_the_target(cluster: AIStore, bucket: str) -> None:
    """The target is computed correctly for 200 odd names: the proxy gets no request."""
    stored = fill(
        cluster, bucket, [f"é{os.urandom(3).hex()}/ {number}" for number in range(200)], 1
    )
    requests = stats()["requests"]
    assert load(cluster, stored) == stored
    assert stats()["requests"] == requests + 200 + 2, "the map and the bucket's properties"
