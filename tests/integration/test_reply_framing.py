"""Whatever a reply says about itself, a read gives the object's bytes or a typed error."""

from __future__ import annotations

import contextlib
import random
import re
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from faults.sockets import close_in_children
from integration.pipes import CREDENTIALS
from objectpipes import ObjectUrl, S3Config
from objectpipes.errors import (
    AccessDeniedError,
    ConfigError,
    InvalidCredentialsError,
    InvalidURLError,
    ObjectNotFoundError,
    ObjectStoreError,
    ThrottledError,
)
from objectpipes.iter import S3FileLister, S3FileLoader
from servers.tls import issue_certificate

MIB = 1 << 20
URL = "s3://bucket/key"
# Errors that blame somebody else than the reply.
BLAMELESS = (
    AccessDeniedError,
    ConfigError,
    InvalidCredentialsError,
    InvalidURLError,
    ObjectNotFoundError,
    ThrottledError,
)


# --- a server that says what it is told, byte for byte ----------------------------------------


@dataclass
class RawServer:
    """Answers the request of each number by what `reply` gives for it; then closes if told so.

    Attributes
    ----------
    reply
        Gets the number of the request, from 0, and its head; returns the bytes to send, and
        whether the connection stays open.
    tls
        A server's context; with one, the server speaks TLS only.
    host
        The address of loopback to listen on.
    """

    reply: Callable[[int, str], tuple[bytes, bool]]
    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    heads: list[str] = field(default_factory=list)

    def __enter__(self) -> RawServer:
        self._listener = socket.create_server((self.host, 0))
        close_in_children(self._listener)
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join()

    @property
    def url(self) -> str:
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{self.host}:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                thread = threading.Thread(target=self._serve, args=(sock,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock:
            stream = self.tls.wrap_socket(sock, server_side=True) if self.tls else sock
            self._open.append(stream)
            with stream, stream.makefile("rb") as reader:
                while head := self._read_head(reader):
                    self.heads.append(head)
                    data, stays = self.reply(len(self.heads) - 1, head)
                    stream.sendall(data)
                    if not stays:
                        return

    @staticmethod
    def _read_head(reader: object) -> str:
        lines = []
        while (line := reader.readline()) not in (b"", b"\r\n"):  # type: ignore[attr-defined]
            lines.append(line)
        return b"".join(lines).decode("latin-1")


def head_of(*fields: str, status: str = "200 OK", version: str = "1.1") -> bytes:
    return "\r\n".join([f"HTTP/{version} {status}", 'ETag: "v1"', *fields, "", ""]).encode(
        "latin-1"
    )


def good(body: bytes, head: str) -> bytes:
    """A correct reply."""
    asked = re.search(r"\r\nrange: bytes=(\d+)-(\d*)\r\n", head, re.IGNORECASE)
    if not asked:
        return head_of(f"Content-Length: {len(body)}") + body
    begin, end = int(asked[1]), min(int(asked[2] or len(body)) + 1, len(body))
    position = f"Content-Range: bytes {begin}-{end - 1}/{len(body)}"
    return (
        head_of(f"Content-Length: {end - begin}", position, status="206 Partial Content")
        + body[begin:end]
    )


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


# --- contradictory, odd and hostile replies -----------------------------------------------------

CHUNKED = "Transfer-Encoding: chunked"


def length(body: bytes) -> str:
    return f"Content-Length: {len(body)}"


def short(body: bytes) -> str:
    """A length that is too small."""
    return f"Content-Length: {len(body) - 1}"


# By name: what is sent for the whole object. With a small change each is a good reply, so that a
# reader who overlooks what is wrong delivers something.
REPLIES: dict[str, Callable[[bytes], bytes]] = {
    "coding and length": lambda b: head_of(short(b), CHUNKED) + chunked(b),
    "length and coding": lambda b: head_of(CHUNKED, short(b)) + chunked(b),
    "two lengths": lambda b: head_of(short(b), length(b)) + b,
    "two lengths, the other way": lambda b: head_of(length(b), short(b)) + b,
    "list of lengths": lambda b: head_of(f"{short(b)}, {len(b)}") + b,
    "length of nothing": lambda b: head_of("Content-Length:") + b,
    "length with a sign": lambda b: head_of(f"Content-Length: +{len(b)}") + b,
    "negative length": lambda b: head_of("Content-Length: -1") + b,
    "hexadecimal length": lambda b: head_of(f"Content-Length: {len(b):#x}") + b,
    "length beyond all bounds": lambda b: head_of(f"Content-Length: {2**64 + len(b)}") + b,
    "bare line feed": lambda b: head_of(f"X: a\n{short(b)}", length(b)) + b,
    "bare carriage return": lambda b: head_of(f"X: a\r{short(b)}", length(b)) + b,
    "zero byte": lambda b: head_of("X: a\0b", length(b)) + b,
    "folded line": lambda b: head_of(f"X: a\r\n {short(b)}", length(b)) + b,
    "folded length": lambda b: head_of(f"Content-Length:\r\n {len(b)}") + b,
    "space before the colon": lambda b: head_of(f"Content-Length : {len(b) - 1}", length(b)) + b,
    "no colon": lambda b: head_of("nonsense", length(b)) + b,
    "bare line feeds only": lambda b: head_of(length(b)).replace(b"\r\n", b"\n") + b,
    "unknown coding": lambda b: head_of("Transfer-Encoding: gzip") + b,
    "two codings": lambda b: head_of("Transfer-Encoding: gzip, chunked") + chunked(b),
    "coding twice": lambda b: head_of(CHUNKED, CHUNKED) + chunked(b),
    "coding of nothing": lambda b: head_of("Transfer-Encoding:", short(b)) + b,
    "coding in HTTP/1.0": lambda b: head_of(CHUNKED, version="1.0") + chunked(b),
    "chunk with a sign": lambda b: head_of(CHUNKED) + b"+" + chunked(b),
    "chunk in C": lambda b: head_of(CHUNKED) + b"0x" + chunked(b),
    "chunk beyond all bounds": lambda b: head_of(CHUNKED) + b"1" + b"%016x" % len(b) + b"\r\n" + b,
    "chunk with a bare line feed": lambda b: head_of(CHUNKED) + chunked(b).replace(b"\r\n", b"\n", 1),
    "chunk that is too short": lambda b: head_of(CHUNKED) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(b) - 1, b),
    "chunk that is too long": lambda b: head_of(CHUNKED) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(b) + 1, b),
    "extension that hides a chunk": lambda b: head_of(CHUNKED) + b"%x;a\n0\r\n" % len(b) + b,
    "extension without an end": lambda b: head_of(CHUNKED) + b"%x;" % len(b) + bytes(100_000),
    "malformed trailer": lambda b: head_of(CHUNKED) + chunked(b)[:-2] + b"no trailer\r\n\r\n",
    "trailers without an end": lambda b: head_of(CHUNKED) + chunked(b)[:-2] + b"a: b\r\n" * 100_000,
    "no last chunk": lambda b: head_of(CHUNKED) + chunked(b)[:-5],
    "part that nobody asked for": lambda b: head_of(
        short(b), f"Content-Range: bytes 0-{len(b) - 2}/*", status="206 Partial Content"
    )
    + b[:-1],
    "all as a part": lambda b: head_of(
        length(b), f"Content-Range: bytes 0-{len(b) - 1}/{len(b)}", status="206 Partial Content"
    )
    + b,
    "part as the whole": lambda b: head_of(
        short(b), f"Content-Range: bytes 0-{len(b) - 2}/{len(b)}"
    )
    + b[:-1],
    "refusal of a range": lambda b: head_of("Content-Length: 0", status="416 No Such Range"),
    "length of an exbibyte": lambda b: head_of(f"Content-Length: {1 << 60}") + b,
    "flood of interim replies": lambda b: b"HTTP/1.1 100 Continue\r\n\r\n" * 1000 + good(b, ""),
    "another protocol": lambda b: b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + good(b, ""),
    "no content, with some": lambda b: head_of(length(b), status="204 No Content") + b,
    "not modified, with a body": lambda b: head_of(length(b), status="304 Not Modified") + b,
    "HTTP/0.9": lambda b: b,
    "HTTP/2": lambda b: head_of(length(b), version="2") + b,
    "two ETags": lambda b: head_of('ETag: "v2"', length(b)) + b,
    "cut, and no length": lambda b: head_of() + b[:-1],
    "whole, and no length": lambda b: head_of() + b,
    "encoded on the way": lambda b: head_of(CHUNKED, "Content-Encoding: gzip") + chunked(b[:-1]),
    "two replies": lambda b: good(b, "") + good(b"x" * len(b), ""),
    "no bytes": lambda b: b"",
    "head without an end": lambda b: head_of(f"X: {'x' * 100_000}", length(b)) + b,
}  # fmt: skip
# These are whole and odd, and are read.
ODD: dict[str, Callable[[bytes], bytes]] = {
    "chunked": lambda b: head_of(CHUNKED) + chunked(b),
    "chunks with extensions": lambda b: (
        head_of(CHUNKED) + b'%X;a="b"\r\n%b\r\n0;c\r\nd: e\r\n\r\n' % (len(b), b)
    ),
    "padded chunks": lambda b: head_of(CHUNKED) + b"%x  \r\n%b\r\n0\r\n\r\n" % (len(b), b),
    "length told twice": lambda b: head_of(length(b), length(b)) + b,
    "HTTP/1.0": lambda b: head_of(length(b), version="1.0") + b,
    "interim reply": lambda b: b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + good(b, ""),
    "no reason": lambda b: good(b, "").replace(b"200 OK", b"200", 1),
    "fields in capitals": lambda b: good(b, "").replace(b"Content-Length: ", b"CONTENT-LENGTH:", 1),
    "stored encoded": lambda b: head_of("Content-Encoding: gzip", length(b)) + b,
}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    issued = issue_certificate(tmp_path_factory.mktemp("framing") / "tls")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    return context, issued.ca_file


SIZES = {"1 B": 1, "128 KiB": 128 << 10, "20 MiB streamed": 20 * MIB}
CONTENT = {size: random.Random(size).randbytes(size) for size in SIZES.values()}


def read(url: str, size: int, ca: Path, *, listed: bool) -> bytes:
    """Read the one object as `size` demands."""
    config = S3Config(
        endpoint_url=url, region="us-east-1", credentials=CREDENTIALS, max_attempts=2,
        stall_timeout=0.5, ca_file=str(ca),
    )  # fmt: skip
    source = [ObjectUrl(URL, size=size, etag="v1") if listed else URL]
    prefetch_bytes = 16 * MIB if size > MIB else 256 * MIB
    loader = S3FileLoader(source, config=config, prefetch_bytes=prefetch_bytes)
    ((_, stream),) = loader
    pieces = iter(lambda: stream.read(1 << 16), b"")
    return b"".join(pieces)


def outcome(read_it: Callable[[], bytes], body: bytes) -> str:
    try:
        found = read_it()
    except ObjectStoreError as error:
        assert type(error) is not ObjectStoreError
        assert not isinstance(error, BLAMELESS), error
        return "error"
    assert found == body
    return "bytes"


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("name", REPLIES)
def test_wrong_reply(
    name: str, size: int, tls: bool, certificate: tuple[ssl.SSLContext, Path]
) -> None:
    """Never other bytes, neither with one wrong reply nor with wrong replies only."""
    body = CONTENT[size]
    listed = size > MIB  # which is what makes it a stream
    context, ca = certificate
    for times in (1, 1000):

        def reply(number: int, head: str, times: int = times) -> tuple[bytes, bool]:
            wrong = number < times
            return (REPLIES[name](body) if wrong else good(body, head)), not wrong

        with RawServer(reply, context if tls else None) as server:
            outcome(lambda url=server.url: read(url, size, ca, listed=listed), body)  # type: ignore[misc]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("name", ODD)
def test_odd_reply(name: str, size: int, certificate: tuple[ssl.SSLContext, Path]) -> None:
    body = CONTENT[size]
    with RawServer(lambda number, head: (ODD[name](body), True)) as server:
        assert read(server.url, size, certificate[1], listed=size > MIB) == body


@pytest.mark.parametrize("listed", [1, -1], ids=["more", "fewer"])
@pytest.mark.parametrize("form", ["length", "chunked", "to the end"])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_listed_size_is_that_of_the_listed_version(
    size: int, form: str, listed: int, certificate: tuple[ssl.SSLContext, Path]
) -> None:
    body = CONTENT[size]
    replies = {
        "length": good(body, ""),
        "chunked": ODD["chunked"](body),
        "to the end": head_of() + body,
    }
    # A server that has only this answer, also to a request for a range.
    with (
        RawServer(lambda number, head: (replies[form], False)) as server,
        pytest.raises(ObjectStoreError) as caught,
    ):
        read(server.url, size + listed, certificate[1], listed=True)
    assert not isinstance(caught.value, BLAMELESS)


@pytest.mark.parametrize("size", [size for size in CONTENT if size > 1])
def test_a_read_that_begins_again_as_a_stream_knows_the_size(
    size: int, certificate: tuple[ssl.SSLContext, Path]
) -> None:
    """The first reply tells that the object is too large for one buffer."""
    body = CONTENT[size]
    shorter = head_of(CHUNKED) + chunked(body[: size // 2])
    with RawServer(lambda number, head: (shorter if number else good(body, head), True)) as server:
        config = S3Config(endpoint_url=server.url, credentials=CREDENTIALS, max_attempts=2)
        loader = S3FileLoader([URL], config=config, prefetch_bytes=size)
        assert outcome(lambda: b"".join(f.read() for _, f in loader), body) == "error"


# --- redirects ----------------------------------------------------------------------------------


def redirect(location: str) -> bytes:
    return (
        f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    ).encode("latin-1")


SECRETS = re.compile(r"authorization|x-amz-security-token|Signature=", re.IGNORECASE)
PAGE = (
    b"<ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated>"
    b"<Contents><Key>key</Key><Size>1</Size></Contents></ListBucketResult>"
)


@pytest.mark.parametrize("operation", ["read", "list"])
@pytest.mark.parametrize(
    ("from_tls", "to_tls", "host"),
    [(True, False, "127.0.0.1"), (False, False, "127.0.0.2"), (False, True, "127.0.0.2")],
    ids=["from TLS to plain", "another host", "another host with TLS"],
)
def test_credentials_stay_at_home(
    from_tls: bool,
    to_tls: bool,
    host: str,
    operation: str,
    certificate: tuple[ssl.SSLContext, Path],
) -> None:
    context, ca = certificate
    other_context = context if to_tls else None
    answer = PAGE if operation == "list" else b"x"
    with RawServer(lambda n, head: (good(answer, head), True), other_context, host) as other:
        target = re.compile(r"^\S+ (\S+)")

        def reply(number: int, head: str) -> tuple[bytes, bool]:
            path = target.match(head)
            assert path
            return redirect(other.url + path[1]), True

        with RawServer(reply, context if from_tls else None) as server:
            config = S3Config(
                endpoint_url=server.url, region="us-east-1", credentials=CREDENTIALS,
                max_attempts=1, ca_file=str(ca),
            )  # fmt: skip
            with contextlib.suppress(ObjectStoreError):
                if operation == "list":
                    assert list(S3FileLister(["s3://bucket"], config=config)) == [URL]
                else:
                    assert [f.read() for _, f in S3FileLoader([URL], config=config)] == [b"x"]
        assert not [head for head in other.heads if SECRETS.search(head)]
        assert not (from_tls and other.heads)
        assert server.heads
        assert all(SECRETS.search(head) for head in server.heads)


# --- another strict parser ----------------------------------------------------------------------

PARTS = [
    "Content-Length: {n}", "Content-Length: {m}", "content-length:{n}", "Content-Length: 0{n}",
    "Content-Length: +{n}", "Content-Length : {n}", " Content-Length: {n}", "Content-Length: {n} ",
    "Transfer-Encoding: chunked", "transfer-encoding:CHUNKED", "Transfer-Encoding: gzip",
    "Transfer-Encoding: chunked, chunked", "Transfer-Encoding : chunked", "Connection: close",
    "Connection: keep-alive", "X: a", "X:", "X: a\nContent-Length: {m}", "X: a\rb", "X: a\r\n b",
    "X", ": x", "X y: z", "X: \t\xe4 ", "Content-Range: bytes 0-1/2", "X: a\0b",
]  # fmt: skip
CODINGS = ["%x\r\n", "%X;a=b\r\n", "0%x\r\n", "0x%x\r\n", "+%x\r\n", "%x\n", "%x \r\n", " %x\r\n"]
ENDS = ["0\r\n\r\n", "0\r\na: b\r\n\r\n", "0\r\n\n", "00\r\n\r\n", "", "0\r\n"]


def generated(draw: random.Random) -> bytes:
    """A reply put together of right and wrong parts."""
    body = draw.randbytes(draw.choice([0, 1, 30]))
    version = draw.choice(["1.1", "1.1", "1.1", "1.0"])
    parts = draw.sample(PARTS, draw.randint(0, 3))
    fields = [part.format(n=len(body), m=len(body) + 1) for part in parts]
    head = f'HTTP/{version} 200 OK\r\nETag: "v1"\r\n' + "".join(f + "\r\n" for f in fields)
    coded = (draw.choice(CODINGS) % len(body)).encode() + body + b"\r\n" if body else b""
    content = coded + draw.choice(ENDS).encode() if "chunked" in head.lower() else body
    return head.encode("latin-1") + b"\r\n" + content


def by_h11(reply: bytes) -> bytes | None:
    """The body of a reply that ends with its connection; None if it is refused, or not whole."""
    h11 = pytest.importorskip("h11", reason="h11, which parses replies, too, is not installed")
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "h")]))
    connection.send(h11.EndOfMessage())
    body = b""
    try:
        connection.receive_data(reply)
        connection.receive_data(b"")
        while type(event := connection.next_event()) is not h11.EndOfMessage:
            if type(event) is h11.Data:
                body += bytes(event.data)
            elif type(event) is not h11.Response:
                return None
    except h11.RemoteProtocolError:
        return None
    return body


def test_another_parser_finds_the_same_bodies() -> None:
    """Same bytes in, same body out, or an error: for whatever we take, h11 takes for the same."""
    draw = random.Random(0)
    replies = [generated(draw) for _ in range(400)]
    expected = [by_h11(reply) for reply in replies]
    taken = 0
    with RawServer(lambda n, head: (replies[int(head.split()[1].rpartition("/")[2])], False)) as s:
        config = S3Config(
            endpoint_url=s.url, region="us-east-1", credentials=CREDENTIALS, max_attempts=1,
            stall_timeout=5.0,
        )  # fmt: skip
        for number, body in enumerate(expected):
            try:
                ((_, stream),) = S3FileLoader([f"s3://bucket/{number}"], config=config)
                found = stream.read()
            except ObjectStoreError:
                continue
            taken += 1
            assert found == body, replies[number]
    assert 20 < taken < 360
