"""The pipes of both stores before anything is read: what they have in common."""

from __future__ import annotations

import io
from typing import Any

import pytest
import torch.utils.data.datapipes.iter

import objectpipes.iter
from archives import make_tar
from objectpipes.errors import ConfigError
from objectpipes.iter import (
    AISFileLister,
    AISFileLoader,
    IterDataPipe,
    S3FileLister,
    S3FileLoader,
)

URLS = ["s3://bucket/a", "s3://bucket/b"]
STORES = pytest.mark.parametrize(
    ("lister", "loader"), [(S3FileLister, S3FileLoader), (AISFileLister, AISFileLoader)]
)


@STORES
@pytest.mark.parametrize(
    "arguments",
    [
        {"on_error": "ignore"},
        {"prefetch_bytes": 0},
        {"prefetch_bytes": 1 << 64},
        {"prefetch_bytes": 1e9},
        {"concurrency": -1},
        {"concurrency": 1 << 40},
        {"timeout": 0},
        {"timeout": float("nan")},
        {"timeout": "5"},
    ],
    ids=", ".join,
)
def test_what_can_never_work_fails_at_construction(
    lister: Any, loader: Any, arguments: dict[str, Any]
) -> None:
    (name,) = arguments
    with pytest.raises(ConfigError, match=name):
        loader(URLS, **arguments)


@STORES
def test_unknown_options_are_no_options(lister: Any, loader: Any) -> None:
    for pipe in (lister, loader):
        with pytest.raises(TypeError, match="colour"):
            pipe(URLS, colour="red")


@STORES
def test_length_of_a_lister_is_what_it_was_told(lister: Any, loader: Any) -> None:
    assert len(lister(URLS, length=5)) == 5
    with pytest.raises(TypeError, match=f"{lister.__name__} instance doesn't have valid"):
        len(lister(URLS))


@STORES
def test_length_of_a_loader_is_that_of_its_source(lister: Any, loader: Any) -> None:
    assert len(loader(URLS)) == 2
    assert len(loader(lister(URLS, length=5))) == 5
    with pytest.raises(TypeError, match="valid length"):
        len(loader(lister(URLS)))


def test_one_import_line_is_enough() -> None:
    """What torch still has of torchdata's pipes is here, too."""
    for name in torch.utils.data.datapipes.iter.__all__:
        assert getattr(objectpipes.iter, name) is getattr(torch.utils.data.datapipes.iter, name)
    assert IterDataPipe is torch.utils.data.IterDataPipe


def test_torch_searches_our_pipes_for_nothing_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is looked for by way of an error for every item, which takes a microsecond."""
    missed: list[str] = []

    def note(self: object, name: str) -> Any:
        missed.append(name)
        raise AttributeError(name)

    pipe = objectpipes.iter.WebDataset([("1.jpg", b""), ("2.jpg", b"")])
    samples = iter(pipe)
    next(samples)
    monkeypatch.setattr(IterDataPipe, "__getattr__", note)
    next(samples)
    assert missed == []


def test_reading_a_stream_is_a_call_of_its_own_method() -> None:
    """`StreamWrapper` finds everything of its file by way of an error."""
    archive = io.BytesIO(make_tar({"b": b"abc"}))
    _, stream = next(iter(objectpipes.iter.TarArchiveLoader([("a.tar", archive)])))
    assert "read" in dir(type(stream))
    assert (stream.read(2), stream.read(None), stream.read()) == (b"ab", b"c", b"")
