"""A value that can never work is refused by name, and shown only if it is not secret."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from objectpipes import AISConfig, Credentials, S3Config
from objectpipes.errors import ConfigError
from objectpipes.iter import AISFileLoader, IterableWrapper, S3FileLister, S3FileLoader

UNFIT = ["x\n", "x\r\n", "\nx", "a\nb", "a\x00b", "a\x7fb", " x", "x ", "x\t", "x\u2028"]


@pytest.mark.parametrize("text", UNFIT)
@pytest.mark.parametrize("part", ["access_key", "secret_key", "session_token"])
def test_key_or_token_that_no_request_can_carry(part: str, text: str) -> None:
    keys = {"access_key": "AKIA", "secret_key": "s", "session_token": "t"}
    with pytest.raises(ConfigError, match=part.replace("_", " ")) as caught:
        Credentials(**{**keys, part: text})  # type: ignore[arg-type]
    assert repr(text) not in str(caught.value)


@pytest.mark.parametrize(
    "variable", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
)
def test_variable_that_no_request_can_carry_is_named(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv(variable, "value\n")
    with pytest.raises(ConfigError, match=variable):
        S3Config().credentials_source()


def test_callable_that_returns_a_token_with_a_line_end() -> None:
    config = S3Config(credentials=lambda: Credentials("a", "s", "token\n"))
    with pytest.raises(ConfigError, match="session token"):
        config.credentials_provider().get()


@pytest.mark.parametrize("text", UNFIT)
@pytest.mark.parametrize("option", ["region", "profile"])
def test_name_that_no_request_can_carry(option: str, text: str) -> None:
    with pytest.raises(ConfigError, match=option):
        S3Config(**{option: text})  # type: ignore[arg-type]


@pytest.mark.parametrize("region", ["us east", "evil.example/", "a:80", "a@b", "a?b", "\xe9"])
def test_region_that_would_change_the_host(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is part of the host that gets the signature."""
    with pytest.raises(ConfigError, match="region"):
        S3Config(region=region)
    monkeypatch.setenv("AWS_REGION", region)
    with pytest.raises(ConfigError, match="AWS_REGION"):
        S3Config().resolve()


@pytest.mark.parametrize("part", ["access_key", "session_token"])
def test_key_or_token_outside_of_ascii(part: str) -> None:
    keys = {"access_key": "AKIA", "secret_key": "s", "session_token": "t"}
    with pytest.raises(ConfigError, match=part.replace("_", " ")):
        Credentials(**{**keys, part: "\u201cx\u201d"})  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [1, b"secret-text", ["secret-text"], True])
@pytest.mark.parametrize(
    ("config", "option"),
    [
        *((S3Config, name) for name in ("endpoint_url", "region", "profile", "ca_file", "proxy")),
        *((S3Config, name) for name in ("transport", "addressing_style", "expected_bucket_owner")),
        *((AISConfig, name) for name in ("endpoint_url", "token", "token_file", "client_cert")),
    ],
)
def test_text_of_another_type(config: Any, option: str, given: object) -> None:
    with pytest.raises(ConfigError, match=f"{option} must be a str") as caught:
        config(**{option: given})
    assert "secret-text" not in str(caught.value)


@pytest.mark.parametrize("given", ["no", "", [], 1.0, {1}])
@pytest.mark.parametrize(
    ("config", "option"),
    [
        *((S3Config, name) for name in ("anonymous", "requester_pays", "verify_tls")),
        (S3Config, "multi_part_download"),
        (AISConfig, "verify_tls"),
    ],
)
def test_flag_of_another_type(config: Any, option: str, given: object) -> None:
    """A text would count as True, whatever it says."""
    with pytest.raises(ConfigError, match=f"{option} must be True or False"):
        config(**{option: given})


def test_file_may_be_a_path(tmp_path: Path) -> None:
    assert AISConfig(token_file=tmp_path).token_file == str(tmp_path)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, "5", 1.5, True])
def test_torchdatas_timeout_of_another_type(value: Any) -> None:
    with pytest.raises(ConfigError, match="request_timeout_ms"):
        S3FileLoader(IterableWrapper([]), request_timeout_ms=value)


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_region_of_a_variable_is_named(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "eu-west-1 ")
    with pytest.raises(ConfigError, match=variable):
        S3Config().resolve()


@pytest.mark.parametrize("variable", ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])
def test_profile_of_a_variable_is_named(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "team\n")
    with pytest.raises(ConfigError, match=variable):
        S3Config().resolve()


def test_line_end_of_a_token_file_is_stripped(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text('{"token": "a.b.c\\n"}\n')
    found = AISConfig(token_file=str(file)).credentials_source().found
    assert found is not None
    assert found.session_token == "a.b.c"


def loader(**options: Any) -> object:
    return S3FileLoader(IterableWrapper([]), **options)


def lister(**options: Any) -> object:
    return S3FileLister(IterableWrapper([]), **options)


def ais_loader(**options: Any) -> object:
    return AISFileLoader(IterableWrapper([]), **options)


NO_SECONDS = [0, -1, -0.5, math.nan, -math.inf, 1e300, 10**400, True, "5"]
NO_COUNTS = [-1, 1.5, math.nan, math.inf, True, "5", 1 << 64]


@pytest.mark.parametrize(
    ("make", "option", "values"),
    [
        (S3Config, "connect_timeout", [*NO_SECONDS, math.inf]),
        (S3Config, "stall_timeout", [*NO_SECONDS, math.inf]),
        (S3Config, "max_attempts", [*NO_COUNTS, 0, 1 << 31]),
        (AISConfig, "connect_timeout", [*NO_SECONDS, math.inf]),
        (AISConfig, "stall_timeout", [*NO_SECONDS, math.inf]),
        (AISConfig, "max_attempts", [*NO_COUNTS, 0]),
        (loader, "timeout", NO_SECONDS),
        (loader, "prefetch_bytes", [*NO_COUNTS, 0]),
        (loader, "concurrency", NO_COUNTS),
        (ais_loader, "timeout", NO_SECONDS),
        (ais_loader, "prefetch_bytes", [*NO_COUNTS, 0]),
        (lister, "min_size", NO_COUNTS),
        (lister, "max_size", NO_COUNTS),
        (lister, "modified_after", [math.nan, math.inf, -math.inf]),
    ],
)
def test_number_out_of_range_is_named(
    make: Callable[..., object], option: str, values: list[Any]
) -> None:
    for value in values:
        with pytest.raises(ConfigError, match=option):
            make(**{option: value})


@pytest.mark.parametrize("timeout", [math.inf, 1e-3, 3600, 3e8])
def test_timeout_may_be_infinite(timeout: float) -> None:
    assert pickle.loads(pickle.dumps(loader(timeout=timeout))).options.timeout == timeout


@pytest.mark.parametrize("value", ["inf", "nan", "-1", "0", "1e300", "soon"])
@pytest.mark.parametrize("variable", ["AIS_CONNECT_TIMEOUT", "AIS_READ_TIMEOUT"])
def test_seconds_of_a_variable_are_named(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIS_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=variable):
        AISConfig().resolve()


@pytest.mark.parametrize("value", ["-1", "1.5", "many", "inf"])
def test_attempts_of_a_variable_are_named(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", value)
    with pytest.raises(ConfigError, match=r"(?i)max_attempts"):
        S3Config().resolve()
