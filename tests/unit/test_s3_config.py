"""S3 is configured by arguments, torchdata's variables, AWS's variables, and the AWS profile."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from objectpipes._aws import load_credentials
from objectpipes.credentials import Credentials
from objectpipes.errors import ConfigError
from objectpipes.s3_config import ResolvedS3Config, S3Config


@pytest.fixture(autouse=True)
def authorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a file that stands for the system's certificates, so that https can be resolved."""
    file = tmp_path / "system-ca.pem"
    file.write_text("PEM")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return str(file)


def write_profile(home: Path, text: str) -> None:
    (home / ".aws" / "config").write_text(text)


def limits(config: ResolvedS3Config) -> tuple[float, float, int]:
    connection = config.connection
    return connection.connect_timeout, connection.stall_timeout, connection.max_attempts


# --- arguments ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "option",
    [
        {"addressing_style": "host"},
        {"transport": "crt"},
        {"endpoint_url": "ftp://host"},
        {"endpoint_url": "http://host\ud800"},
        {"endpoint_url": "http://host\0"},
        {"endpoint_url": "http://host/\udcff"},
        {"endpoint_url": "http://user:password@host"},
        {"endpoint_url": "https://s3.{region}.example.com"},
        {"connect_timeout": 0},
        {"stall_timeout": -1},
        {"max_attempts": 0},
        {"credentials": "key"},
        {"credentials": Credentials("a", "s"), "anonymous": True},
    ],
)
def test_option_that_can_never_work_fails_at_construction(option: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(option))):
        S3Config(**option)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url", ["http://user:hunter2@host", "user:hunter2@host", "https://host/?token=hunter2"]
)
def test_endpoint_in_an_error_shows_no_secret(url: str) -> None:
    with pytest.raises(ConfigError, match="host") as raised:
        S3Config(endpoint_url=url)
    assert "hunter2" not in str(raised.value)


def test_options_are_keyword_only_and_frozen() -> None:
    with pytest.raises(TypeError):
        S3Config("eu-west-1")  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        S3Config().region = "eu-west-1"  # type: ignore[misc]


def test_repr_shows_what_was_given_and_hides_secrets() -> None:
    assert repr(S3Config()) == "S3Config()"
    config = S3Config(
        region="eu-west-1",
        credentials=Credentials("AKIA", "geheim", "geheim"),
        proxy="http://user:geheim@proxy",
    )
    assert "region='eu-west-1'" in repr(config)
    assert "AKIA" in repr(config)
    assert "proxy=..." in repr(config)
    assert "geheim" not in repr(config) + repr(config.resolve())


def make_credentials() -> Credentials:
    return Credentials("a", "s")


@pytest.mark.parametrize("credentials", [make_credentials(), make_credentials, None])
def test_survives_pickling_and_copying(credentials: Credentials | None) -> None:
    config = S3Config(region="eu-west-1", credentials=credentials, max_attempts=3)
    assert pickle.loads(pickle.dumps(config)) == config
    assert copy.deepcopy(config) == config
    assert hash(copy.copy(config)) == hash(config)
    resolved = config.resolve()
    assert pickle.loads(pickle.dumps(resolved)) == resolved


def test_defaults() -> None:
    config = S3Config().resolve()
    assert isinstance(config, ResolvedS3Config)
    assert config.connection.endpoint_url == "https://s3.{region}.amazonaws.com"
    assert config.region == ""
    assert config.addressing_style == "virtual"
    assert config.connection.verify_tls
    assert config.transport == "http"
    assert config.connection.proxy == ""
    assert not config.requester_pays
    assert config.multi_part_download
    assert limits(config) == (5, 20, 10)


def test_given_options_arrive() -> None:
    config = S3Config(
        requester_pays=True,
        transport="aws",
        multi_part_download=False,
        connect_timeout=1,
        stall_timeout=2,
        max_attempts=3,
    ).resolve()
    assert config.requester_pays
    assert config.transport == "aws"
    assert not config.multi_part_download
    assert limits(config) == (1, 2, 3)


def test_client_certificate(tmp_path: Path) -> None:
    """One file may hold certificate and key; it is needed for https only."""
    file = tmp_path / "both.pem"
    file.write_text("PEM")
    given = S3Config(endpoint_url="https://host", client_cert=str(file), verify_tls=False)
    connection = given.resolve().connection
    assert connection.client_cert == connection.client_key == str(file)
    missing = S3Config(endpoint_url="https://host", client_cert="/nowhere", verify_tls=False)
    with pytest.raises(ConfigError, match="/nowhere"):
        missing.resolve()
    plain = dataclasses.replace(missing, endpoint_url="http://host").resolve().connection
    assert (plain.client_cert, plain.client_key) == ("", "")


# --- region ------------------------------------------------------------------------------------


def test_order_of_regions(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_profile(home, "[default]\nregion = profile-1\n[profile other]\nregion = other-1\n")
    assert S3Config().resolve().region == "profile-1"
    assert S3Config(profile="other").resolve().region == "other-1"
    monkeypatch.setenv("AWS_PROFILE", "other")
    assert S3Config().resolve().region == "other-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "default-1")
    assert S3Config().resolve().region == "default-1"
    monkeypatch.setenv("AWS_REGION", "region-1")
    assert S3Config().resolve().region == "region-1"
    assert S3Config(region="argument-1").resolve().region == "argument-1"
    assert S3Config(region="").resolve().region == "region-1"


def test_aws_config_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").write_text("[default]\nregion = there-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "elsewhere"))
    assert S3Config().resolve().region == "there-1"


def test_settings_are_read_when_resolved_not_when_constructed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = S3Config()
    monkeypatch.setenv("AWS_REGION", "later-1")
    assert config.resolve().region == "later-1"


# --- endpoint ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("region", "settings", "host"),
    [
        ("eu-west-1", "", "s3.{region}.amazonaws.com"),
        ("us-east-1", "", "s3.{region}.amazonaws.com"),
        ("cn-north-1", "", "s3.{region}.amazonaws.com.cn"),
        ("us-gov-west-1", "use_fips_endpoint = true", "s3-fips.{region}.amazonaws.com"),
        ("eu-west-1", "use_dualstack_endpoint = true", "s3.dualstack.{region}.amazonaws.com"),
        ("eu-west-1", "s3 =\n  use_accelerate_endpoint = true", "s3-accelerate.amazonaws.com"),
        (
            "eu-west-1",
            "s3 =\n  use_dualstack_endpoint = true",
            "s3.dualstack.{region}.amazonaws.com",
        ),
    ],
)
def test_endpoint_of_aws(region: str, settings: str, host: str, home: Path) -> None:
    write_profile(home, f"[default]\n{settings}\n")
    assert S3Config(region=region).resolve().connection.endpoint_url == f"https://{host}"


def test_endpoint_that_aws_does_not_have_is_an_error(home: Path) -> None:
    with pytest.raises(ConfigError, match="not a valid DNS name"):
        S3Config(region="eu west 1").resolve()
    write_profile(
        home, "[default]\nuse_fips_endpoint = true\ns3 =\n  use_accelerate_endpoint = true\n"
    )
    with pytest.raises(ConfigError, match="Accelerate cannot be used with FIPS"):
        S3Config(region="us-east-1").resolve()


def test_order_of_endpoints(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def endpoint(**options: str) -> str:
        return S3Config(**options).resolve().connection.endpoint_url  # type: ignore[arg-type]

    write_profile(home, "[default]\nendpoint_url = http://profile\n")
    assert endpoint() == "http://profile"
    write_profile(
        home,
        "[default]\nendpoint_url = http://profile\nservices = local\n"
        "[services local]\ns3 =\n  endpoint_url = http://services\n",
    )
    assert endpoint() == "http://services"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://every-service")
    assert endpoint() == "http://every-service"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://only-s3")
    assert endpoint() == "http://only-s3"
    monkeypatch.setenv("S3_ENDPOINT_URL", "http://torchdata")
    assert endpoint() == "http://torchdata"
    assert endpoint(endpoint_url="http://argument") == "http://argument"


def test_configured_endpoints_can_be_ignored(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_profile(home, "[default]\nendpoint_url = http://profile\n")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://only-s3")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert S3Config().resolve().connection.endpoint_url == "https://s3.{region}.amazonaws.com"
    monkeypatch.setenv("S3_ENDPOINT_URL", "http://torchdata")
    assert S3Config().resolve().connection.endpoint_url == "http://torchdata"


@pytest.mark.parametrize("read", [S3Config().resolve, lambda: load_credentials(None)])
def test_traceback_of_an_unreadable_file_does_not_quote_it(
    read: Callable[[], object], home: Path
) -> None:
    write_profile(home, "[default]\nhunter2 = 1\nhunter2hunter2\n")
    with pytest.raises(ConfigError, match="config") as raised:
        read()
    assert "hunter2" not in "".join(traceback.format_exception(raised.value))


def test_services_section_that_does_not_exist_is_an_error(home: Path) -> None:
    write_profile(home, "[default]\nservices = typo\n")
    with pytest.raises(ConfigError, match="services typo"):
        S3Config().resolve()


@pytest.mark.parametrize(
    ("endpoint", "use_https", "url"),
    [
        ("localhost:9000", None, "https://localhost:9000"),
        ("localhost:9000", "0", "http://localhost:9000"),
        ("localhost:9000", "0n", "http://localhost:9000"),
        ("localhost:9000", "false", "https://localhost:9000"),
        ("http://localhost:9000/", "1", "http://localhost:9000"),
        ("https://localhost:9000", "0", "https://localhost:9000"),
        ("http://cluster:51080/s3/", None, "http://cluster:51080/s3"),
        (None, "0", "http://s3.{region}.amazonaws.com"),
    ],
)
def test_scheme_of_the_endpoint_goes_before_s3_use_https(
    endpoint: str | None, use_https: str | None, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("S3_ENDPOINT_URL", endpoint), ("S3_USE_HTTPS", use_https)):
        if value is not None:
            monkeypatch.setenv(name, value)
    assert S3Config().resolve().connection.endpoint_url == url


@pytest.mark.parametrize("name", ["S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
def test_malformed_endpoint_variable_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "s3://bucket")
    with pytest.raises(ConfigError, match=f"{name} does not have the form"):
        S3Config().resolve()


# --- addressing --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argument", "profile", "endpoint", "style"),
    [
        ("auto", "", None, "virtual"),
        ("auto", "", "http://minio:9000", "path"),
        ("auto", "auto", "http://minio:9000", "path"),
        ("auto", "path", None, "path"),
        ("auto", "virtual", "http://minio:9000", "virtual"),
        ("virtual", "path", "http://minio:9000", "virtual"),
        ("path", "virtual", None, "path"),
    ],
)
def test_addressing_style(
    argument: str, profile: str, endpoint: str | None, style: str, home: Path
) -> None:
    write_profile(home, f"[default]\ns3 =\n  addressing_style = {profile}\n" if profile else "")
    config = S3Config(addressing_style=argument, endpoint_url=endpoint)
    assert config.resolve().addressing_style == style


def test_unknown_addressing_style_in_the_profile_is_an_error(home: Path) -> None:
    write_profile(home, "[default]\ns3 =\n  addressing_style = subdomain\n")
    with pytest.raises(ConfigError, match="AWS profile"):
        S3Config().resolve()


# --- TLS ---------------------------------------------------------------------------------------


def test_order_of_authorities(
    home: Path, tmp_path: Path, authorities: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def file(name: str) -> str:
        (tmp_path / name).write_text("PEM")
        return str(tmp_path / name)

    def chosen(**options: str) -> str:
        return S3Config(**options).resolve().connection.ca.file  # type: ignore[arg-type]

    assert chosen() == authorities
    write_profile(home, f"[default]\nca_bundle = {file('profile')}\n")
    assert chosen() == file("profile")
    monkeypatch.setenv("AWS_CA_BUNDLE", file("variable"))
    assert chosen() == file("variable")
    assert chosen(ca_file=file("argument")) == file("argument")


def test_missing_ca_bundle_is_an_error(home: Path) -> None:
    write_profile(home, "[default]\nca_bundle = /nowhere\n")
    with pytest.raises(ConfigError, match="/nowhere"):
        S3Config().resolve()


@pytest.mark.parametrize(
    ("argument", "variable", "verifies"),
    [
        (None, None, True),
        (None, "0", False),
        (None, "false", True),
        (True, "0", True),
        (False, "1", False),
    ],
)
def test_verification_can_be_switched_off(
    argument: bool | None, variable: str | None, verifies: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable is not None:
        monkeypatch.setenv("S3_VERIFY_SSL", variable)
    config = S3Config(verify_tls=argument).resolve()
    assert config.connection.verify_tls is verifies
    assert bool(config.connection.ca.file) is verifies


def test_plain_http_needs_no_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    assert S3Config(endpoint_url="http://localhost:9000").resolve().connection.ca.file == ""


# --- proxy -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "no_proxy", "proxy"),
    [
        (None, "", "http://secure:3128"),
        ("http://store", "", "http://plain:3128"),
        ("https://store", "other, store", ""),
        ("https://store:9000", "store:9000", ""),
        ("https://store", "*", ""),
        (None, ".amazonaws.com", ""),
        (None, "s3.eu-west-1.amazonaws.com", ""),
        (None, "s3.us-west-1.amazonaws.com", "http://secure:3128"),
        ("https://store", "\udcff,store", ""),
    ],
)
def test_proxy_of_the_environment(
    endpoint: str | None, no_proxy: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://secure:3128")
    monkeypatch.setenv("http_proxy", "http://plain:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    connection = S3Config(endpoint_url=endpoint, region="eu-west-1").resolve().connection
    url = connection.endpoint_url.replace("{region}", "eu-west-1")
    assert connection.proxy_for(url) == proxy


def test_proxy_argument_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://secure:3128")
    monkeypatch.setenv("NO_PROXY", "*")
    assert S3Config(proxy="http://mine:1").resolve().connection.proxy == "http://mine:1"
    monkeypatch.delenv("NO_PROXY")
    assert S3Config(proxy="").resolve().connection.proxy == ""


# --- the rest ----------------------------------------------------------------------------------


def test_order_of_max_attempts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_profile(home, "[default]\nmax_attempts = 4\n")
    assert S3Config().resolve().connection.max_attempts == 4
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
    assert S3Config().resolve().connection.max_attempts == 5
    assert S3Config(max_attempts=6).resolve().connection.max_attempts == 6


def test_off_switches_multi_part_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_MULTI_PART_DOWNLOAD", "OFF")
    assert not S3Config().resolve().multi_part_download
    assert S3Config(multi_part_download=True).resolve().multi_part_download


@pytest.mark.parametrize("value", ["off", "0", "false"])
def test_only_off_in_capitals_switches_multi_part_off(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_MULTI_PART_DOWNLOAD", value)
    assert S3Config().resolve().multi_part_download


@pytest.mark.parametrize("value", ["0", "256", "134217728", "9999999999"])
def test_buffer_size_means_nothing(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pipes with and without it share one client."""
    without = S3Config().resolve()
    monkeypatch.setenv("S3_BUFFER_SIZE", value)
    assert S3Config().resolve() == without


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("S3_BUFFER_SIZE", "128MB"),
        ("S3_BUFFER_SIZE", "-1"),
        ("AWS_MAX_ATTEMPTS", "many"),
        ("AWS_MAX_ATTEMPTS", "0"),
        ("AWS_PROFILE", "missing"),
    ],
)
def test_setting_that_cannot_be_used_is_named(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=rf"(?i){name.removeprefix('AWS_')}"):
        S3Config().resolve()


def test_malformed_configuration_file_is_an_error(home: Path) -> None:
    write_profile(home, "region = eu-west-1\n")
    with pytest.raises(ConfigError, match="config"):
        S3Config().resolve()


def test_import_is_light() -> None:
    modules = "errors, url, tls, credentials, s3_config, ais_config"
    heavy = {"torch", "botocore", "ssl", "urllib.request", "objectpipes._ext"}
    code = f"from objectpipes import {modules}; import sys; print({heavy} & set(sys.modules))"
    path = [entry for entry in sys.path if entry]
    run = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}; {code}"],
        capture_output=True,
        check=True,
        text=True,
    )
    assert run.stdout.strip() == "set()"


KEY = bytes(range(32))


@pytest.mark.parametrize("given", [KEY, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="])
def test_customer_key_in_bytes_or_base64(given: str | bytes) -> None:
    config = S3Config(sse_customer_key=given)
    assert config.resolve().sse_customer_key == KEY
    assert "AAEC" not in repr(config) + repr(config.resolve())
    assert "sse_customer_key=..." in repr(config)


@pytest.mark.parametrize("given", ["", b"", "AAEC", KEY[1:], KEY + b"0", "not base64", "k" * 32])
def test_customer_key_of_another_form(given: str | bytes) -> None:
    with pytest.raises(ConfigError, match="sse_customer_key must be 32 bytes") as caught:
        S3Config(sse_customer_key=given)
    assert not given or str(given) not in str(caught.value)


def test_customer_key_is_not_sent_in_the_clear() -> None:
    config = S3Config(endpoint_url="http://store.example", sse_customer_key=KEY)
    with pytest.raises(ConfigError, match=r"sse_customer_key .*http://store\.example"):
        config.resolve()
    for url in (
        "https://store.example",
        "http://localhost:9000",
        "http://[::1]",
        "http://127.0.0.2",
    ):
        assert S3Config(endpoint_url=url, sse_customer_key=KEY).resolve().sse_customer_key == KEY


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("list_version", 0),
        ("list_version", 3),
        ("expected_bucket_owner", ""),
        ("expected_bucket_owner", "1\r\nx: y"),
    ],
)
def test_option_of_a_request_that_cannot_work(option: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=option):
        S3Config(**{option: value})
