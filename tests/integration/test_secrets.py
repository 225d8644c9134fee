"""Canaries: no secret is in any text that this package makes, whoever echoes it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import logging
import pickle
import threading
import traceback
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import objectpipes
from objectpipes import AISConfig, Credentials, Manifest, ObjectUrl, S3Config, aio, cli
from objectpipes._store import Store
from objectpipes.iter import AISFileLister, AISFileLoader, S3FileLister, S3FileLoader
from objectpipes.torch import ObjectDataset, ObjectMapDataset

SECRET_KEY = "cAnArY/sEcReT+kEy/0123456789"
TOKEN = "cAnArYtOkEn//9876543210==aBcDeFgHiJkL"
PASSWORD = "cAnArY#pAsS/wOrD@x"
CUSTOMER_KEY = b"cAnArY-cUsToMeR-kEy-of-32-bytes!"
SECRETS = [
    SECRET_KEY,
    TOKEN,
    PASSWORD,
    CUSTOMER_KEY.decode(),
    base64.b64encode(CUSTOMER_KEY).decode(),
]
CREDENTIALS = Credentials("AKIDCANARYEXAMPLE", SECRET_KEY, TOKEN)
PROXY = f"http://user:{PASSWORD}@127.0.0.1:1"


def assert_silent(text: str) -> None:
    """No secret is in a text, nor half of one, nor in another notation."""
    for secret in SECRETS:
        for form in {secret, quote(secret, safe=""), repr(secret)[1:-1]}:
            half = len(form) // 2
            for piece in (form[:half], form[half:]):
                assert piece not in text, f"{piece} in {text}"


class Holder:
    """Who has the credentials, and says so."""

    def __repr__(self) -> str:
        return f"Holder({SECRET_KEY!r}, {TOKEN!r})"

    def get(self, *_: object) -> Credentials:
        return CREDENTIALS


def supplied(*_: object, **__: object) -> Credentials:
    return CREDENTIALS


SOURCES: list[Any] = [
    CREDENTIALS,
    functools.partial(supplied, SECRET_KEY, token=TOKEN),
    functools.partial(Holder().get, SECRET_KEY),
    Holder().get,
    lambda secret=SECRET_KEY: CREDENTIALS,
]


class Echo(BaseHTTPRequestHandler):
    """Refuses every request, and repeats what it was sent."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        said = " ".join(
            self.headers.get(name, "")
            for name in ("x-amz-security-token", "authorization", "proxy-authorization")
        )
        ais = self.path.startswith("/v1/")
        body = (
            f'{{"tcode":"ErrObjectAccessDenied","message":"not with {said}"}}'
            if ais
            else f"<Error><Code>AccessDenied</Code><Message>not with {said} {SECRET_KEY}</Message>"
            f"<RequestId>{SECRET_KEY}</RequestId></Error>"
        ).encode()
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amz-request-id", TOKEN)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def echo() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def configurations(endpoint: str) -> list[S3Config | AISConfig]:
    s3: list[S3Config | AISConfig] = [
        S3Config(endpoint_url=endpoint, region="r", credentials=source, max_attempts=1)
        for source in SOURCES
    ]
    return [
        *s3,
        S3Config(endpoint_url=endpoint, credentials=CREDENTIALS, proxy=PROXY, max_attempts=1),
        S3Config(
            endpoint_url=endpoint.replace("http:", "https:"),
            credentials=CREDENTIALS,
            sse_customer_key=CUSTOMER_KEY,
            max_attempts=1,
        ),
        AISConfig(endpoint_url=endpoint, token=TOKEN, max_attempts=1),
        AISConfig(endpoint_url=endpoint, token=TOKEN, proxy=PROXY, max_attempts=1),
    ]


def texts_of(thing: object) -> Iterator[str]:
    yield repr(thing)
    yield str(thing)
    yield f"{thing}"


def test_objects_are_silent() -> None:
    manifest = Manifest.from_urls([ObjectUrl("s3://bucket/key", size=1)])
    for config in configurations("http://127.0.0.1:1"):
        ais = isinstance(config, AISConfig)
        lister: Any = AISFileLister if ais else S3FileLister
        loader: Any = AISFileLoader if ais else S3FileLoader
        url = "ais://bucket/key" if ais else "s3://bucket/key"
        listed = lister([url], config=config)
        things = [
            config,
            listed,
            loader(listed, config=config),
            Store.reached_by(config),
            objectpipes.read_objects([url], config=config),
            aio.read_objects([url], config=config),
            ObjectMapDataset(manifest, config=config),
            ObjectDataset(manifest, batch_size=1, config=config),
        ]
        for thing in things:
            for text in texts_of(thing):
                assert_silent(text)
    for text in texts_of(CREDENTIALS):
        assert_silent(text)


def uses(config: S3Config | AISConfig) -> Iterator[Callable[[], object]]:
    scheme = "ais" if isinstance(config, AISConfig) else "s3"
    url, prefix = f"{scheme}://bucket/key", f"{scheme}://bucket"
    yield lambda: list(objectpipes.list_objects(prefix, config=config))
    yield lambda: list(objectpipes.read_objects([url], config=config))
    yield lambda: objectpipes.open_object(url, config=config)
    yield lambda: asyncio.run(_read_asynchronously(url, config))
    loader: Any = AISFileLoader if scheme == "ais" else S3FileLoader
    yield lambda: list(loader([url], config=config))
    manifest = Manifest.from_urls([ObjectUrl(url, size=1)])
    yield lambda: ObjectMapDataset(manifest, config=config)[0]
    yield lambda: next(iter(ObjectDataset(manifest, batch_size=1, config=config)))


async def _read_asynchronously(url: str, config: S3Config | AISConfig) -> None:
    await aio.open_object(url, config=config)


def test_errors_are_silent(
    echo: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """A server repeats what it was sent; exceptions, pickles, traces and the log do not."""
    caplog.set_level(logging.DEBUG)
    for config in configurations(echo):
        for use in uses(config):
            with pytest.raises(objectpipes.ObjectStoreError) as caught:
                use()
            error = caught.value
            copied = pickle.loads(pickle.dumps(error))
            for shown in (error, copied):
                for text in texts_of(shown):
                    assert_silent(text)
                assert_silent(repr(shown.args))
                assert_silent(repr(vars(shown)))
            assert_silent("".join(traceback.format_exception(error)))
            assert_silent(pickle.dumps(error, 0).decode("latin-1"))
    assert_silent(caplog.text)
    assert_silent("".join(capfd.readouterr()))


@pytest.mark.parametrize("command", ["doctor", "ls", "cat"])
def test_commands_are_silent(
    command: str, echo: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDCANARYEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    monkeypatch.setenv("AWS_ENDPOINT_URL", echo)
    monkeypatch.setenv("AIS_AUTHN_TOKEN", TOKEN)
    monkeypatch.setenv("AIS_ENDPOINT", echo)
    for proxy in ("", PROXY):
        monkeypatch.setenv("http_proxy", proxy)
        for url in ("s3://bucket/key", "ais://bucket/key"):
            with contextlib.suppress(SystemExit):
                cli.main([command, url])
            assert_silent("".join(capfd.readouterr()))


@pytest.mark.parametrize("spoilt", ["{} ", " {}", "{}\n", "{}\r\nx: y", "{}\0", "{}\t"])
def test_what_cannot_be_a_secret_is_named_and_not_shown(spoilt: str, home: Path) -> None:
    """Neither by the error of a configuration nor by that of its use."""
    uses_of_secret: list[Callable[[str], object]] = [
        lambda secret: S3Config(credentials=Credentials("AKID", secret)).resolve(),
        lambda secret: S3Config(credentials=Credentials("AKID", SECRET_KEY, secret)).resolve(),
        lambda secret: AISConfig(token=secret).resolve(),
        lambda secret: S3Config(proxy=f"http://user:{secret}@ host:1").resolve(),
    ]
    for use in uses_of_secret:
        with pytest.raises(objectpipes.ConfigError) as caught:
            use(spoilt.format(SECRET_KEY))
        assert_silent("".join(traceback.format_exception(caught.value)))


def test_password_in_the_url_of_an_object_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    """Who takes an object's address for a URL of it learns that it is none, and no more."""
    url = f"https://user:{PASSWORD}@store.example/bucket/key"
    config = S3Config(endpoint_url="http://127.0.0.1:1", anonymous=True)
    for given in (config, None):
        for use in (
            lambda config=given: list(objectpipes.list_objects(url, config=config)),
            lambda config=given: list(objectpipes.read_objects([url], config=config)),
            lambda config=given: objectpipes.open_object(url, config=config),
        ):
            with pytest.raises(objectpipes.ObjectStoreError) as caught:
                use()
            error = caught.value
            for text in (*texts_of(error), repr(vars(error)), pickle.dumps(error, 0).decode()):
                assert_silent(text)
    list(objectpipes.read_objects([url], config=config, on_error="skip"))
    assert "skipped" in caplog.text
    assert_silent(caplog.text)


@pytest.mark.parametrize("wrong", [{"secret": SECRET_KEY}, [TOKEN], SECRET_KEY, Holder()], ids=type)
def test_what_is_no_config_is_not_shown(wrong: Any) -> None:
    """Somebody passes the credentials themselves: the error names their type only."""
    for use in (
        lambda: list(objectpipes.list_objects("s3://bucket", config=wrong)),
        lambda: list(objectpipes.read_objects(["s3://bucket/key"], config=wrong)),
        lambda: objectpipes.open_object("s3://bucket/key", config=wrong),
        lambda: list(S3FileLoader(["s3://bucket/key"], config=wrong)),
        lambda: list(AISFileLister(["ais://bucket"], config=wrong)),
        lambda: ObjectMapDataset(Manifest.from_urls(["s3://bucket/key"]), config=wrong)[0],
    ):
        with pytest.raises(TypeError) as caught:
            use()
        assert type(wrong).__name__ in str(caught.value)
        assert_silent(str(caught.value))
