"""No text shows a secret, in whatever form a server or an exception repeats it."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import quote

import pytest

from objectpipes._redact import keep_secret, redact

SECRET = "qY7/nW+3vR==pK5mT9zL2xC8"


@pytest.fixture(autouse=True)
def known() -> None:
    keep_secret(SECRET)


@pytest.mark.parametrize(
    "shown",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        json.dumps(SECRET),
        repr(SECRET),
        f"x{SECRET}y",
        SECRET * 3,
        SECRET[:14],  # truncated
        SECRET[6:],
        f"{SECRET[:12]}\n{SECRET[12:]}",
        SECRET.lower(),
        SECRET.upper(),
        SECRET.encode().hex(),
        b64encode(SECRET.encode()).decode(),
    ],
)
def test_every_form_is_hidden(shown: str) -> None:
    text = redact(f"before {shown} after")
    assert "***" in text
    lower = SECRET.lower()
    assert not any(lower[at : at + 8] in text.lower() for at in range(len(lower) - 7))
    assert text.startswith("before ")
    assert text.endswith(" after")


@pytest.mark.parametrize(
    "url",
    [
        "http://user:hunter2@proxy:3128",
        "http://user:hunter2#x@proxy:3128",
        "http://user:hunter2/x@y@proxy:3128",
        "HTTPS://hunter2@proxy",
        "socks5h://user:hunter2@proxy:1080",
        "ftp://user:hunter2@proxy/a",
        "s3://user:hunter2@proxy/a",
    ],
)
def test_passwords_of_urls_are_hidden_unasked(url: str) -> None:
    text = redact(f"cannot use '{url}'")
    assert "hunter2" not in text
    assert "proxy" in text


@pytest.mark.parametrize(
    "text",
    [
        "s3://bucket/user@example.com is missing",
        "s3://bucket/user:name@example.com is missing",
        "s3://arn:aws:s3:us-east-1:123456789012:accesspoint/name/user@example.com is missing",
        "ais://@uuid#namespace/bucket/key is missing",
        "http://host:9000/path?x=1",
        "Check the access key, the secret key and the session token.",
        "write it as http://user:password@host:port",
        "Basic reads need a Bearer of bad news",
        "",
    ],
)
def test_ordinary_texts_stay(text: str) -> None:
    assert redact(text) == text


def test_headers_are_hidden_unasked() -> None:
    text = redact(
        "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc, X-Amz-Signature=0123abcd&x=1"
    )
    assert "eyJ" not in text
    assert "0123abcd" not in text
    assert text.endswith("&x=1")


def test_is_idempotent() -> None:
    text = f"http://a:{SECRET}@b {SECRET} Bearer {SECRET}"
    assert redact(redact(text)) == redact(text)


def test_short_words_are_no_secrets() -> None:
    """Else the key "test" would be cut out of every sentence."""
    keep_secret("reading", None, "")
    assert redact("while reading") == "while reading"
