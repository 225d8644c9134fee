"""AIStore is configured by arguments and by the variables of AIStore's own clients."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from objectpipes.ais_config import AISConfig
from objectpipes.errors import ConfigError


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("localhost:8080", "http://localhost:8080"),
        ("https://Gateway:51080/", "https://gateway:51080"),
        ("http://[::1]:51080", "http://[::1]:51080"),
        ("http://host/base/", "http://host/base"),
    ],
)
def test_endpoint(given: str, normal: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIS_CLIENT_CA", str(tmp_path))
    assert AISConfig(endpoint_url=given).resolve().endpoint_url == normal
    monkeypatch.setenv("AIS_ENDPOINT", given)
    assert AISConfig().resolve().endpoint_url == normal
    assert AISConfig(endpoint_url="other").resolve().endpoint_url == "http://other"


def test_no_endpoint_is_an_error_that_says_where_to_put_it() -> None:
    with pytest.raises(ConfigError, match=r"pass endpoint_url= to AISConfig, or set AIS_ENDPOINT"):
        AISConfig().resolve()


@pytest.mark.parametrize(
    "value",
    ["ftp://host", "http://", "host:port", "http://u:secret@host", "http://[::1", "a b", "h:0"],
)
def test_malformed_endpoint_is_an_error_at_construction(value: str) -> None:
    with pytest.raises(ConfigError, match="endpoint_url does not have the form") as caught:
        AISConfig(endpoint_url=value)
    assert "secret" not in str(caught.value)


def test_malformed_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIS_ENDPOINT", "ais://x")
    with pytest.raises(ConfigError, match="AIS_ENDPOINT"):
        AISConfig().resolve()


def test_variables_of_a_secured_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AIS_CLIENT_CA", "AIS_CRT", "AIS_CRT_KEY"):
        file = tmp_path / name
        file.write_text("PEM")
        monkeypatch.setenv(name, str(file))
    secured = AISConfig(endpoint_url="https://host").resolve()
    assert secured.verify_tls
    assert secured.ca.file == str(tmp_path / "AIS_CLIENT_CA")
    assert secured.client_cert == str(tmp_path / "AIS_CRT")
    assert secured.client_key == str(tmp_path / "AIS_CRT_KEY")
    plain = AISConfig(endpoint_url="http://host").resolve()
    assert (plain.ca.file, plain.client_cert, plain.client_key) == ("", "", "")


def test_arguments_go_before_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AIS_CLIENT_CA", "AIS_CRT", "AIS_CRT_KEY"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AIS_CONNECT_TIMEOUT", "9")
    file = tmp_path / "pem"
    file.write_text("PEM")
    config = AISConfig(
        endpoint_url="https://host",
        ca_file=str(file),
        client_cert=str(file),
        client_key=str(file),
        connect_timeout=1,
    ).resolve()
    assert config.ca.file == config.client_cert == config.client_key == str(file)
    assert config.connect_timeout == 1


def test_certificate_file_may_hold_the_key(tmp_path: Path) -> None:
    file = tmp_path / "both.pem"
    file.write_text("PEM")
    config = AISConfig(
        endpoint_url="https://host", client_cert=str(file), verify_tls=False
    ).resolve()
    assert config.client_key == str(file)


def test_missing_client_certificate_is_an_error() -> None:
    config = AISConfig(endpoint_url="https://host", client_cert="/nowhere", verify_tls=False)
    with pytest.raises(ConfigError, match="/nowhere"):
        config.resolve()


@pytest.mark.parametrize(
    ("current", "old", "skips"),
    [
        (None, None, False),
        ("true", None, True),
        ("ON", None, True),
        (None, "yes", True),
        ("false", "true", False),
        ("maybe", None, False),
    ],
)
def test_skip_verify_variables(
    current: str | None, old: str | None, skips: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("AIS_SKIP_VERIFY_CRT", current), ("AIS_SKIP_VERIFY", old)):
        if value is not None:
            monkeypatch.setenv(name, value)
    assert AISConfig(endpoint_url="http://host").resolve().verify_tls is not skips
    assert AISConfig(endpoint_url="http://host", verify_tls=True).resolve().verify_tls


def test_skipping_verification_needs_no_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIS_CLIENT_CA", "/nowhere")
    assert AISConfig(endpoint_url="https://host", verify_tls=False).resolve().ca.file == ""


def test_timeouts_from_variables_and_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    config = AISConfig(endpoint_url="host").resolve()
    assert (config.connect_timeout, config.stall_timeout, config.max_attempts) == (5, 20, 10)
    monkeypatch.setenv("AIS_CONNECT_TIMEOUT", "2.5")
    monkeypatch.setenv("AIS_READ_TIMEOUT", "60")
    config = AISConfig(endpoint_url="host").resolve()
    assert (config.connect_timeout, config.stall_timeout) == (2.5, 60)


@pytest.mark.parametrize("value", ["0", "-1", "soon", "nan"])
def test_useless_timeout_variable_is_named(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIS_READ_TIMEOUT", value)
    with pytest.raises(ConfigError, match="AIS_READ_TIMEOUT"):
        AISConfig(endpoint_url="host").resolve()


def token_of(config: AISConfig) -> str | None:
    credentials = config.credentials_provider().get()
    return credentials.session_token if credentials else None


def test_order_of_token_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "auth.token"
    file.write_text(json.dumps({"token": "from file"}))
    assert token_of(AISConfig()) is None
    monkeypatch.setenv("AIS_AUTHN_TOKEN_FILE", str(file))
    assert token_of(AISConfig()) == "from file"
    monkeypatch.setenv("AIS_AUTHN_TOKEN", "from variable")
    assert token_of(AISConfig()) == "from variable"
    assert token_of(AISConfig(token_file=str(file))) == "from file"
    assert token_of(AISConfig(token="argument")) == "argument"


def test_the_line_end_of_a_token_file_is_not_part_of_the_token(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "auth.token"
    for end in ("\n", "\r\n", ""):
        file.write_text(json.dumps({"token": f"a.b.c{end}"}) + "\n")
        assert token_of(AISConfig(token_file=str(file))) == "a.b.c"
    monkeypatch.setenv("AIS_AUTHN_TOKEN_FILE", str(file))
    assert token_of(AISConfig()) == "a.b.c"


@pytest.mark.parametrize("token", ["a.b\nx: y", "a\x00b", "a\x7fb", "\u00e9", " a.b", "a.b\t", " "])
def test_token_that_would_break_a_request_is_an_error_that_hides_it(
    token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "auth.token"
    file.write_text(json.dumps({"token": token}))
    with pytest.raises(ConfigError, match="The token from token ") as in_argument:
        AISConfig(token=token)
    with pytest.raises(ConfigError, match=r"The token from .*auth\.token ") as in_file:
        token_of(AISConfig(token_file=str(file)))
    errors = [in_argument, in_file]
    if "\0" not in token:  # no variable can have it
        monkeypatch.setenv("AIS_AUTHN_TOKEN", token)
        with pytest.raises(ConfigError, match="The token from AIS_AUTHN_TOKEN ") as in_variable:
            token_of(AISConfig())
        errors.append(in_variable)
    for error in errors:
        assert len(token) == 1 or token not in str(error.value)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_only_a_file_may_end_its_token_with_a_line_end(
    end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="The token from token has a control character"):
        AISConfig(token=f"a.b.c{end}")
    monkeypatch.setenv("AIS_AUTHN_TOKEN", f"a.b.c{end}")
    with pytest.raises(ConfigError, match="from AIS_AUTHN_TOKEN has a control character"):
        token_of(AISConfig())


def test_token_file_is_read_again_on_refresh(tmp_path: Path) -> None:
    file = tmp_path / "auth.token"
    file.write_text('{"token": "old"}')
    provider = AISConfig(token_file=str(file)).credentials_provider()
    assert provider.get().session_token == "old"  # type: ignore[union-attr]
    file.write_text('{"token": "new"}')
    assert provider.get().session_token == "old"  # type: ignore[union-attr]
    assert provider.get(force_refresh=True).session_token == "new"  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["", "eyJhbGci", "[]", "{}", '{"token": ""}', '{"token": 1}'])
def test_malformed_token_file_is_an_error_that_hides_its_text(text: str, tmp_path: Path) -> None:
    file = tmp_path / "auth.token"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"auth\.token") as caught:
        token_of(AISConfig(token_file=str(file)))
    assert "eyJ" not in str(caught.value)


def test_missing_token_file_is_an_error() -> None:
    with pytest.raises(ConfigError, match="/nowhere"):
        token_of(AISConfig(token_file="/nowhere"))


def test_token_and_token_file_exclude_each_other() -> None:
    with pytest.raises(ConfigError):
        AISConfig(token="a", token_file="b")


def test_repr_hides_the_token_and_survives_pickling() -> None:
    config = AISConfig(endpoint_url="host", token="geheim")
    assert repr(config) == "AISConfig(endpoint_url='host', token=...)"
    assert pickle.loads(pickle.dumps(config)) == config
    assert pickle.loads(pickle.dumps(config.resolve())) == config.resolve()
