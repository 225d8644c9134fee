"""Write sigv4_vectors.inc: the signatures botocore gives to requests with awkward names.

Run it with botocore installed, and with its own signer rather than that of the AWS CRT, which asks
the clock; the output depends on nothing else::

    BOTO_DISABLE_CRT=true python make_sigv4_vectors.py > sigv4_vectors.inc
"""

from __future__ import annotations

import datetime
import functools
import itertools
import re
from collections.abc import Iterator
from unittest import mock

import botocore.auth
import botocore.session
from botocore.awsrequest import AWSPreparedRequest
from botocore.client import BaseClient
from botocore.config import Config

ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

OPERATIONS = ("GET", "LIST", "HEAD", "LIST")
ENDPOINTS = (
    ("http://127.0.0.1:9000", "path"),
    ("https://s3.eu-central-1.amazonaws.com", "virtual"),
    ("https://store.example:8443", "virtual"),
    ("http://store.example:80", "path"),
)
TOKENS = ("", "FwoGZXIvYXdzEXAMPLE//////////wEaDLongToken+/=")
TIMES = {
    1369353600: "20130524T000000Z",
    1369439999: "20130524T235959Z",
    1709164799: "20240228T235959Z",
    1709251200: "20240301T000000Z",
    1893456000: "20300101T000000Z",
}

SPECIAL = tuple(" !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\t\n\r\x7f\x01")
NAMES = (
    "plain.txt", "a/b/c.jpg", "a//b", "a///", "a/", "a/../b", "../x", "..", ".", "./a", "a/.",
    "a/./b", "/leading", "//", "%", "%25", "%2F", "%zz", "100%", "a%20b", "a+b c", "+", " ", "  ",
    "a  b", " a ", "=", "a=b&c=d", "?x=1", "#frag", "a?b#c", "~tilde~", "*'()!", "it's (1)!.txt",
    "a;b:c@d", "\u00e9", "e\u0301", "\u65e5\u672c\u8a9e/\u5199\u771f.jpg", "\U0001f600",
    "\u0416\u00df/\u00f8 \u00e5", "\u200b", "\u2028", "k" * 1024, "\u00e9" * 512,
    "/".join("segment" for _ in range(100)), "-._~", "A-Za-z0-9", "http://x/y", "s3://b/k", "a\\b",
    "a\nb", "a\r\nb", "a\tb", "x" * 255 + "/" + "%" * 200,
)  # fmt: skip


def names() -> Iterator[str]:
    """Yield the keys and prefixes, each once."""
    yield from NAMES
    for char in SPECIAL:
        if char not in NAMES:
            yield char
        yield f"a{char}b"
        yield f"dir{char}/{char}{char}end"


@functools.cache
def client_for(endpoint: str, addressing: str, token: str) -> BaseClient:
    """Return a client whose requests end in `Captured` instead of being sent."""
    client = botocore.session.Session().create_client(
        "s3",
        region_name="eu-central-1",
        endpoint_url=endpoint,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        aws_session_token=token or None,
        config=Config(
            s3={"addressing_style": addressing},
            signature_version="s3v4",
            response_checksum_validation="when_required",
        ),
    )
    client.meta.events.register("before-send.s3", capture)
    return client


class Captured(Exception):  # noqa: N818 - not an error, the way out
    """Carries the request that was about to be sent."""

    def __init__(self, request: AWSPreparedRequest) -> None:
        super().__init__()
        self.request = request


def capture(request: AWSPreparedRequest, **_: object) -> None:
    """Stop before anything is sent."""
    raise Captured(request)


def signed_request(client: BaseClient, operation: str, name: str, time: int) -> AWSPreparedRequest:
    """Return what botocore would send for one operation at one point in time."""
    now = datetime.datetime.fromtimestamp(time, datetime.timezone.utc).replace(tzinfo=None)
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=now):
        try:
            if operation == "GET":
                client.get_object(Bucket="bucket", Key=name)
            elif operation == "HEAD":
                client.head_object(Bucket="bucket", Key=name)
            else:
                client.list_objects_v2(
                    Bucket="bucket", Prefix=name, EncodingType="url", Delimiter="/"
                )
        except Captured as captured:
            return captured.request
    raise AssertionError(operation)


def c_string(text: str) -> str:
    """Return a C++ string literal of the text's UTF-8 bytes."""
    plain = "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\?' else f"\\{byte:03o}"
        for byte in text.encode()
    )
    return f'"{plain}"'


def main() -> None:
    """Print two initialisers per name, going round the operations, endpoints, tokens and times."""
    cases = zip(
        (name for name in names() for _ in range(2)),
        itertools.cycle(itertools.product(TOKENS, ENDPOINTS, OPERATIONS)),
        itertools.cycle(TIMES),
    )
    print("// Written by make_sigv4_vectors.py.")
    for name, (token, (endpoint, addressing), operation), time in cases:
        client = client_for(endpoint, addressing, token)
        headers = signed_request(client, operation, name, time).headers
        assert headers["X-Amz-Date"].decode() == TIMES[time], "set BOTO_DISABLE_CRT"
        authorization = headers["Authorization"].decode()
        match = re.search(r"SignedHeaders=([^,]*), Signature=([0-9a-f]{64})$", authorization)
        assert match is not None, authorization
        expected = "host;x-amz-content-sha256;x-amz-date" + (
            ";x-amz-security-token" if token else ""
        )
        assert match[1] == expected, match[1]
        style = "Addressing::kVirtual" if addressing == "virtual" else "Addressing::kPath"
        print(
            f'{{"{operation}", "{endpoint}", {style}, {c_string(name)}, "{token}", {time},\n'
            f' "{match[2]}"}},'
        )


if __name__ == "__main__":
    main()
