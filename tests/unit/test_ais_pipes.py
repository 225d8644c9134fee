"""The AIStore pipes before anything is read: their arguments, names and lengths."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from objectpipes import AISConfig
from objectpipes.errors import ConfigError
from objectpipes.iter import AISFileLister, AISFileLoader, IterableWrapper

URLS = ["ais://bucket/a", "ais://bucket/b"]
PIPES = pytest.mark.parametrize("pipe", [AISFileLister, AISFileLoader])


def names(pipe: type, kind: object) -> list[str]:
    return [p.name for p in inspect.signature(pipe).parameters.values() if p.kind is kind]


@PIPES
def test_positional_arguments_are_torchdatas(pipe: type) -> None:
    positional = names(pipe, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    assert positional == ["source_datapipe", "url", "length"]
    assert inspect.signature(pipe).parameters["length"].default == -1


def test_all_others_have_to_be_named() -> None:
    assert names(AISFileLister, inspect.Parameter.KEYWORD_ONLY) == ["masks", "config"]
    assert names(AISFileLoader, inspect.Parameter.KEYWORD_ONLY) == ["config"]
    with pytest.raises(TypeError):
        AISFileLister(URLS, "gateway", -1, "*.jpg")  # type: ignore[call-arg]


@PIPES
def test_url_goes_before_the_endpoint_of_the_config(pipe: Any) -> None:
    config = AISConfig(endpoint_url="http://gateway:51080")
    assert (
        pipe(URLS, "http://other:51080", config=config).config.endpoint_url == "http://other:51080"
    )
    assert pipe(URLS, "", config=config).config == config


@PIPES
def test_config_is_taken_as_it_is(pipe: Any) -> None:
    config = AISConfig(endpoint_url="http://localhost:8080", token="secret")
    assert pipe(URLS, config=config).config == config
    assert pipe(URLS).config == AISConfig()


def test_functional_names() -> None:
    urls = IterableWrapper(URLS).list_files_by_ais("http://localhost:8080", 3, masks="*.jpg")
    assert isinstance(urls, AISFileLister)
    assert (urls.length, urls.filters.masks) == (3, ("*.jpg",))
    assert isinstance(urls.load_files_by_ais(latest=True), AISFileLoader)


def test_length_of_a_loader_is_stored_as_well() -> None:
    """And means as little as in torchdata."""
    loader = AISFileLoader(URLS, "http://localhost:8080", 5)
    assert loader.length == 5
    assert len(loader) == 2


@pytest.mark.parametrize(
    ("pipe", "arguments"),
    [
        (AISFileLister, {"url": "ftp://host"}),
        (AISFileLoader, {"concurrency": -1}),
        (AISFileLoader, {"etl_args": "x"}),
        (AISFileLister, {"modified_after": 0.0}),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, dict) else value.__name__,
)
def test_what_can_never_work_fails_at_construction(pipe: Any, arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        pipe(URLS, **arguments)
