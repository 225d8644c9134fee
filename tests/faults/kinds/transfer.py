"""Faults of the transfer: correct replies that arrive broken, late, or in an unusual form.

Offsets count the body's bytes on the wire; negative ones count from its end.
"""

import dataclasses
from dataclasses import dataclass

from ..fault import Fault, Serve
from ..messages import Reply, Request
from ..script import AwaitRequest, Close, Cut, Data, Pause, Reset, Script
from ..store import Store


class ResetBeforeReply(Fault):
    """RST instead of a reply."""

    def play(self, script: Script) -> Script:
        return Script((Reset(),), ())


class CloseBeforeReply(Fault):
    """FIN instead of a reply."""

    def play(self, script: Script) -> Script:
        return Script((Cut(),), ())


class ResetAfterHead(Fault):
    """RST between the reply's head and its body."""

    def play(self, script: Script) -> Script:
        return script.with_body(Reset())


@dataclass(frozen=True)
class ResetAt(Fault):
    """RST once exactly `offset` bytes of the body have arrived."""

    offset: int

    def play(self, script: Script) -> Script:
        return script.insert(self.offset, Reset())


@dataclass(frozen=True)
class CloseAt(Fault):
    """FIN after `offset` bytes of the body; in TLS without close_notify."""

    offset: int

    def play(self, script: Script) -> Script:
        return script.insert(self.offset, Cut())


@dataclass(frozen=True)
class StallBeforeReply(Fault):
    """Silence before the reply, for `seconds` or until the client closes the connection."""

    seconds: float | None = None

    def play(self, script: Script) -> Script:
        return Script((Pause(self.seconds), *script.head), script.body)


@dataclass(frozen=True)
class StallAt(Fault):
    """Silence after `offset` bytes of the body, for `seconds` or until the client goes away."""

    offset: int
    seconds: float | None = None

    def play(self, script: Script) -> Script:
        return script.insert(self.offset, Pause(self.seconds))


@dataclass(frozen=True)
class SlowDrip(Fault):
    """The body comes at `rate` bytes per second."""

    rate: float

    def play(self, script: Script) -> Script:
        return script.with_body(
            *(
                dataclasses.replace(step, rate=self.rate) if isinstance(step, Data) else step
                for step in script.body
            )
        )


class GarbageStatusLine(Fault):
    """Bytes that are not HTTP where the status line should be, then FIN."""

    def play(self, script: Script) -> Script:
        return Script((Data(b"\x16\x03\x01 this is not HTTP\r\n\r\n"), Cut()), ())


@dataclass(frozen=True)
class InformationalFirst(Fault):
    """`count` informational replies (100 Continue unless told) before the real one."""

    count: int = 1
    status: int = 100

    def play(self, script: Script) -> Script:
        noise = Data(Reply(self.status).head() * self.count)
        return Script((noise, *script.head), script.body)


@dataclass(frozen=True)
class OversizedHeaders(Fault):
    """A header of `size` bytes, more than any client accepts."""

    size: int = 1 << 20

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        return serve(request).with_headers({"x-amz-meta-filler": "x" * self.size})


@dataclass(frozen=True)
class Chunked(Fault):
    """Transfer-Encoding: chunked in chunks of `size` bytes, so without Content-Length."""

    size: int = 65536

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        reply = serve(request)
        pieces = [reply.body[at : at + self.size] for at in range(0, len(reply.body), self.size)]
        body = (
            b"".join(b"%x\r\n%b\r\n" % (len(piece), bytes(piece)) for piece in pieces)
            + b"0\r\n\r\n"
        )
        headers = {"Content-Length": None, "Transfer-Encoding": "chunked"}
        return reply.with_body(body).with_headers(headers)


class NoContentLength(Fault):
    """No Content-Length: the end of the connection is the end of the body."""

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        return serve(request).with_headers({"Content-Length": None, "Connection": "close"})


@dataclass(frozen=True)
class CloseAfterReply(Fault):
    """The connection ends after the reply, with or without a "Connection: close" in it."""

    announced: bool = True

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        reply = serve(request)
        return reply.with_headers({"Connection": "close"}) if self.announced else reply

    def play(self, script: Script) -> Script:
        return script.with_body(*script.body, Close())


class CloseOnNextRequest(Fault):
    """The connection stays open after the reply, and is closed when the next request arrives."""

    def play(self, script: Script) -> Script:
        return script.with_body(*script.body, AwaitRequest(), Close())
