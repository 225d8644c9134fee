"""Listing, reading and opening objects without pipes."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import threading
import zipfile
from collections.abc import Iterator

import pytest

from faults import FaultServer
from objectpipes import ObjectUrl, S3Config, list_objects, open_object, read_objects
from objectpipes.errors import (
    ConfigError,
    InvalidURLError,
    ObjectNotFoundError,
    ObjectStoreError,
)

from .pipes import config_for

MIB = 1 << 20
SMALL = {f"small/{number:03}": os.urandom(500 + number) for number in range(200)}
BIG = os.urandom(3 * MIB)
OBJECTS = {**SMALL, "big": BIG, "empty": b""}


def zip_of(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def tar_of(name: str, data: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    archives = {
        "archive.tar": tar_of("member", BIG),
        "archive.zip": zip_of({"a": BIG, "b": b"second"}),
    }
    stored = {**OBJECTS, **archives}
    with FaultServer({"bucket": stored}) as server:
        yield server


@pytest.fixture
def config(server: FaultServer) -> Iterator[S3Config]:
    yield config_for(server)
    server.faults.clear()


def test_list(config: S3Config) -> None:
    urls = list(list_objects("s3://bucket/small/", config=config))
    assert urls == [f"s3://bucket/{key}" for key in SMALL]
    assert all(isinstance(url, ObjectUrl) for url in urls)
    assert [url.size for url in urls] == list(map(len, SMALL.values()))


@pytest.mark.parametrize("masks", ["*/00?", ["*/00[0-4]", "*/00[5-9]"], "*/small/00*"])
def test_list_with_masks(config: S3Config, masks: str | list[str]) -> None:
    found = list(list_objects("s3://bucket/", config=config, masks=masks))
    assert found == [f"s3://bucket/small/{number:03}" for number in range(10)]


def test_list_with_filters(config: S3Config) -> None:
    folders = list(list_objects("s3://bucket/s", config=config, recursive=False))
    assert folders == ["s3://bucket/small/"]
    large = list(list_objects("s3://bucket/", config=config, min_size=MIB))
    assert large == [f"s3://bucket/{key}" for key in ("archive.tar", "archive.zip", "big")]
    with pytest.raises(TypeError, match="colour"):
        list_objects("s3://bucket/", config=config, colour="red")  # type: ignore[call-arg]


def test_listing_can_be_abandoned(config: S3Config) -> None:
    pages = list_objects("s3://bucket/", config=config)
    next(pages)
    pages.close()
    with pytest.raises(StopIteration):
        next(pages)


def test_read(config: S3Config) -> None:
    urls = list(list_objects("s3://bucket/small/", config=config))
    read = [(url, reader.read()) for url, reader in read_objects(urls, config=config)]
    assert read == [(f"s3://bucket/{key}", data) for key, data in SMALL.items()]
    assert [url.size for url, _ in read] == list(map(len, SMALL.values()))


def test_read_what_is_no_listed_url(config: S3Config) -> None:
    for given in ("s3://bucket/big", b"s3://bucket/big"):
        [(url, reader)] = read_objects([given], config=config)  # type: ignore[list-item]
        assert type(url) is ObjectUrl
        assert (url, url.size, reader.read()) == ("s3://bucket/big", None, BIG)


def test_read_in_any_order(config: S3Config) -> None:
    urls = [f"s3://bucket/{key}" for key in OBJECTS]
    found = {u: r.read() for u, r in read_objects(urls, config=config, ordered=False)}
    assert found == {f"s3://bucket/{key}": data for key, data in OBJECTS.items()}


def test_read_nothing(config: S3Config) -> None:
    assert list(read_objects([], config=config)) == []
    assert list(read_objects(iter([]))) == []


def test_read_while_the_source_lists(config: S3Config) -> None:
    urls = list_objects("s3://bucket/", config=config, max_size=MIB)
    assert len([reader.read() for _, reader in read_objects(urls, config=config)]) == 201


def test_objects_that_cannot_be_read(config: S3Config) -> None:
    urls = ["s3://bucket/big", "s3://bucket/none", "http://host/key", "s3://bucket/empty"]
    objects = read_objects(urls, config=config)
    assert next(objects)[0] == "s3://bucket/big"
    with pytest.raises(ObjectNotFoundError):
        next(objects)
    skipping = read_objects(urls, config=config, on_error="skip")
    assert [url for url, _ in skipping] == ["s3://bucket/big", "s3://bucket/empty"]


def test_urls_that_are_none(config: S3Config) -> None:
    for urls in ([None], ["s3://bucket/big", 5]):
        with pytest.raises(TypeError, match="must be str or bytes"):
            list(read_objects(urls, config=config))  # type: ignore[arg-type]
    with pytest.raises(InvalidURLError):
        list(read_objects(["big"]))


def test_url_with_half_of_a_surrogate_pair(config: S3Config) -> None:
    """It is no text: an error of this URL alone."""
    url = "s3://bucket/\ud800"
    for use in (
        lambda: open_object(url, config=config),
        lambda: list(read_objects([url], config=config)),
        lambda: list(list_objects(url, config=config)),
    ):
        with pytest.raises(InvalidURLError, match="unpaired surrogate") as caught:
            use()
        assert str(caught.value).isprintable(), "no stream could encode it"
        assert InvalidURLError(str(caught.value)).url == url
    skipping = read_objects([url, "s3://bucket/big"], config=config, on_error="skip")
    assert [url for url, _ in skipping] == ["s3://bucket/big"]


def test_urls_of_two_stores(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "access")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    objects = read_objects(["s3://bucket/big", "ais://bucket/big"])
    assert next(objects)[1].read() == BIG
    with pytest.raises(ConfigError, match="in different stores"):
        next(objects)


def test_error_of_the_source_comes_after_what_came_before(config: S3Config) -> None:
    def source() -> Iterator[str]:
        yield "s3://bucket/big"
        raise KeyError("source")

    objects = read_objects(source(), config=config)
    assert next(objects)[1].read() == BIG
    with pytest.raises(KeyError, match="source"):
        next(objects)


@pytest.mark.parametrize("prefetch_bytes", [1, MIB, 256 * MIB])
def test_opened_object_is_a_file(config: S3Config, prefetch_bytes: int) -> None:
    with open_object("s3://bucket/big", config=config, prefetch_bytes=prefetch_bytes) as file:
        assert file.streamed is (prefetch_bytes < 256 * MIB)
        assert (file.read(10), file.tell(), file.size) == (BIG[:10], 10, len(BIG))
        assert file.seek(-5, io.SEEK_END) == len(BIG) - 5
        assert file.read() == BIG[-5:]
        assert file.seek(MIB) == MIB
        assert io.BufferedReader(file).read(100) == BIG[MIB : MIB + 100]
    assert file.closed


@pytest.mark.parametrize("prefetch_bytes", [1, MIB, 256 * MIB])
def test_view_of_an_opened_object_is_the_whole(config: S3Config, prefetch_bytes: int) -> None:
    with open_object("s3://bucket/big", config=config, prefetch_bytes=prefetch_bytes) as file:
        file.read(7)
        for view in (memoryview(file), memoryview(file)):
            assert view.readonly
            assert view == BIG
        assert file.read(7) == BIG[7:14], "a view moves nothing"
    assert view == BIG, "and outlives the file"
    with pytest.raises(ValueError, match="closed"):
        memoryview(file)


def test_view_of_what_breaks_off_is_an_error() -> None:
    """The server dies after the bytes that were read ahead."""
    with FaultServer({"bucket": {"huge": bytes(64 * MIB)}}) as server:
        file = open_object("s3://bucket/huge", config=config_for(server), prefetch_bytes=MIB)
        assert file.read(5) == bytes(5)
    with file, pytest.raises(ObjectStoreError):
        memoryview(file)


def test_zip_and_digest(config: S3Config) -> None:
    for prefetch_bytes in (MIB, 256 * MIB):
        with open_object(
            "s3://bucket/archive.zip", config=config, prefetch_bytes=prefetch_bytes
        ) as file:
            archive = zipfile.ZipFile(file)
            assert archive.namelist() == ["a", "b"]
            assert archive.read("b") == b"second"
            assert hashlib.sha256(archive.read("a")).digest() == hashlib.sha256(BIG).digest()


def test_tar(config: S3Config) -> None:
    with (
        open_object("s3://bucket/archive.tar", config=config, prefetch_bytes=MIB) as file,
        tarfile.open(fileobj=file, mode="r:") as archive,
    ):
        member = archive.extractfile("member")
        assert member is not None
        assert member.read() == BIG


@pytest.mark.parametrize("url", ["s3://bucket/none", "s3://nowhere/k"])
def test_open_what_is_not_there(config: S3Config, url: str) -> None:
    with pytest.raises(ObjectStoreError):
        open_object(url, config=config)


@pytest.mark.parametrize("url", ["s3://bucket", "s3://bucket/", "s3:///key", "S3://bucket/key"])
def test_open_what_is_no_object(config: S3Config, url: str) -> None:
    with pytest.raises(InvalidURLError):
        open_object(url, config=config)


def test_many_opened_at_once(config: S3Config) -> None:
    wrong: list[str] = []

    def work(key: str, data: bytes) -> None:
        with open_object(f"s3://bucket/{key}", config=config) as file:
            if file.read() != data:
                wrong.append(key)

    threads = [threading.Thread(target=work, args=item) for item in list(SMALL.items())[:50]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
