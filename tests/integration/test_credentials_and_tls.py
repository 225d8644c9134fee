"""Credentials, regions, clocks, and TLS connections."""

from __future__ import annotations

import dataclasses
import itertools
import re
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import botocore.credentials
import pytest
import trustme

from faults import Fault, FaultProxy, FaultServer, Request, kinds, stream
from faults.fault import Serve
from faults.messages import Reply
from faults.store import Store
from integration.http_proxy import HttpProxy
from integration.pipes import CREDENTIALS, config_for, list_urls, load
from objectpipes import AISConfig, Credentials, ObjectUrl, S3Config
from objectpipes.errors import (
    AccessDeniedError,
    ClockSkewError,
    EndpointError,
    ExpiredCredentialsError,
    InvalidCredentialsError,
    ObjectStoreError,
    ProtocolError,
    TLSError,
    WrongRegionError,
)
from objectpipes.iter import AISFileLoader, S3FileLoader

CONTENT = {f"{i:03}": f"content {i}".encode() for i in range(100)}
URLS = [f"s3://bucket/{key}" for key in CONTENT]
EXPECTED = list(zip(URLS, CONTENT.values(), strict=True))
ONE = ["s3://bucket/000"]


def serve(**options: Any) -> FaultServer:
    return FaultServer({"bucket": CONTENT}, **options)


def on_server(credentials: Credentials) -> botocore.credentials.Credentials:
    return botocore.credentials.Credentials(
        credentials.access_key, credentials.secret_key, credentials.session_token
    )


# --- credentials ------------------------------------------------------------------------------


class Source:
    """Gives the current credentials, and counts the calls."""

    def __init__(self) -> None:
        self.asked = 0
        self.generation = 0

    @property
    def current(self) -> Credentials:
        return Credentials(f"key{self.generation}", "secret", f"token{self.generation}")

    def __call__(self) -> Credentials:
        self.asked += 1
        return self.current


class Rotations(Fault):
    """The credentials change after every 15 reads; but of no read for the third time.

    Two is what the engine puts up with, and on a busy machine a read may wait that long.
    """

    def __init__(self, source: Source, rotations: int) -> None:
        self._source = source
        self._rotations = rotations
        self._served = 0
        self._refused: Counter[str] = Counter()
        self._lock = threading.Lock()

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        with self._lock:
            if self._is_due():
                self._rotate(store)
            reply = serve(request)
            if reply.status == 200:
                self._served += 1
                del self._refused[request.key]
            else:
                self._refused[request.key] += 1
            return reply

    def _is_due(self) -> bool:
        return (
            self._source.generation < self._rotations
            and self._served >= 15
            and max(self._refused.values(), default=0) < 2
        )

    def _rotate(self, store: Store) -> None:
        self._source.generation += 1
        store.rotate(on_server(self._source.current))
        self._served = 0


@pytest.mark.parametrize("rotations", [1, 4])
def test_credentials_expire_in_the_middle_of_an_epoch(rotations: int) -> None:
    """No read fails, and fresh credentials are obtained once each time."""
    source = Source()
    content = {f"{i:04}": f"content {i}".encode() for i in range(2000)}

    def urls() -> Iterator[str]:
        every = (f"s3://bucket/{key}" for key in content)  # each once: `Rotations` tells them apart
        yield from itertools.takewhile(lambda _: source.generation < rotations, every)
        yield from itertools.islice(every, 50)

    with FaultServer({"bucket": content}, credentials=on_server(source.current)) as server:
        server.faults.add(Rotations(source, rotations))
        config = config_for(server, credentials=source, max_attempts=10)
        for url, opened in S3FileLoader(urls(), config=config):
            assert opened.read() == content[url.rpartition("/")[2]]
        assert source.generation == rotations
        assert source.asked <= 2 * (rotations + 1)


def test_listing_refreshes_credentials() -> None:
    source = Source()
    with serve(credentials=on_server(source.current), page_size=10) as server:
        config = config_for(server, credentials=source)
        iterator = iter(list_urls(server, config=config))
        next(iterator)
        source.generation += 1
        server.store.rotate(on_server(source.current))
        assert list_urls(server, config=config) == URLS


def test_stream_refreshes_credentials() -> None:
    source = Source()
    data = bytes(3 << 20)
    with serve(credentials=on_server(source.current)) as server:
        server.store.put("bucket", "large", data)
        server.faults.add(kinds.ResetAt(2 << 20), times=1, match=lambda r: r.key == "large")
        [(_, reader)] = S3FileLoader(
            [ObjectUrl("s3://bucket/large", size=len(data))],
            config=config_for(server, credentials=source),
            prefetch_bytes=1 << 20,
        )
        source.generation += 1
        server.store.rotate(on_server(source.current))
        reader.seek(1 << 20)  # makes a new request
        assert reader.read() == data[1 << 20 :]


def test_credentials_that_stay_expired() -> None:
    """A fixed key cannot be renewed: the error says so at once."""
    with serve(credentials=on_server(CREDENTIALS)) as server:
        server.store.rotate(botocore.credentials.Credentials("other", "other"))
        began = time.monotonic()
        with pytest.raises(ExpiredCredentialsError, match="credentials="):
            load(server, ONE)
        assert time.monotonic() - began < 5


def test_source_of_credentials_that_fails() -> None:
    """The source's own exception reaches the user."""

    def broken() -> Credentials:
        raise LookupError("the vault is sealed")

    with serve() as server, pytest.raises(LookupError, match="the vault is sealed"):
        load(server, ONE, config=config_for(server, credentials=broken))


@pytest.mark.parametrize(
    ("credentials", "error", "code"),
    [
        (Credentials("nobody", "secret"), InvalidCredentialsError, "InvalidAccessKeyId"),
        (Credentials("access", "wrong"), InvalidCredentialsError, "SignatureDoesNotMatch"),
        (Credentials("access", "secret", "token"), InvalidCredentialsError, "InvalidToken"),
    ],
)
def test_wrong_credentials(
    credentials: Credentials, error: type[ObjectStoreError], code: str
) -> None:
    with serve(credentials=on_server(CREDENTIALS)) as server:
        config = config_for(server, credentials=credentials)
        for use in (
            lambda: load(server, ONE, config=config),
            lambda: list_urls(server, config=config),
        ):
            with pytest.raises(error) as caught:
                use()
            assert caught.value.code == code
            assert caught.value.attempts == 1


def test_anonymous_requests_are_unsigned() -> None:
    with serve() as server:
        config = config_for(server, anonymous=True)
        assert load(server, list_urls(server, config=config), config=config) == EXPECTED
        assert not any("authorization" in request.headers for request in server.requests)
        assert not any("x-amz-security-token" in request.headers for request in server.requests)


def test_anonymous_is_denied() -> None:
    with serve(credentials=on_server(CREDENTIALS)) as server, pytest.raises(AccessDeniedError):
        load(server, ONE, config=config_for(server, anonymous=True))


def test_credentials_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = Credentials("AKIA", "se/cr+et", "to/ken+=")
    with serve(credentials=on_server(credentials), region="eu-west-3") as server:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", credentials.access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", credentials.secret_key)
        monkeypatch.setenv("AWS_SESSION_TOKEN", credentials.session_token or "")
        monkeypatch.setenv("AWS_REGION", "eu-west-3")
        monkeypatch.setenv("S3_ENDPOINT_URL", server.endpoint)
        assert load(server, URLS, config=S3Config()) == EXPECTED


def test_credentials_of_a_profile(home: Path) -> None:
    with serve(credentials=on_server(CREDENTIALS), region="ap-south-1") as server:
        (home / ".aws" / "config").write_text(
            f"[profile data]\nregion = ap-south-1\nendpoint_url = {server.endpoint}\n"
        )
        (home / ".aws" / "credentials").write_text(
            "[data]\naws_access_key_id = access\naws_secret_access_key = secret\n"
        )
        assert load(server, URLS, config=S3Config(profile="data")) == EXPECTED


@pytest.mark.parametrize("where", ["environment", "profile", "other file"])
def test_changed_credentials_are_those_of_the_next_pipe(
    where: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the old ones were good, and never refused."""

    def change(credentials: Credentials) -> None:
        if where == "environment":
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", credentials.access_key)
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", credentials.secret_key)
            return
        path = tmp_path / "credentials" if where == "other file" else home / ".aws" / "credentials"
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
        path.write_text(
            f"[data]\naws_access_key_id = {credentials.access_key}\n"
            f"aws_secret_access_key = {credentials.secret_key}\n"
        )

    with serve() as server:
        profile = None if where == "environment" else "data"
        config = S3Config(endpoint_url=server.endpoint, region="us-east-1", profile=profile)
        for number in range(3):
            change(Credentials(f"AKIDNUMBER{number}", f"secret of number {number}"))
            assert load(server, ONE, config=config) == EXPECTED[:1]
            assert f"Credential=AKIDNUMBER{number}/" in server.requests[-1].headers["authorization"]


def test_key_that_is_no_longer_known_is_looked_up_once_more(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of an epoch; if it is still the same, that is the error."""

    def write(credentials: Credentials) -> None:
        (home / ".aws" / "credentials").write_text(
            f"[default]\naws_access_key_id = {credentials.access_key}\n"
            f"aws_secret_access_key = {credentials.secret_key}\n"
        )

    old, new = Credentials("AKIDOLD", "the old secret"), Credentials("AKIDNEW", "the new secret")
    write(old)
    with serve(credentials=on_server(old)) as server:
        config = S3Config(endpoint_url=server.endpoint, region="us-east-1")
        loading = iter(S3FileLoader(URLS, config=config, prefetch_bytes=1, concurrency=1))
        assert next(loading)[0] == URLS[0]
        server.store.rotate(on_server(new))
        server.store.retired.clear()  # it does not say that the old one has expired
        write(new)
        assert [url for url, _ in loading] == URLS[1:]
        server.store.rotate(on_server(old))
        server.store.retired.clear()
        server.requests.clear()
        with pytest.raises(InvalidCredentialsError):
            load(server, ONE, config=config)
        assert len(server.requests) <= 2


def test_no_credentials_anywhere(caplog: pytest.LogCaptureFixture) -> None:
    """Requests are sent unsigned with a warning, and a refusal tells what to do."""
    with serve(credentials=on_server(CREDENTIALS)) as server:
        config = S3Config(endpoint_url=server.endpoint, region="us-east-1")
        with pytest.raises(AccessDeniedError, match="anonymous=True"):
            load(server, ONE, config=config)
        assert "authorization" not in server.requests[0].headers


def test_requester_pays() -> None:
    """The header is sent with every request, and signed."""
    with serve(credentials=on_server(CREDENTIALS)) as server:
        config = config_for(server, requester_pays=True)
        assert load(server, list_urls(server, config=config), config=config) == EXPECTED
        for request in server.requests:
            assert request.headers["x-amz-request-payer"] == "requester"
            assert "x-amz-request-payer" in request.headers["authorization"]
        server.requests.clear()
        load(server, ONE)
        assert "x-amz-request-payer" not in server.requests[0].headers


# --- region and clock -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [kinds.PermanentRedirect("eu-west-1"), kinds.AuthorizationHeaderMalformed("eu-west-1")],
    ids=["301", "400"],
)
@pytest.mark.parametrize("region", [None, "us-east-1", "ap-southeast-2"])
def test_wrong_region_is_corrected_and_remembered(
    fault: kinds.PermanentRedirect | kinds.AuthorizationHeaderMalformed, region: str | None
) -> None:
    """Only one request per bucket goes to the wrong region."""
    with FaultServer({"far": CONTENT, "near": CONTENT}) as server:
        server.faults.add(fault, match=lambda request: request.bucket == "far")
        config = config_for(server, region=region)
        far = list_urls(server, "s3://far", config=config)
        near = list_urls(server, "s3://near", config=config)
        assert [data for _, data in load(server, far, config=config)] == list(CONTENT.values())
        assert [data for _, data in load(server, near, config=config)] == list(CONTENT.values())
        regions = [r.signing_region for r in server.requests if r.bucket == "far"]
        assert regions == [region or "us-east-1"] + ["eu-west-1"] * (len(CONTENT) + 1)
        others = {r.signing_region for r in server.requests if r.bucket == "near"}
        assert others == {region or "us-east-1"}


def test_wrong_region_without_a_hint() -> None:
    with serve() as server:
        server.faults.add(kinds.ErrorReply(301, "PermanentRedirect"))
        with pytest.raises(WrongRegionError, match="AWS_REGION") as caught:
            load(server, ONE)
        assert caught.value.status == 301


def test_regions_that_contradict_each_other() -> None:
    """A read that is sent from one region to another and back ends."""

    class Elsewhere(Fault):
        def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
            other = "eu-west-1" if request.signing_region != "eu-west-1" else "us-east-1"
            return kinds.PermanentRedirect(other).answer(request, serve, store)

    with serve() as server:
        server.faults.add(Elsewhere())
        with pytest.raises(WrongRegionError):
            load(server, ONE)
        assert len(server.requests) < 10


@pytest.mark.parametrize("ahead", [3600, -3600, 40 * 86400])
def test_clock_is_corrected_once(ahead: float) -> None:
    with serve() as server:
        server.faults.add(kinds.RequestTimeTooSkewed(ahead))
        assert load(server, URLS, concurrency=1) == EXPECTED
        assert len(server.requests) == len(URLS) + 1


def test_clock_that_cannot_be_corrected() -> None:
    with serve() as server:
        server.faults.add(kinds.ErrorReply(403, "RequestTimeTooSkewed"))
        with pytest.raises(ClockSkewError, match="NTP"):
            load(server, ONE)
        assert len(server.requests) < 10


# --- redirects --------------------------------------------------------------------------------


def test_redirect_to_another_server() -> None:
    """The redirect is followed, and the request is signed for the new server, whatever the key."""
    keys = ["a b", "c//d", "e%2Ff", "g+h?i", "ü"]
    content = {key: key.encode() for key in keys}
    with (
        FaultServer({"bucket": content}, credentials=on_server(CREDENTIALS)) as target,
        FaultServer({"bucket": {}}) as server,
    ):
        server.faults.add(kinds.TemporaryRedirect(target.endpoint))
        urls = [f"s3://bucket/{key}" for key in keys]
        assert [data for _, data in load(server, urls)] == list(content.values())
        assert list_urls(server) == sorted(urls)
        hosts = {request.headers["host"] for request in target.requests}
        assert hosts == {target.endpoint.removeprefix("http://")}


def test_redirect_to_nowhere() -> None:
    with serve() as server:
        server.faults.add(kinds.TemporaryRedirect("http://127.0.0.1:1"))
        with pytest.raises(EndpointError):
            load(server, ONE)


# --- TLS --------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Authority:
    """A private certificate authority."""

    ca: trustme.CA
    file: Path

    def context(self, *names: str, **options: Any) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ("127.0.0.1", "localhost")), **options).configure_cert(
            context
        )
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca = trustme.CA()
    ca.cert_pem.write_to_path(file)
    return Authority(ca, file)


@pytest.fixture
def tls_server(authority: Authority) -> Iterator[FaultServer]:
    with serve(tls=authority.context(), checksum="CRC32C") as running:
        yield running


def test_private_authority_by_option(tls_server: FaultServer, authority: Authority) -> None:
    config = config_for(tls_server, ca_file=str(authority.file))
    assert load(tls_server, list_urls(tls_server, config=config), config=config) == EXPECTED


@pytest.mark.parametrize(
    "variable", ["AWS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"]
)
def test_private_authority_by_variable(
    tls_server: FaultServer, authority: Authority, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(authority.file))
    assert load(tls_server, ONE) == EXPECTED[:1]


def test_private_authority_by_profile(
    tls_server: FaultServer, authority: Authority, home: Path
) -> None:
    (home / ".aws" / "config").write_text(f"[default]\nca_bundle = {authority.file}\n")
    assert load(tls_server, ONE) == EXPECTED[:1]


def test_private_authority_by_directory(
    tls_server: FaultServer, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """OpenSSL finds certificates in a directory by the hash of their subject."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the openssl program, which makes hashed names")
    command = [openssl, "x509", "-hash", "-noout", "-in", str(authority.file)]
    name = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    directory = tmp_path / "certs"
    directory.mkdir()
    shutil.copy(authority.file, directory / f"{name}.0")
    monkeypatch.setenv("SSL_CERT_DIR", str(directory))
    assert load(tls_server, ONE) == EXPECTED[:1]


def test_unknown_authority(tls_server: FaultServer) -> None:
    """The connection fails at once, without retries, and the error tells what to do."""
    for use in (lambda: load(tls_server, ONE), lambda: list_urls(tls_server)):
        with pytest.raises(TLSError, match="ca_file=") as caught:
            use()
        assert caught.value.code == "CertificateNotTrusted"
    assert not tls_server.requests


@pytest.mark.parametrize("how", ["option", "variable"])
def test_verification_turned_off(
    tls_server: FaultServer, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "variable":
        monkeypatch.setenv("S3_VERIFY_SSL", "0")
    options = {"verify_tls": False} if how == "option" else {}
    assert load(tls_server, ONE, config=config_for(tls_server, **options)) == EXPECTED[:1]


def test_certificate_of_another_host(authority: Authority) -> None:
    with (
        serve(tls=authority.context("another.example")) as server,
        pytest.raises(TLSError, match="endpoint_url=") as caught,
    ):
        load(server, ONE, config=config_for(server, ca_file=str(authority.file)))
    assert caught.value.code == "CertificateOfAnotherHost"


def test_certificate_that_has_expired(authority: Authority) -> None:
    yesterday = datetime.now(timezone.utc) - timedelta(days=1)
    context = authority.context(not_after=yesterday)
    with serve(tls=context) as server, pytest.raises(TLSError, match="expired") as caught:
        load(server, ONE, config=config_for(server, ca_file=str(authority.file)))
    assert caught.value.code == "CertificateNotValidNow"


def read_by(store: str, endpoint: str, **options: Any) -> None:
    """Read an object by S3 or AIStore, which is to fail before any request."""
    if store == "s3":
        config = S3Config(endpoint_url=endpoint, region="r", credentials=CREDENTIALS, **options)
        list(S3FileLoader(ONE, config=config))
    else:
        config_of_cluster = AISConfig(endpoint_url=endpoint, **options)
        list(AISFileLoader(["ais://bucket/000"], config=config_of_cluster))


BOTH_STORES = pytest.mark.parametrize("store", ["s3", "ais"])


@BOTH_STORES
@pytest.mark.parametrize("code", ["ClientCertificateRequired", "ClientCertificateRefused"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_server_that_demands_another_certificate(
    authority: Authority, version: ssl.TLSVersion, code: str, store: str, tmp_path: Path
) -> None:
    """It is said at once; with TLS 1.3 the server says it only when the first reply is due."""
    context = demanding(authority, version)
    options = {"ca_file": str(authority.file)}
    if code == "ClientCertificateRefused":
        options["client_cert"] = str(tmp_path / "stranger.pem")
        stranger = trustme.CA().issue_cert("reader@example.org")
        stranger.private_key_and_cert_chain_pem.write_to_path(options["client_cert"])
    with serve(tls=context) as server:
        with pytest.raises(TLSError, match="client_cert=") as caught:
            read_by(store, server.endpoint, **options)
        assert (caught.value.code, caught.value.attempts) == (code, 1)
        assert caught.value.endpoint == server.endpoint.removeprefix("https://")
        assert not server.requests


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("files", ["one", "two"])
def test_client_certificate(
    authority: Authority, version: ssl.TLSVersion, files: str, tmp_path: Path
) -> None:
    both, bare, key = (str(tmp_path / name) for name in ("both", "certificate", "key"))
    issued = authority.ca.issue_cert("reader@example.org")
    issued.private_key_and_cert_chain_pem.write_to_path(both)
    issued.cert_chain_pems[0].write_to_path(bare)
    issued.private_key_pem.write_to_path(key)
    mine = {"client_cert": both} if files == "one" else {"client_cert": bare, "client_key": key}
    with serve(tls=demanding(authority, version)) as server:
        config = config_for(server, ca_file=str(authority.file), **mine)
        assert load(server, list_urls(server, config=config), config=config) == EXPECTED


def demanding(authority: Authority, version: ssl.TLSVersion) -> ssl.SSLContext:
    """Return the context of a server that demands a client certificate of the authority."""
    context = authority.context()
    context.minimum_version = context.maximum_version = version
    authority.ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def too_old(context: ssl.SSLContext) -> None:
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1


def without_common_cipher(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")  # the key is no RSA key


def of_another_name(context: ssl.SSLContext) -> None:
    context.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


@BOTH_STORES
@pytest.mark.parametrize(
    ("kind", "code", "advice"),
    [
        (too_old, "TlsVersionRefused", "TLS 1.2 or 1.3"),
        (without_common_cipher, "NoCommonCipher", "ciphers"),
        (of_another_name, "ServerNameRefused", "endpoint_url="),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_server_that_refuses_the_handshake(
    authority: Authority,
    kind: Callable[[ssl.SSLContext], None],
    code: str,
    advice: str,
    store: str,
) -> None:
    """It is said at once, with the reason: not that the host cannot be reached."""
    context = authority.context()
    kind(context)
    with serve(tls=context) as server:
        endpoint = f"https://localhost:{server.port}"
        with pytest.raises(TLSError, match=advice) as caught:
            read_by(store, endpoint, ca_file=str(authority.file))
        assert (caught.value.code, caught.value.attempts) == (code, 1)
        assert "localhost" in str(caught.value)


@BOTH_STORES
def test_https_to_a_server_without_tls(authority: Authority, store: str) -> None:
    class Plain(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1 << 16)
            self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socketserver.TCPServer(("127.0.0.1", 0), Plain) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        endpoint = f"https://127.0.0.1:{server.server_address[1]}"
        with pytest.raises(EndpointError, match=re.escape("S3_USE_HTTPS=0")) as caught:
            read_by(store, endpoint, ca_file=str(authority.file))
        server.shutdown()
    assert (caught.value.code, caught.value.attempts) == ("NoTls", 1)


def test_http_to_a_server_with_tls(tls_server: FaultServer) -> None:
    endpoint = tls_server.endpoint.replace("https://", "http://")
    with pytest.raises((EndpointError, ProtocolError)):
        load(tls_server, ONE, config=config_for(tls_server, endpoint_url=endpoint))


TRANSFER_FAULTS: list[Callable[[], Any]] = [
    lambda: kinds.ResetBeforeReply(),
    lambda: kinds.ResetAt(1_000_000),
    lambda: kinds.CloseAt(1_000_000),
    lambda: kinds.StallAt(1_000_000),
    lambda: kinds.SlowDrip(20e6),
    lambda: kinds.Chunked(),
    lambda: kinds.CloseAfterReply(announced=False),
]


@pytest.mark.parametrize("prefetch_bytes", [256 << 20, 4 << 20], ids=["whole", "streamed"])
@pytest.mark.parametrize("fault", TRANSFER_FAULTS, ids=lambda make: type(make()).__name__)
def test_faults_over_tls(
    tls_server: FaultServer, authority: Authority, fault: Callable[[], Any], prefetch_bytes: int
) -> None:
    """The same guarantees hold with TLS."""
    data = bytes(range(256)) * 24_000
    tls_server.store.put("bucket", "large", data)
    tls_server.faults.add(fault(), times=1)
    config = config_for(tls_server, ca_file=str(authority.file), stall_timeout=1)
    # Of unknown size, so that a chunked reply to it can be read.
    found = load(tls_server, ["s3://bucket/large"], config=config, prefetch_bytes=prefetch_bytes)
    assert found == [("s3://bucket/large", data)]


@pytest.mark.parametrize("offset", [0, 3, 200, 2000])
def test_handshake_that_breaks(authority: Authority, offset: int) -> None:
    with (
        serve(tls=authority.context()) as server,
        FaultProxy("127.0.0.1", server.port) as proxy,
    ):
        config = config_for(
            server, endpoint_url=f"https://127.0.0.1:{proxy.port}", ca_file=str(authority.file)
        )
        rule = proxy.faults.add(stream.ResetAt(offset), times=1)
        assert load(server, ONE, config=config) == EXPECTED[:1]
        assert rule.hits == 1


def test_handshake_that_stalls(authority: Authority) -> None:
    with (
        serve(tls=authority.context()) as server,
        FaultProxy("127.0.0.1", server.port) as proxy,
    ):
        config = config_for(
            server,
            endpoint_url=f"https://127.0.0.1:{proxy.port}",
            ca_file=str(authority.file),
            connect_timeout=1,
        )
        proxy.faults.add(stream.StallAt(100), times=1)
        assert load(server, ONE, config=config) == EXPECTED[:1]


# --- ways to the server -----------------------------------------------------------------------


def test_server_that_is_down() -> None:
    with serve() as server:
        config = config_for(server)
    for use in (lambda: load(server, ONE, config=config), lambda: list_urls(server, config=config)):
        began = time.monotonic()
        with pytest.raises(EndpointError, match="endpoint_url=") as caught:
            use()
        assert isinstance(caught.value, ConnectionError)
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("kind", ["silent", "unresolvable", "refused"])
def test_first_contact_that_fails(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """A typed error within 10 s by default; what takes longer than 5 s is said once."""
    # Not the address of other servers: one of them may have answered at the same port.
    with socket.create_server(("127.0.0.2", 0)) as silent:
        endpoint = {
            "silent": f"http://127.0.0.2:{silent.getsockname()[1]}",
            "unresolvable": "http://nowhere.invalid:9000",
            "refused": "http://127.0.0.1:1",
        }[kind]
        config = S3Config(endpoint_url=endpoint, region="r", credentials=CREDENTIALS)
        began = time.monotonic()
        with pytest.raises((EndpointError, TimeoutError)) as caught:
            list(S3FileLoader(ONE, config=config))
        assert time.monotonic() - began < 15  # and what a busy machine adds
        assert isinstance(caught.value, ObjectStoreError)
        assert endpoint.partition("//")[2] in str(caught.value)
    warned = [record for record in caplog.records if record.name == "objectpipes"]
    assert len(warned) == 1


def test_server_that_comes_back() -> None:
    """A restart in the middle of an epoch costs only retries."""
    with serve() as server, FaultProxy("127.0.0.1", server.port) as proxy:
        config = config_for(server, endpoint_url=f"http://127.0.0.1:{proxy.port}", max_attempts=10)
        loader = iter(S3FileLoader(URLS, config=config, concurrency=2))
        found = [next(loader) for _ in range(5)]
        proxy.refuse()
        time.sleep(0.1)
        proxy.accept()
        found += loader
        assert [(url, reader.read()) for url, reader in found] == EXPECTED


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", None])
def test_proxy(
    tls_server: FaultServer,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    variable: str | None,
) -> None:
    with HttpProxy() as proxy:
        options = {"ca_file": str(authority.file)}
        if variable:
            monkeypatch.setenv(variable, f"http://{proxy.address}")
        else:
            options["proxy"] = f"http://{proxy.address}"
        config = config_for(tls_server, **options)
        assert load(tls_server, list_urls(tls_server, config=config), config=config) == EXPECTED
        assert proxy.targets
        assert set(proxy.targets) == {f"127.0.0.1:{tls_server.port}"}


def test_proxy_for_plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request goes to the proxy itself: many proxies make tunnels only for https."""
    with serve() as server, HttpProxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.address}")
        monkeypatch.setenv("http_proxy", f"http://{proxy.address}")
        assert load(server, list_urls(server)) == EXPECTED
        assert not proxy.targets
        assert all(url.startswith(f"http://127.0.0.1:{server.port}/bucket") for url in proxy.urls)
        assert len(proxy.urls) >= 1 + len(EXPECTED)


def test_proxy_that_speaks_tls(authority: Authority) -> None:
    with serve() as server, HttpProxy(tls=authority.context()) as proxy:
        options = {"proxy": f"https://{proxy.address}", "max_attempts": 1}
        config = config_for(server, ca_file=str(authority.file), **options)
        assert load(server, ONE, config=config) == EXPECTED[:1]
        assert len(proxy.urls) == 1
        with pytest.raises(TLSError):
            load(server, ONE, config=config_for(server, **options))


@pytest.mark.parametrize("how", ["NO_PROXY", "option"])
def test_way_around_the_proxy(
    tls_server: FaultServer, authority: Authority, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    options = {"ca_file": str(authority.file)}
    if how == "NO_PROXY":
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    else:
        options["proxy"] = ""
    assert load(tls_server, ONE, config=config_for(tls_server, **options)) == EXPECTED[:1]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxy_that_wants_a_password(
    tls_server: FaultServer, authority: Authority, scheme: str
) -> None:
    with serve() as plain_server, HttpProxy("Basic bWU6cGFzcyB3b3Jk") as proxy:
        server = tls_server if scheme == "https" else plain_server

        def read(user: str) -> list[tuple[str, bytes]]:
            address = f"http://{user}{proxy.address}"
            config = config_for(server, ca_file=str(authority.file), proxy=address)
            return load(server, ONE, config=config)

        with pytest.raises(EndpointError, match="407") as caught:
            read("")
        assert "password" in caught.value.advice
        assert read("me:pass%20word@") == EXPECTED[:1]


def test_proxy_that_is_down(tls_server: FaultServer, authority: Authority) -> None:
    config = config_for(
        tls_server, ca_file=str(authority.file), proxy="http://127.0.0.1:1", max_attempts=1
    )
    with pytest.raises(EndpointError):
        load(tls_server, ONE, config=config)


def test_virtual_hosts() -> None:
    """The bucket is part of the host name if that is configured."""
    with serve(credentials=on_server(CREDENTIALS)) as server:
        endpoint = f"http://localhost:{server.port}"
        config = config_for(server, endpoint_url=endpoint, addressing_style="virtual")
        assert load(server, list_urls(server, config=config), config=config) == EXPECTED
        hosts = {request.headers["host"] for request in server.requests}
        assert hosts == {f"bucket.localhost:{server.port}"}
