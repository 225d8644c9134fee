"""The two kinds of HTTP messages of this server: a request received, and a reply to send."""

import dataclasses
import http
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qsl, unquote

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Request:
    """One request, exactly as it arrived.

    Attributes
    ----------
    number : int
        1, 2, 3 ... over all connections, in the order of arrival.
    connection : int
        Number of the connection it came on, counted from 1.
    time : float
        ``time.monotonic()`` when its head had arrived, in seconds.
    method, target : str
        The request line; `target` is the path and query as sent, still percent-encoded.
    headers : Mapping[str, str]
        By lower-case name.
    scheme : str
        ``"http"`` or ``"https"``.
    body : bytes
        What came with it; not kept in `FaultServer.requests`.
    """

    number: int
    connection: int
    time: float
    method: str
    target: str
    headers: Headers
    scheme: str = "http"
    body: bytes = b""

    @classmethod
    def parse(
        cls, head: bytes, number: int, connection: int, time: float, scheme: str
    ) -> "Request":
        """Return the request with this head (without the empty line); ValueError if it is none."""
        request_line, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = request_line.split(" ")
        pairs = (line.split(":", 1) for line in lines)
        headers = {name.lower(): value.strip() for name, value in pairs}
        return cls(number, connection, time, method, target, headers, scheme)

    @property
    def identity(self) -> str:
        """Identifies what is requested; the same for each repetition of a request."""
        return f"{self.method} {self.target} {self.headers.get('range', '')}"

    @property
    def id(self) -> str:
        """The value of x-amz-request-id in the reply."""
        return f"{self.number:016X}"

    @property
    def path(self) -> str:
        """The path as sent, without the query."""
        return self.target.partition("?")[0]

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The decoded query."""
        query = self.target.partition("?")[2]
        return dict(parse_qsl(query, keep_blank_values=True, errors="surrogateescape"))

    @cached_property
    def _address(self) -> tuple[str, str]:
        path = unquote(self.path, errors="surrogateescape").removeprefix("/")
        virtual_host = re.fullmatch(r"(.+)\.localhost(:\d+)?", self.headers.get("host", ""))
        if virtual_host:
            return virtual_host[1], path
        bucket, _, key = path.partition("/")
        return bucket, key

    @property
    def bucket(self) -> str:
        """The bucket, from the path or from a host name ``<bucket>.localhost``."""
        return self._address[0]

    @property
    def key(self) -> str:
        """The decoded key; empty for requests about the bucket."""
        return self._address[1]

    @property
    def operation(self) -> str:
        """S3's name of the operation; the bare method for those this server lacks."""
        if not self.bucket:
            return self.method
        if self.method == "HEAD":
            return "HeadObject" if self.key else "HeadBucket"
        if self.method != "GET":
            return self.method
        if self.key:
            return "GetObject"
        return "ListObjectsV2" if self.query.get("list-type") == "2" else "ListObjects"

    @property
    def is_listing(self) -> bool:
        """Whether this asks for a page of a listing, of either version."""
        return self.operation.startswith("ListObjects")

    @property
    def is_ranged(self) -> bool:
        """Whether this asks for a piece of an object."""
        return "range" in self.headers or "partNumber" in self.query

    @property
    def range(self) -> tuple[int | None, int | None] | None:
        """First and last offset of a valid Range header; either may be left out as None."""
        found = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("range", ""))
        if not found or found[0] == "bytes=-":
            return None
        first, last = (int(text) if text else None for text in found.groups())
        if first is not None and last is not None and last < first:
            return None
        return first, last

    @property
    def signing_region(self) -> str:
        """The region this request was signed for; empty for an unsigned one."""
        found = re.search(r"Credential=[^,]*/\d{8}/([^/]*)/", self.headers.get("authorization", ""))
        return found[1] if found else ""

    def without_header(self, name: str) -> "Request":
        """Return the same request without one header, given in lower case."""
        headers = {key: value for key, value in self.headers.items() if key != name}
        return dataclasses.replace(self, headers=headers)


@dataclass(frozen=True)
class Reply:
    """A reply before it is put on the wire; for HEAD, `body` is what a GET would have got."""

    status: int
    headers: Headers = field(default_factory=dict)
    body: bytes | memoryview = b""

    def with_headers(self, changes: Mapping[str, str | None]) -> "Reply":
        """Return a copy with some headers set or, for None, removed."""
        merged = {**self.headers, **changes}
        return dataclasses.replace(
            self, headers={name: value for name, value in merged.items() if value is not None}
        )

    def with_body(self, body: bytes | memoryview) -> "Reply":
        """Return a copy with another body and the Content-Length that goes with it."""
        return dataclasses.replace(self, body=body).with_headers({"Content-Length": str(len(body))})

    def head(self) -> bytes:
        """Return status line and headers as bytes."""
        lines = [f"HTTP/1.1 {self.status} {http.HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
