"""Manifests keep what was listed, on disk as in memory, and refuse what is none."""

from __future__ import annotations

import hashlib
import multiprocessing
import pickle
import random
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectpipes import Manifest, ObjectUrl
from objectpipes.errors import ConfigError, InvalidURLError, ManifestError

_TEXTS = st.none() | st.text(min_size=1) | st.from_regex(r"\A[0-9a-f]{32}(-[0-9]{1,4})?\Z")
URLS = st.builds(
    ObjectUrl,
    st.builds(
        "{}{}".format,
        st.sampled_from(["s3://bucket/", "ais://b/", "aws://@ns#x/b/"]),
        st.text(min_size=1),
    ),
    size=st.none() | st.integers(0, 1 << 50),
    etag=_TEXTS,
    mtime=st.none() | st.floats(0, 1e11),
    checksum=_TEXTS,
    version=_TEXTS,
    targets=st.none() | st.integers(0, 1000),
)


def facts(urls: Any) -> list[Any]:
    return [(str(url), *url.__reduce__()[1][1:]) for url in urls]


def urls(count: int) -> list[ObjectUrl]:
    return [
        ObjectUrl(
            f"s3://bucket/{number:050}",
            size=number,
            etag=hashlib.md5(b"%d" % number).hexdigest(),
            mtime=1.7e9 + number,
        )
        for number in range(count)
    ]


@given(st.lists(URLS, max_size=20))
def test_everything_that_is_known_comes_back(given_urls: list[ObjectUrl]) -> None:
    manifest = Manifest.from_urls(given_urls)
    assert len(manifest) == len(given_urls)
    assert facts(manifest) == facts(given_urls)
    assert facts(pickle.loads(pickle.dumps(manifest))) == facts(given_urls)


def test_any_form_of_url(tmp_path: Path) -> None:
    """Also keys that are no UTF-8, plain strings, and bytes."""
    given_urls = ["s3://b/plain", b"s3://b/\xff", "ais://b/question?mark#hash", "s3://b//"]
    Manifest.from_urls(given_urls).save(tmp_path / "m")  # type: ignore[arg-type]
    assert [*Manifest.load(tmp_path / "m")] == [given_urls[0], "s3://b/\udcff", *given_urls[2:]]


@pytest.mark.parametrize(
    "url", ["", "bucket/key", "s3://", "s3://bucket", "s3://bucket/", "s3:///k"]
)
def test_what_is_no_url_of_an_object(url: str) -> None:
    with pytest.raises(InvalidURLError):
        Manifest.from_urls([url])


def test_what_is_no_url_at_all() -> None:
    with pytest.raises(TypeError, match="int"):
        Manifest.from_urls([5])  # type: ignore[list-item]


def test_an_entry_with_a_key_of_50_characters_takes_at_most_100_bytes(tmp_path: Path) -> None:
    Manifest.from_urls(urls(1000)).save(tmp_path / "m")
    assert (tmp_path / "m").stat().st_size <= 100 * 1000


@given(st.data())
def test_views_are_what_lists_are(data: st.DataObject) -> None:
    expected: list[ObjectUrl] = urls(data.draw(st.integers(0, 12)))
    manifest = Manifest.from_urls(expected)
    for _ in range(data.draw(st.integers(1, 4))):
        if data.draw(st.booleans()):
            part = data.draw(st.slices(len(expected)))
            manifest, expected = manifest[part], expected[part]
        else:
            part = data.draw(st.slices(len(expected)))
            manifest, expected = manifest + manifest[part], expected + expected[part]
    assert facts(manifest) == facts(expected)
    for index in range(-len(expected), len(expected)):
        assert manifest[index] == expected[index]
    for index in (len(expected), -len(expected) - 1):
        with pytest.raises(IndexError):
            manifest[index]


def test_shuffle_has_every_object_once_and_depends_on_its_seed() -> None:
    manifest = Manifest.from_urls(urls(100))
    orders = [[*manifest.shuffle(seed)] for seed in (1, 2)]
    assert sorted(orders[0]) == sorted(orders[1]) == [*manifest]
    assert orders[0] != orders[1] != [*manifest]
    assert [*manifest.shuffle(1)] == orders[0]


def test_filter_sees_what_was_listed() -> None:
    manifest = Manifest.from_urls(urls(10)).filter(lambda url: (url.size or 0) % 3 == 0)
    assert [url.size for url in manifest] == [0, 3, 6, 9]


def test_fingerprint_tells_data_and_not_the_way_there(tmp_path: Path) -> None:
    given_urls = urls(10)
    manifest = Manifest.from_urls(given_urls)
    manifest.save(tmp_path / "m")
    same = [Manifest.load(tmp_path / "m"), manifest[:], Manifest.from_urls(manifest)]
    assert {other.fingerprint for other in same} == {manifest.fingerprint}
    assert manifest[2:5].fingerprint == Manifest.from_urls(given_urls[2:5]).fingerprint
    changed = [*given_urls]
    changed[3] = ObjectUrl(given_urls[3], size=3, etag="another")
    others = [
        manifest[:9],
        manifest[::-1],
        manifest.shuffle(0),
        manifest + manifest,
        Manifest.from_urls(changed),
    ]
    assert len({manifest.fingerprint, *(other.fingerprint for other in others)}) == 6
    manifest.shuffle(0).save(tmp_path / "m")


# --- files -----------------------------------------------------------------------------------------


def test_save_replaces_a_file_as_a_whole(tmp_path: Path) -> None:
    """What is mapped stays what it was, and nothing else is left in the folder."""
    path = tmp_path / "folder" / "m"
    path.parent.mkdir()
    Manifest.from_urls(urls(10)).save(path)
    mapped = Manifest.load(path)
    mapped.shuffle(1).save(path)
    assert facts(mapped) == facts(urls(10))
    assert sorted(Manifest.load(path)) == urls(10)
    assert [*path.parent.iterdir()] == [path]


def test_a_loaded_manifest_is_pickled_as_its_path(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "m"
    Manifest.from_urls(urls(1000)).save(path)
    monkeypatch.chdir(tmp_path)
    pickled = pickle.dumps(Manifest.load("m")[10:500].shuffle(1))
    assert len(pickled) < 1000
    monkeypatch.chdir("/")
    assert sorted(pickle.loads(pickled)) == urls(1000)[10:500]
    Manifest.from_urls(urls(999)).save(path)
    with pytest.raises(ManifestError, match="replaced"):
        pickle.loads(pickled)


def _end_with_sum_of_sizes(manifest: Manifest) -> None:
    sys.exit(sum(url.size or 0 for url in manifest) % 251)


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_processes_share_a_large_manifest(method: str, tmp_path: Path, monkeypatch: Any) -> None:
    """One in memory becomes a file for those that are spawned, which goes with it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    manifest = Manifest.from_urls(urls(20_000))
    context = multiprocessing.get_context(method)
    process: Any = context.Process(target=_end_with_sum_of_sizes, args=(manifest[:500],))  # type: ignore[attr-defined]
    process.start()
    process.join()
    assert process.exitcode == sum(range(500)) % 251
    assert len([*tmp_path.glob("objectpipes-*")]) == (method != "fork")
    del manifest, process
    assert not [*tmp_path.glob("objectpipes-*")]


def _truncate(data: bytes) -> bytes:
    return data[:-1]


def _extend(data: bytes) -> bytes:
    return data + b"\0"


def _flip(offset: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:offset] + bytes([data[offset] ^ 1]) + data[offset + 1 :]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: b"", "empty"),
        (lambda data: data[:5], "truncated"),
        (lambda data: data[:100], "truncated"),
        (_truncate, "truncated"),
        (_extend, "damaged"),
        (lambda data: b"PK\3\4" + data[4:], "not a manifest"),
        (lambda data: b"x", "not a manifest"),
        (lambda data: data[:8] + struct.pack("<I", 2) + data[12:], "newer"),
        *((_flip(offset), "damaged|truncated|newer") for offset in range(8, 56)),
    ],
)
def test_a_file_that_is_no_whole_manifest(
    tmp_path: Path, damage: Callable[[bytes], bytes], message: str
) -> None:
    path = tmp_path / "m"
    Manifest.from_urls(urls(5)).save(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ManifestError, match=message) as caught:
        Manifest.load(path)
    assert caught.value.url == str(path)


def test_damage_behind_the_header_never_crashes(tmp_path: Path) -> None:
    """It is an error when an entry is used, or at worst another text."""
    path = tmp_path / "m"
    Manifest.from_urls(urls(20)).save(path)
    data = path.read_bytes()
    numbers = random.Random(0)
    for _ in range(300):
        damaged = bytearray(data)
        for _ in range(3):
            damaged[numbers.randrange(128, len(data))] = numbers.randrange(256)
        path.write_bytes(damaged)
        try:
            for url in Manifest.load(path):
                assert isinstance(url, ObjectUrl)
        except ManifestError:
            pass


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Manifest.load(tmp_path / "none")


# --- arrow -----------------------------------------------------------------------------------------


def test_arrow_and_back() -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="there is no pyarrow")
    manifest = Manifest.from_urls([*urls(10), ObjectUrl("ais://b/k", version="1", checksum="ab")])
    table = manifest.to_arrow()
    assert table.column("url").to_pylist() == [*manifest]
    assert facts(Manifest.from_arrow(table)) == facts(manifest)
    assert facts(Manifest.from_arrow(table.select(["url"]))) == facts(map(ObjectUrl, manifest))
    with pytest.raises(ConfigError, match="'url'"):
        Manifest.from_arrow(pyarrow.table({"path": ["s3://b/k"]}))


@pytest.mark.parametrize("index", [1.5, float("nan"), "0", None, numpy.array([0, 1])], ids=repr)
def test_what_is_no_number_of_an_object(index: Any) -> None:
    with pytest.raises(TypeError):
        Manifest.from_urls(urls(2))[index]


@pytest.mark.parametrize("seed", [1.5, "1", None, [1]], ids=repr)
def test_what_is_no_seed(seed: Any) -> None:
    with pytest.raises(ConfigError, match="seed"):
        Manifest.from_urls(urls(2)).shuffle(seed)
