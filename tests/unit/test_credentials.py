"""Credentials come from wherever botocore finds them, and are renewed before they expire."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import pickle
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer, ThreadingTCPServer

import pytest
from botocore.tokens import SSOTokenProvider

from objectpipes import _aws, credentials
from objectpipes.credentials import Credentials, CredentialsProvider
from objectpipes.errors import (
    ConfigError,
    ExpiredCredentialsError,
    InvalidCredentialsError,
)
from objectpipes.s3_config import S3Config


def in_seconds(seconds: float) -> datetime:
    return datetime.now(timezone.utc) + timedelta(seconds=seconds)


def found(config: S3Config | None = None) -> Credentials:
    """Return what the chain finds; its source is botocore's name of the provider."""
    credentials = (config or S3Config()).credentials_provider().get()
    assert credentials is not None
    return credentials


# --- the value ---------------------------------------------------------------------------------


def test_repr_hides_secrets() -> None:
    value = Credentials("AKIA", "geheim", "geheim")
    assert "AKIA" in repr(value)
    assert "geheim" not in repr(value)


def test_source_shows_no_secrets() -> None:
    source = S3Config(credentials=partial(Credentials, "a", "secret-key")).credentials_source()
    assert "secret-key" not in repr(source)


def test_survives_pickling() -> None:
    value = Credentials("AKIA", "s", "t", in_seconds(60))
    assert pickle.loads(pickle.dumps(value)) == value


def test_key_without_its_secret_is_an_error() -> None:
    with pytest.raises(ConfigError):
        Credentials("AKIA", "")


@pytest.mark.parametrize("secret", [12345678, b"secret", ["secret"], 0])
def test_key_that_is_no_text_is_an_error(secret: object) -> None:
    with pytest.raises(ConfigError, match="secret key must be a str"):
        Credentials("AKIA", secret)  # type: ignore[arg-type]


def test_empty_credentials_are_an_error() -> None:
    """They would silently turn signing off."""
    with pytest.raises(ConfigError, match="anonymous=True"):
        Credentials("", "")


def test_expiry_without_time_zone_is_an_error() -> None:
    with pytest.raises(ConfigError, match="time zone"):
        Credentials("a", "s", expiry=datetime(2030, 1, 1))


# --- renewal -----------------------------------------------------------------------------------


class Clock:
    """The time that CredentialsProvider sees."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(credentials, "time", clock)
    return clock


class Source:
    """Gives numbered credentials with a fixed lifetime, or fails as often as configured."""

    def __init__(self, clock: Clock, life: float | None) -> None:
        self.clock = clock
        self.life = life
        self.loads = 0
        self.error: Exception | None = None

    def __call__(self) -> Credentials:
        self.loads += 1
        if self.error:
            raise self.error
        expiry = None
        if self.life is not None:
            expiry = datetime.fromtimestamp(self.clock.now + self.life, timezone.utc)
        return Credentials(f"key {self.loads}", "s", expiry=expiry)


@pytest.mark.parametrize(("life", "renewed_after"), [(3600, 3300), (60, 30)])
def test_renewed_ahead_of_expiry(life: float, renewed_after: float, clock: Clock) -> None:
    """Five minutes before the end, or at half of a lifetime below ten minutes."""
    provider = CredentialsProvider(Source(clock, life))
    first = provider.get()
    clock.now += renewed_after - 1
    assert provider.get() is first
    clock.now += 1
    second = provider.get()
    assert second is not None
    assert second.access_key == "key 2"


def test_without_expiry_never_renewed_unless_refused(clock: Clock) -> None:
    source = Source(clock, None)
    provider = CredentialsProvider(source)
    first = provider.get()
    clock.now += 1e9
    assert provider.get() is first
    assert provider.get(force_refresh=True) is not first
    assert source.loads == 2


def test_failed_renewal_keeps_valid_credentials_and_tries_again(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    source = Source(clock, 3600)
    provider = CredentialsProvider(source)
    first = provider.get()
    source.error = OSError("no network")
    clock.now += 3300
    assert provider.get() is first
    assert provider.get() is first
    assert source.loads == 2
    assert "no network" in caplog.text
    clock.now += 30
    assert provider.get() is first
    assert source.loads == 3
    source.error = None
    clock.now += 30
    assert provider.get() is not first


def test_failed_renewal_of_expired_credentials_is_an_error(clock: Clock) -> None:
    source = Source(clock, 3600)
    provider = CredentialsProvider(source)
    provider.get()
    source.error = OSError("no network")
    clock.now += 3600
    with pytest.raises(OSError, match="no network"):
        provider.get()


def test_failure_at_first_or_when_forced_is_an_error(clock: Clock) -> None:
    source = Source(clock, 3600)
    provider = CredentialsProvider(source)
    source.error = OSError("no network")
    with pytest.raises(OSError, match="no network"):
        provider.get()
    source.error = None
    provider.get()
    source.error = OSError("no network")
    with pytest.raises(OSError, match="no network"):
        provider.get(force_refresh=True)


def test_expired_credentials_are_refused(clock: Clock) -> None:
    with pytest.raises(ExpiredCredentialsError):
        CredentialsProvider(Source(clock, -1)).get()


def test_threads_share_one_load() -> None:
    loads = []

    def slow_load() -> Credentials:
        loads.append(1)
        time.sleep(0.05)
        return Credentials("a", "s")

    provider = CredentialsProvider(slow_load)
    threads = [threading.Thread(target=provider.get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1


# --- what an S3Config gives --------------------------------------------------------------------


def test_given_value_and_callable_go_before_the_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "env")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    value = Credentials("argument", "s")
    assert found(S3Config(credentials=value)) is value
    assert found(S3Config(credentials=lambda: value)) is value
    assert found().access_key == "env"


def test_callable_that_returns_something_else_is_an_error() -> None:
    with pytest.raises(ConfigError, match="returned NoneType"):
        found(S3Config(credentials=lambda: None))  # type: ignore[arg-type, return-value]


def test_anonymous_looks_for_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "env")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    assert S3Config(anonymous=True).credentials_provider().get() is None
    assert not caplog.records


def test_nothing_found_is_said_once_per_process(caplog: pytest.LogCaptureFixture) -> None:
    _aws._warn_unsigned.cache_clear()
    for _ in range(2):
        assert S3Config().credentials_provider().get() is None
    warnings = [record for record in caplog.records if record.name.startswith("objectpipes")]
    assert [(w.levelno, w.getMessage()) for w in warnings] == [
        (logging.WARNING, "no credentials found: sending unsigned requests")
    ]


def test_named_profile_goes_before_the_environment(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "env")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    (home / ".aws" / "credentials").write_text(
        "[team]\naws_access_key_id = team\naws_secret_access_key = s\naws_session_token = t\n"
    )
    value = found(S3Config(profile="team"))
    assert (value.access_key, value.session_token) == ("team", "t")
    assert value.source == "shared-credentials-file"


def test_rewritten_credentials_file_is_read_on_refresh(home: Path) -> None:
    file = home / ".aws" / "credentials"
    file.write_text("[default]\naws_access_key_id = old\naws_secret_access_key = s\n")
    provider = S3Config().credentials_provider()
    assert provider.get().access_key == "old"  # type: ignore[union-attr]
    file.write_text("[default]\naws_access_key_id = new\naws_secret_access_key = s\n")
    assert provider.get(force_refresh=True).access_key == "new"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("profile", "error"),
    [
        (None, "missing"),
        ("aws_access_key_id = half\n", "aws_secret_access_key"),
        ("credential_process = /nowhere/get-keys\n", "get-keys"),
    ],
)
def test_unusable_profile_is_a_typed_error(
    profile: str | None, error: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "missing" if profile is None else "team")
    (home / ".aws" / "config").write_text(f"[profile team]\n{profile}" if profile else "")
    with pytest.raises((ConfigError, InvalidCredentialsError), match=error):
        found()


# --- the chain against services on loopback ----------------------------------------------------

EXPIRY = "2099-01-01T00:00:00Z"
ROLE_KEYS = {
    "AccessKeyId": "role",
    "SecretAccessKey": "s",
    "Token": "t",
    "SessionToken": "t",
    "Expiration": EXPIRY,
    "Code": "Success",
}


class LoopbackService:
    """A server in a thread of its own."""

    def __init__(self, server: TCPServer) -> None:
        self.server = server
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        self.thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class AwsService(LoopbackService):
    """Answers every path it knows with a fixed body, and keeps the paths it was asked for."""

    def __init__(self) -> None:
        self.replies: dict[str, str] = {}
        self.location = ""  # to which all other paths are redirected
        self.asked: list[str] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                path = self.path.partition("?")[0]
                service.asked.append(path)
                body = service.replies.get(path)
                other = 302 if service.location else 404
                self.send_response(other if body is None else 200)
                if service.location and body is None:
                    self.send_header("Location", service.location)
                self.send_header("Content-Length", str(len(body or "")))
                self.end_headers()
                self.wfile.write((body or "").encode())

            do_GET = do_PUT = do_POST = answer  # noqa: N815  (http.server calls them)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(ThreadingHTTPServer(("127.0.0.1", 0), Handler))


@pytest.fixture
def service() -> Iterator[AwsService]:
    service = AwsService()
    yield service
    service.stop()


@pytest.fixture
def metadata(service: AwsService, monkeypatch: pytest.MonkeyPatch) -> AwsService:
    """Imitate EC2's instance metadata, with a role."""
    roles = "/latest/meta-data/iam/security-credentials/"
    service.replies = {
        "/latest/api/token": "token",
        roles: "trainer",
        roles + "trainer": json.dumps(ROLE_KEYS),
    }
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.url + "/")
    return service


def test_instance_metadata(metadata: AwsService) -> None:
    value = found()
    assert (value.access_key, value.session_token) == ("role", "t")
    assert value.expiry == datetime(2099, 1, 1, tzinfo=timezone.utc)
    assert value.source == "iam-role"


@pytest.mark.parametrize("token", [True, False])
def test_instance_metadata_that_redirects_is_not_followed(
    token: bool, metadata: AwsService
) -> None:
    """Another host gets no token. It is not known whether there are credentials."""
    other = AwsService()
    try:
        metadata.replies = {"/latest/api/token": "token"} if token else {}
        metadata.location = other.url + "/elsewhere"
        with pytest.raises(InvalidCredentialsError, match="its metadata service answered 302"):
            found()
        assert other.asked == []
    finally:
        other.stop()


class DrippingService(LoopbackService):
    """Sends `begin`, and then one byte after the other, slowly or as fast as it can."""

    def __init__(self, begin: bytes, pause: float) -> None:
        self.stopped = threading.Event()
        dripping = self

        class Handler(BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    self.request.recv(65536)
                    self.request.sendall(begin)
                    while not dripping.stopped.wait(pause):
                        self.request.sendall(b"x" if pause else b"x" * 65536)

        server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        super().__init__(server)

    def stop(self) -> None:
        self.stopped.set()
        super().stop()


BODY, HEAD = b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nx: "


@pytest.mark.parametrize(
    ("begin", "pause", "said"),
    [
        pytest.param(BODY, 0, "more than", id="endless body"),
        pytest.param(BODY, 0.1, "within", id="slow body"),
        pytest.param(HEAD, 0.1, "within", id="slow head"),
    ],
)
@pytest.mark.parametrize("of", ["machine", "container"])
def test_reply_of_metadata_service_has_limits(
    of: str, begin: bytes, pause: float, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reply that does not end ends in an error, and is not kept."""
    monkeypatch.setattr("objectpipes._limited_replies.MAX_REPLY_S", 0.5 if pause else 30)
    service = DrippingService(begin, pause)
    if of == "machine":
        monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.url + "/")
    else:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", service.url + "/keys")
    try:
        with pytest.raises(InvalidCredentialsError, match=said):
            found()
    finally:
        service.stop()


def test_instance_metadata_is_not_asked_without_need(
    metadata: AwsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for the region, and not for credentials that are elsewhere."""
    S3Config().resolve()
    S3Config(region="eu-west-1").resolve()
    found(S3Config(credentials=Credentials("a", "s")))
    S3Config(anonymous=True).credentials_provider().get()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "env")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    assert found().source == "env"
    assert metadata.asked == []


def test_container_role(service: AwsService, monkeypatch: pytest.MonkeyPatch) -> None:
    service.replies["/keys"] = json.dumps(ROLE_KEYS)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", service.url + "/keys")
    assert found().source == "container-role"


@pytest.mark.parametrize("token", ["token\n", " token", "to\rken"])
def test_token_of_container_with_what_cannot_be_sent(
    token: str, service: AwsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", service.url + "/keys")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", token)
    with pytest.raises(ConfigError, match="The token in AWS_CONTAINER_AUTHORIZATION_TOKEN"):
        found()
    assert service.asked == []


STS_REPLY = f"""
<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult><Credentials>
    <AccessKeyId>web</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
    <SessionToken>t</SessionToken><Expiration>{EXPIRY}</Expiration>
  </Credentials></AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>
"""


def test_web_identity(service: AwsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service.replies["/"] = STS_REPLY
    (tmp_path / "jwt").write_text("token")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "jwt"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/trainer")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", service.url)
    value = found()
    assert value.access_key == "web"
    assert value.expiry == datetime(2099, 1, 1, tzinfo=timezone.utc)
    assert value.source == "assume-role-with-web-identity"


def test_identity_that_the_service_repeats_is_hidden(
    service: AwsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0"
    service.replies["/"] = f"<not XML: {identity}"
    (tmp_path / "jwt").write_text(identity + "\n")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "jwt"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/trainer")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", service.url)
    with pytest.raises(InvalidCredentialsError, match="not XML") as caught:
        found()
    assert identity not in str(caught.value)


def test_a_role_is_assumed_in_the_region_of_the_environment(
    home: Path, service: AwsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All SDKs but botocore read AWS_REGION, and so does everything else here."""
    service.replies["/"] = STS_REPLY.replace("AssumeRoleWithWebIdentity", "AssumeRole")
    (home / ".aws" / "config").write_text(
        "[default]\nrole_arn = arn:aws:iam::123456789012:role/trainer\nsource_profile = base\n"
    )
    (home / ".aws" / "credentials").write_text(
        "[base]\naws_access_key_id = a\naws_secret_access_key = s\n"
    )
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", service.url)
    assert found().access_key == "web"


def test_refused_web_identity_is_a_typed_error(
    service: AwsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jwt").write_text("token")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "jwt"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/trainer")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", service.url)
    with pytest.raises(InvalidCredentialsError, match="No AWS credentials could be obtained"):
        found()


def test_process(home: Path, tmp_path: Path) -> None:
    keys = {"Version": 1, **ROLE_KEYS}
    script = tmp_path / "keys.py"
    script.write_text(f"print('''{json.dumps(keys)}''')")
    (home / ".aws" / "config").write_text(
        f"[default]\ncredential_process = {sys.executable} {script}\n"
    )
    value = found()
    assert value.source == "custom-process"
    assert value.expiry == datetime(2099, 1, 1, tzinfo=timezone.utc)


ROLE = "role_arn = arn:aws:iam::123456789012:role/trainer\n"


@pytest.mark.parametrize(
    ("profiles", "named"),
    [
        ("[default]\n", None),
        ("[profile base]\n", "base"),
        (f"[default]\n{ROLE}source_profile = base\n[profile base]\n", None),
        (f"[profile a]\n{ROLE}source_profile = base\n[profile base]\n", "a"),
        (
            f"[default]\n{ROLE}source_profile = middle\n"
            f"[profile middle]\n{ROLE}source_profile = base\n[profile base]\n",
            None,
        ),
    ],
    ids=["default", "named", "source", "source-of-named", "source-of-source"],
)
def test_process_that_never_ends_is_a_typed_error(
    profiles: str, named: str | None, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_aws, "_MAX_PROGRAM_S", 0.1)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    program = "import time; time.sleep(60)"
    (home / ".aws" / "config").write_text(
        f"{profiles}credential_process = {sys.executable} -c '{program}'\n"
    )
    with pytest.raises(InvalidCredentialsError, match="did not end within"):
        found(S3Config(profile=named))


def test_keys_of_the_program_of_a_source_profile_are_used(
    home: Path, service: AwsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.replies["/"] = STS_REPLY.replace("AssumeRoleWithWebIdentity", "AssumeRole")
    script = tmp_path / "keys.py"
    script.write_text(f"print('''{json.dumps({'Version': 1, **ROLE_KEYS})}''')")
    (home / ".aws" / "config").write_text(
        f"[default]\n{ROLE}source_profile = base\n"
        f"[profile base]\ncredential_process = {sys.executable} {script}\n"
    )
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", service.url)
    assert found().access_key == "web"


def sign_on(home: Path, expiry: str, patch: pytest.MonkeyPatch) -> None:
    """Leave the traces of "aws sso login" behind."""
    (home / ".aws" / "config").write_text(
        "[default]\nsso_session = work\nsso_account_id = 123456789012\nsso_role_name = trainer\n"
        "[sso-session work]\nsso_start_url = https://work.example/start\nsso_region = eu-west-1\n"
    )
    cache = home / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    # botocore asked for the home directory when it was imported.
    patch.setattr(SSOTokenProvider, "_SSO_TOKEN_CACHE_DIR", str(cache))
    token = {
        "accessToken": "token",
        "expiresAt": expiry,
        "region": "eu-west-1",
        "startUrl": "https://work.example/start",
    }
    name = hashlib.sha1(b"work", usedforsecurity=False).hexdigest()
    (cache / f"{name}.json").write_text(json.dumps(token))


def test_single_sign_on(home: Path, service: AwsService, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {"accessKeyId": "sso", "secretAccessKey": "s", "sessionToken": "t"}
    milliseconds = int(datetime(2099, 1, 1, tzinfo=timezone.utc).timestamp() * 1000)
    service.replies["/federation/credentials"] = json.dumps(
        {"roleCredentials": {**keys, "expiration": milliseconds}}
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", service.url)
    sign_on(home, EXPIRY, monkeypatch)
    value = found()
    assert (value.access_key, value.source) == ("sso", "sso")
    assert value.expiry == datetime(2099, 1, 1, tzinfo=timezone.utc)


def test_expired_sign_on_says_how_to_sign_in(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_on(home, "2020-01-01T00:00:00Z", monkeypatch)
    with pytest.raises(ExpiredCredentialsError, match=r"expired.*aws sso login"):
        found()
