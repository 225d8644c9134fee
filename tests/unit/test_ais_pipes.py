"""The AIStore pipes before anything is read: how their arguments and their configuration agree."""

from __future__ import annotations

from typing import Any

import pytest

from objectpipes import AISConfig
from objectpipes.errors import ConfigError
from objectpipes.iter import AISFileLister, AISFileLoader

URLS = ["ais://bucket/a", "ais://bucket/b"]
PIPES = pytest.mark.parametrize("pipe", [AISFileLister, AISFileLoader])


@PIPES
@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("token", "secret"),
        ("token_file", "/etc/token.json"),
        ("ca_file", "/etc/ca.pem"),
        ("client_cert", "/etc/cert.pem"),
        ("client_key", "/etc/key.pem"),
        ("skip_verify", True),
        ("skip_verify", False),
    ],
)
def test_connection_arguments_go_before_the_config(pipe: Any, argument: str, value: object) -> None:
    config = AISConfig(endpoint="http://gateway:51080", skip_verify=not value, max_attempts=7)
    made = pipe(URLS, config=config, **{argument: value})
    assert getattr(made.config, argument) == value
    assert (made.config.endpoint, made.config.max_attempts) == ("http://gateway:51080", 7)


@PIPES
def test_url_goes_before_the_endpoint_of_the_config(pipe: Any) -> None:
    config = AISConfig(endpoint="http://gateway:51080")
    assert pipe(URLS, "http://other:51080", config=config).config.endpoint == "http://other:51080"
    assert pipe(URLS, "", config=config).config == config


@PIPES
def test_token_goes_before_the_token_file_of_the_config_and_the_other_way_round(pipe: Any) -> None:
    by_token, by_file = AISConfig(token="secret"), AISConfig(token_file="/etc/token.json")
    assert pipe(URLS, config=by_file, token="secret").config == by_token
    assert pipe(URLS, config=by_token, token_file="/etc/token.json").config == by_file
    with pytest.raises(ConfigError, match="exclude each other"):
        pipe(URLS, token="secret", token_file="/etc/token.json")


@PIPES
def test_config_is_taken_as_it_is(pipe: Any) -> None:
    config = AISConfig(endpoint="http://gateway:51080", token="secret", skip_verify=True)
    assert pipe(URLS, config=config).config == config
    assert pipe(URLS).config == AISConfig()
