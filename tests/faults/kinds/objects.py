"""Faults of content: replies to reads that look right but are not."""

import re
from dataclasses import dataclass

from ..fault import Fault, Serve
from ..messages import Reply, Request
from ..store import Store


class _ReadFault(Fault):
    """Applies to GETs of objects."""

    def applies(self, request: Request) -> bool:
        return request.operation == "GetObject"


class _RangeFault(_ReadFault):
    """Applies to GETs of a piece of an object."""

    def applies(self, request: Request) -> bool:
        return super().applies(request) and request.is_ranged


@dataclass(frozen=True)
class BitFlip(_ReadFault):
    """One flipped bit (0 to 7) in the byte at `offset` of the object, in a reply that covers it."""

    offset: int
    bit: int = 0

    def applies(self, request: Request) -> bool:
        if not super().applies(request) or "partNumber" in request.query:
            return False
        first, last = request.range or (0, None)
        return first is not None and first <= self.offset and (last is None or self.offset <= last)

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        reply = serve(request)
        content_range = re.match(r"bytes (\d+)-", reply.headers.get("Content-Range", ""))
        at = self.offset - (int(content_range[1]) if content_range else 0)
        if reply.status >= 300 or at >= len(reply.body):
            return reply
        body = bytearray(reply.body)
        body[at] ^= 1 << self.bit
        return reply.with_body(bytes(body))


class WrongChecksum(_ReadFault):
    """A checksum header that does not match the body."""

    def applies(self, request: Request) -> bool:
        return super().applies(request) and "x-amz-checksum-mode" in request.headers

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        reply = serve(request)
        wrong = {
            name: ("B" if value[0] == "A" else "A") + value[1:]
            for name, value in reply.headers.items()
            if re.fullmatch("x-amz-checksum-(crc.*|sha.*)", name)
        }
        return reply.with_headers(wrong)


class ChecksumOnRange(_RangeFault):
    """The checksum of the whole object with a piece of it, as some servers send it."""

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        whole = serve(request.without_header("range"))
        checksums = {k: v for k, v in whole.headers.items() if k.startswith("x-amz-checksum-")}
        return serve(request).with_headers(checksums)


class IgnoreRange(_RangeFault):
    """200 and the whole object in reply to a request for a range."""

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        return serve(request.without_header("range"))


@dataclass(frozen=True)
class WrongContentRange(_RangeFault):
    """A Content-Range that is off by `shift` bytes."""

    shift: int = 1

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        return _change_content_range(serve(request), shift=self.shift)


@dataclass(frozen=True)
class WrongTotal(_RangeFault):
    """A Content-Range whose total size is off by `by` bytes."""

    by: int = 1

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        return _change_content_range(serve(request), more=self.by)


@dataclass(frozen=True)
class WrongContentLength(_ReadFault):
    """A Content-Length that is `by` bytes too long, or for a negative `by`, too short."""

    by: int

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        reply = serve(request)
        return reply.with_headers({"Content-Length": str(max(0, len(reply.body) + self.by))})


@dataclass(frozen=True)
class ShortBody(_ReadFault):
    """A body that lacks its last `by` bytes, with the Content-Length of what is left."""

    by: int = 1

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        reply = serve(request)
        return reply.with_body(reply.body[: max(0, len(reply.body) - self.by)])


@dataclass(frozen=True)
class ReplaceObject(_ReadFault):
    """The object is replaced by `data` just before this read; with ``skip=1``, in mid-object."""

    data: bytes

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        store.put(request.bucket, request.key, self.data)
        return serve(request)


class IgnoreIfMatch(_ReadFault):
    """If-Match is ignored."""

    def applies(self, request: Request) -> bool:
        return super().applies(request) and "if-match" in request.headers

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        return serve(request.without_header("if-match"))


class MissingETag(_ReadFault):
    """No ETag."""

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        return serve(request).with_headers({"ETag": None})


class WeakETag(_ReadFault):
    """A weak ETag, which If-Match can never match."""

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        reply = serve(request)
        etag = reply.headers.get("ETag")
        return reply.with_headers({"ETag": f"W/{etag}"}) if etag else reply


def _change_content_range(reply: Reply, *, shift: int = 0, more: int = 0) -> Reply:
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", reply.headers.get("Content-Range", ""))
    if not found:
        return reply
    first, last, total = map(int, found.groups())
    content_range = f"bytes {first + shift}-{last + shift}/{total + more}"
    return reply.with_headers({"Content-Range": content_range})
