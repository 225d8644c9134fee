"""The options of every pipe and function: each is said once, and checked in one place."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from datetime import datetime, timezone
from typing import Any

import pytest

import objectpipes
from objectpipes import AISConfig, ListFilters, ReadOptions, S3Config, errors
from objectpipes._store import Store, protocol_of
from objectpipes.errors import ConfigError, InvalidURLError
from objectpipes.options import ListArguments, ReadArguments


def test_arguments_are_the_options() -> None:
    read = {field.name for field in dataclasses.fields(ReadOptions)}
    assert set(ReadArguments.__annotations__) == read
    listed = {field.name for field in dataclasses.fields(ListFilters)}
    assert set(ListArguments.__annotations__) == listed - {"masks"}


@pytest.mark.parametrize(
    "options",
    [
        {"prefetch_bytes": 0},
        {"prefetch_bytes": 1 << 63},
        {"prefetch_bytes": 1.5},
        {"concurrency": -1},
        {"concurrency": 1 << 40},
        {"timeout": 0},
        {"timeout": -1.0},
        {"timeout": float("nan")},
        {"timeout": "5"},
        {"on_error": "ignore"},
        {"etl_args": "x"},
        {"verify": "no"},
        {"verify": None},
        {"ordered": []},
        {"latest": "false"},
        {"archpath": 1},
        {"etl_name": 1},
        {"etl_args": {"a": {1}}},
        {"etl_args": {"a": float("nan")}},
        {"etl_args": 1},
    ],
    ids=str,
)
def test_read_options_that_cannot_work(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(ConfigError, match=name):
        ReadOptions(**options)


@pytest.mark.parametrize(
    "filters",
    [
        {"recursive": False, "delimiter": ""},
        {"min_size": -1},
        {"max_size": 1 << 63},
        {"min_size": "1"},
        {"modified_after": datetime(2026, 1, 1)},
        {"modified_after": float("inf")},
        {"modified_after": "2026-01-01"},
        {"masks": 1},
        {"masks": [b"*"]},
        {"start_after": None},
        {"recursive": "no"},
        {"archive_members": 2.0},
        {"allow_partial": "yes"},
    ],
    ids=str,
)
def test_filters_that_cannot_work(filters: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(filters))):
        ListFilters(**filters)


def test_no_limit_of_time() -> None:
    assert ReadOptions(timeout=float("inf")).timeout_ms == 10**12
    assert ReadOptions(timeout=1e-9).timeout_ms == 1


def test_what_is_given_in_several_forms_has_one() -> None:
    assert ListFilters(masks="*.jpg").masks == ("*.jpg",)
    assert ListFilters(masks=["a", "b"]).masks == ("a", "b")
    assert ListFilters(masks="").masks == ()
    assert ListFilters(masks=[""]).masks == ("",), "which matches nothing, as in torchdata"
    moment = datetime(2026, 1, 1, tzinfo=timezone.utc)
    assert ListFilters(modified_after=moment).modified_after == moment.timestamp()
    assert ReadOptions(etl_name="e", etl_args={"a": 1}).etl_args == '{"a": 1}'
    assert hash(ReadOptions(etl_name="e", etl_args={"a": 1}))


@pytest.mark.parametrize(
    ("url", "protocol"),
    [
        ("s3://b/k", "s3"),
        *(
            (f"{scheme}://b/k", "ais")
            for scheme in ["ais", "aws", "gcp", "gs", "azure", "az", "oci", "oc"]
        ),
        ("AZ://b", "ais"),
        (b"oc://b", "ais"),
    ],
)
def test_protocol_of_a_scheme(url: str | bytes, protocol: str) -> None:
    assert protocol_of(url) == protocol
    assert Store.of(url).name == {"s3": "S3", "ais": "AIStore"}[protocol]


@pytest.mark.parametrize("url", ["", "bucket/key", "http://host/key", "s3:/b/k", "://b"])
def test_schemes_of_no_store(url: str) -> None:
    with pytest.raises(InvalidURLError, match=r"s3://.*ais://"):
        objectpipes.list_objects(url)


def test_store_of_a_config() -> None:
    assert Store.of("s3://b", AISConfig()).name == "AIStore", "a bucket of AWS behind a cluster"
    assert Store.of("s3://b", S3Config()).name == "S3"
    with pytest.raises(ConfigError, match="AISConfig for 'ais://b'"):
        Store.of("ais://b", S3Config())
    with pytest.raises(TypeError, match="S3Config or an AISConfig"):
        Store.of("s3://b", "http://host")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "options"),
    [("s3://b", {"latest": True}), ("s3://b", {"archpath": "a"}), ("s3://b", {"etl_name": "e"})],
)
def test_options_of_another_store(url: str, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        objectpipes.open_object(url, **options)
    with pytest.raises(ConfigError, match=next(iter(options))):
        objectpipes.read_objects([url], config=S3Config(), **options)
    with pytest.raises(ConfigError, match="modified_after"):
        objectpipes.list_objects("ais://b", modified_after=0.0)
    with pytest.raises(ConfigError, match="archive_members"):
        objectpipes.list_objects("s3://b", archive_members=True)


def test_everything_public_is_there_without_torch() -> None:
    program = """
import sys, objectpipes
for name in objectpipes.__all__:
    getattr(objectpipes, name)
for name in objectpipes.errors.__all__:
    assert getattr(objectpipes, name) is getattr(objectpipes.errors, name)
assert issubclass(objectpipes.ObjectReader, object)
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert set(errors.__all__) <= set(objectpipes.__all__)
