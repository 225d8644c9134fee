"""Faults that refuse: valid replies with an error."""

import calendar
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate

from botocore.credentials import Credentials

from ..errors import S3Error
from ..fault import Fault, Serve
from ..messages import Headers, Reply, Request
from ..store import Store


@dataclass(frozen=True)
class ErrorReply(Fault):
    """Any of S3's error documents; the kinds below are the well-known ones."""

    status: int
    code: str
    details: Mapping[str, str] = field(default_factory=dict)
    headers: Headers = field(default_factory=dict)

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        return S3Error(self.status, self.code, self.details, self.headers).reply(request)


class InternalError(ErrorReply):
    """500 InternalError."""

    def __init__(self) -> None:
        super().__init__(500, "InternalError")


class BadGateway(Fault):
    """502 with a web page, as from a load balancer."""

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        return _web_page(502)


class EmptyServiceUnavailable(Fault):
    """503 with no body at all, as AIStore and load balancers send it."""

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        return Reply(503).with_body(b"")


class SlowDown(ErrorReply):
    """503 SlowDown, S3's throttling, on request with Retry-After in seconds."""

    def __init__(self, retry_after: int | None = None) -> None:
        super().__init__(503, "SlowDown", headers=_retry_after(retry_after))


class TooManyRequests(ErrorReply):
    """429, the throttling of other stores, on request with Retry-After in seconds."""

    def __init__(self, retry_after: int | None = None) -> None:
        super().__init__(429, "TooManyRequests", headers=_retry_after(retry_after))


class AccessDenied(ErrorReply):
    """403 AccessDenied."""

    def __init__(self) -> None:
        super().__init__(403, "AccessDenied")


class ExpiredToken(ErrorReply):
    """ExpiredToken, with status 400 as S3 sends it or 403 as others do."""

    def __init__(self, status: int = 400) -> None:
        super().__init__(status, "ExpiredToken")


class NoSuchKey(ErrorReply):
    """404 NoSuchKey though the object exists."""

    def __init__(self) -> None:
        super().__init__(404, "NoSuchKey")


class RangeNotSatisfiable(ErrorReply):
    """416 InvalidRange for a good range."""

    def __init__(self) -> None:
        super().__init__(416, "InvalidRange")

    def applies(self, request: Request) -> bool:
        return request.is_ranged


@dataclass(frozen=True)
class RequestTimeTooSkewed(Fault):
    """403 unless requests are dated by the server's clock, which is `ahead` seconds ahead."""

    ahead: float = 3600

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        now = time.time() + self.ahead
        reply = serve(request)
        if abs(_request_time(request) - now) > 15 * 60:
            server_time = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
            error = S3Error(403, "RequestTimeTooSkewed", {"ServerTime": server_time})
            reply = error.reply(request)
        return reply.with_headers({"Date": formatdate(now, usegmt=True)})


@dataclass(frozen=True)
class PermanentRedirect(Fault):
    """301 with x-amz-bucket-region, unless the request is signed for `region`."""

    region: str

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        if request.signing_region == self.region:
            return serve(request)
        endpoint = {"Endpoint": f"{request.bucket}.s3.{self.region}.amazonaws.com"}
        headers = {"x-amz-bucket-region": self.region}
        return S3Error(301, "PermanentRedirect", endpoint, headers).reply(request)


@dataclass(frozen=True)
class AuthorizationHeaderMalformed(Fault):
    """400 with <Region>, unless the request is signed for `region`."""

    region: str

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        if request.signing_region == self.region:
            return serve(request)
        error = S3Error(400, "AuthorizationHeaderMalformed", {"Region": self.region})
        return error.reply(request)


@dataclass(frozen=True)
class TemporaryRedirect(Fault):
    """307 to the same path and query at another `endpoint`, such as ``http://127.0.0.1:8000``."""

    endpoint: str

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        return _redirect(request, self.endpoint)


class RedirectLoop(Fault):
    """307 back to where the request was sent."""

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        return _redirect(request, f"{request.scheme}://{request.headers.get('host', '')}")


class ErrorInside200(Fault):
    """An error document inside a 200."""

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        document = S3Error(500, "InternalError").reply(request)
        return Reply(200, document.headers, document.body)


@dataclass(frozen=True)
class WebPage(Fault):
    """A web page with a 200 or another `status`: a proxy or a login portal is in the way."""

    status: int = 200

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        return _web_page(self.status)


@dataclass(frozen=True)
class RotateCredentials(Fault):
    """From this request on only `credentials` are valid; the old ones have expired."""

    credentials: Credentials

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        store.rotate(self.credentials)
        return serve(request)


def _retry_after(seconds: int | None) -> Headers:
    return {} if seconds is None else {"Retry-After": str(seconds)}


def _request_time(request: Request) -> float:
    try:
        stamp = time.strptime(request.headers.get("x-amz-date", ""), "%Y%m%dT%H%M%SZ")
    except ValueError:
        return 0
    return calendar.timegm(stamp)


def _web_page(status: int) -> Reply:
    page = b"<!DOCTYPE html><html><body><h1>Please log in</h1></body></html>"
    return Reply(status, {"Content-Type": "text/html"}).with_body(page)


def _redirect(request: Request, endpoint: str) -> Reply:
    headers = {"Location": endpoint + request.target}
    return S3Error(307, "TemporaryRedirect", {"Endpoint": endpoint}, headers).reply(request)
