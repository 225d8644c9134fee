"""Faults of listings: pages that lead nowhere, go in circles, or cannot be read."""

import dataclasses
import re

from ..errors import S3Error
from ..fault import Fault, Serve
from ..listing import ListPage, ListQuery, render
from ..messages import Reply, Request
from ..store import Store


class _ListFault(Fault):
    """Applies to pages of listings."""

    def applies(self, request: Request) -> bool:
        return request.is_listing


class _V2Fault(Fault):
    """Applies to pages of ListObjectsV2."""

    def applies(self, request: Request) -> bool:
        return request.operation == "ListObjectsV2"


class MalformedListing(_ListFault):
    """A page that is not well-formed XML."""

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        reply = serve(request)
        return reply.with_body(bytes(reply.body).replace(b"</Name>", b"&</Nam>"))


class TruncatedListing(_ListFault):
    """Only the first half of a page, with the Content-Length of that half."""

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        reply = serve(request)
        return reply.with_body(reply.body[: len(reply.body) // 2])


class TokenLoop(_V2Fault):
    """Every page but the first gives its own token as the next one."""

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        token = request.query.get("continuation-token")
        return _change_token(serve(request), token) if token else serve(request)


class MissingToken(_V2Fault):
    """A page that is marked as truncated but has no token for the next page."""

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        return _change_token(serve(request), None)


class EmptyPage(_V2Fault):
    """A page without entries, whose token leads to those that should have been on it."""

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        query = ListQuery.parse(request)
        return serve(request).with_body(render(query, ListPage(next_marker=query.marker)))


class V2Refused(_V2Fault):
    """501 NotImplemented for ListObjectsV2."""

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        return S3Error(501, "NotImplemented").reply(request)


class V2Ignored(_V2Fault):
    """ListObjectsV2 is answered like ListObjects, as servers do that ignore list-type."""

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        return serve(dataclasses.replace(request, target=request.target.replace("list-type=2", "")))


def _change_token(reply: Reply, token: str | None) -> Reply:
    element = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    pattern = b"<NextContinuationToken>.*?</NextContinuationToken>"
    return reply.with_body(re.sub(pattern, element.encode(), bytes(reply.body)))
