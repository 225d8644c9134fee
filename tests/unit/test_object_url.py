"""A listed URL is a string that keeps what the listing said."""

from __future__ import annotations

import copy
import pickle

import pytest

from objectpipes.url import ObjectUrl

NAMES = ("size", "etag", "mtime", "checksum", "version", "targets")


def listed() -> ObjectUrl:
    return ObjectUrl("s3://b/k ü\n", 7, "etag", 1.5, "c0ffee", "v1", 3)


def attributes(url: str) -> list[object]:
    return [getattr(url, name) for name in NAMES]


def test_is_its_text_everywhere() -> None:
    url = listed()
    assert isinstance(url, str)
    assert url == "s3://b/k ü\n"
    assert "s3://b/k ü\n" in {url}
    assert f"{url}" == "s3://b/k ü\n"
    assert repr(url) == repr("s3://b/k ü\n")
    assert sorted([url, "a"]) == ["a", url]


def test_two_urls_of_one_text_are_equal_whatever_they_carry() -> None:
    assert listed() == ObjectUrl("s3://b/k ü\n", size=8)
    assert hash(listed()) == hash("s3://b/k ü\n")


def test_attributes_are_none_unless_listed() -> None:
    assert attributes(ObjectUrl("s3://b/k")) == [None] * 6


def test_has_no_room_for_anything_else() -> None:
    with pytest.raises(AttributeError):
        listed().other = 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_keeps_attributes(protocol: int) -> None:
    twin = pickle.loads(pickle.dumps(listed(), protocol))
    assert type(twin) is ObjectUrl
    assert twin == listed()
    assert attributes(twin) == attributes(listed())


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy])
def test_copies_keep_attributes(copier: object) -> None:
    twin = copier(listed())  # type: ignore[operator]
    assert type(twin) is ObjectUrl
    assert attributes(twin) == attributes(listed())


def test_subclass_survives_pickling() -> None:
    twin = pickle.loads(pickle.dumps(Bookmark("s3://b/k", 3)))
    assert type(twin) is Bookmark
    assert twin.size == 3


class Bookmark(ObjectUrl):
    __slots__ = ()


def test_default_collate_passes_it_on() -> None:
    data = pytest.importorskip("torch.utils.data")
    assert data.default_collate([listed(), listed()])[0].size == 7
