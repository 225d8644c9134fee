"""The S3 pipes before anything is read: their arguments, names and lengths."""

from __future__ import annotations

import inspect
from datetime import datetime
from typing import Any

import pytest

from objectpipes import S3Config, build_info
from objectpipes.errors import ConfigError, NotSupportedError
from objectpipes.iter import IterableWrapper, S3FileLister, S3FileLoader

URLS = ["s3://bucket/a", "s3://bucket/b"]
PIPES = pytest.mark.parametrize("pipe", [S3FileLister, S3FileLoader])


def positional(pipe: type) -> list[str]:
    parameters = inspect.signature(pipe).parameters.values()
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]


def test_positional_arguments_are_torchdatas() -> None:
    connection = ["request_timeout_ms", "region"]
    assert positional(S3FileLister) == ["source_datapipe", "length", *connection, "masks"]
    loader = ["source_datapipe", *connection, "buffer_size", "multi_part_download"]
    assert positional(S3FileLoader) == loader


@PIPES
def test_torchdatas_arguments_go_before_the_config(pipe: Any) -> None:
    config = S3Config(region="us-west-2", stall_timeout=7, max_attempts=7)
    made = pipe(URLS, request_timeout_ms=3000, region="eu-west-3", config=config)
    assert made.config == S3Config(region="eu-west-3", stall_timeout=3, max_attempts=7)
    assert pipe(URLS, request_timeout_ms=-1, region="", config=config).config == config


@PIPES
def test_config_is_taken_as_it_is(pipe: Any) -> None:
    config = S3Config(endpoint_url="http://localhost:9000", anonymous=True, requester_pays=True)
    assert pipe(URLS, config=config).config == config
    assert pipe(URLS).config == S3Config()


@PIPES
@pytest.mark.parametrize(
    ("milliseconds", "seconds"),
    [(-1, S3Config().stall_timeout), (0, 1), (200, 1), (1000, 1), (2500, 2.5)],
)
def test_request_timeout_limits_stalls(pipe: Any, milliseconds: int, seconds: float) -> None:
    assert pipe(URLS, request_timeout_ms=milliseconds).config.stall_timeout == seconds


@pytest.mark.parametrize("value", [0, 256, 128 << 20])
def test_buffer_size_means_nothing(value: int) -> None:
    assert S3FileLoader(URLS, buffer_size=value).config == S3Config()


@pytest.mark.parametrize("value", [True, False, None])
def test_multi_part_download_can_be_switched_off(value: bool | None) -> None:
    """torchdata ignored False."""
    assert S3FileLoader(URLS, multi_part_download=value).config.multi_part_download is value


@pytest.mark.parametrize(
    ("pipe", "arguments"),
    [
        (S3FileLister, {"recursive": False, "delimiter": ""}),
        (S3FileLister, {"modified_after": datetime(2026, 1, 1)}),
        (S3FileLister, {"archive_members": True}),
        (S3FileLister, {"allow_partial": True}),
        (S3FileLister, {"min_size": -1}),
        (S3FileLister, {"modified_after": float("nan")}),
        (S3FileLoader, {"latest": True}),
        (S3FileLoader, {"etl_name": "resize"}),
        (S3FileLoader, {"archpath": "member"}),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, dict) else value.__name__,
)
def test_what_can_never_work_fails_at_construction(pipe: Any, arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        pipe(URLS, **arguments)


def test_functional_names() -> None:
    urls = IterableWrapper(URLS).list_files_by_s3(length=3, masks="*.jpg")
    assert isinstance(urls, S3FileLister)
    assert (urls.length, urls.filters.masks) == (3, ("*.jpg",))
    assert isinstance(urls.load_files_by_s3(region="eu-west-3"), S3FileLoader)


@pytest.mark.skipif(
    "aws" in build_info()["transports"], reason='this build has the transport "aws"'
)
@PIPES
def test_a_transport_that_was_not_built_in(pipe: Any) -> None:
    config = S3Config(endpoint_url="http://localhost:9", anonymous=True, transport="aws")
    made = pipe(URLS, config=config)
    with pytest.raises(NotSupportedError, match=r'transport "aws"; objectpipes\.build_info\(\)'):
        next(iter(made))
