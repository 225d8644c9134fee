"""Nodes in front of those of an AIStore cluster, which redirect clients or answer wrongly."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import urllib3

from faults import FaultProxy, FaultServer, Request
from faults.messages import Reply
from servers import AIStore

__all__ = ["FaultNode", "proxied_targets"]

_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length"}


class FaultNode(FaultServer):
    """A node that forwards requests, and can change each reply.

    Targets advertise their own addresses, in the cluster map and in redirects: what stands before
    one is passed only by clients that are told so.

    Parameters
    ----------
    url
        The node that answers honestly.
    detours
        What to write for the URLs of targets.
    tls
        A server's context; with one, the node speaks TLS only.
    """

    def __init__(
        self,
        url: str,
        detours: Mapping[str, str] | None = None,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__({}, tls=tls)
        self._url = url
        self._detours = dict(detours or {})
        self._pool = urllib3.PoolManager(maxsize=16)

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        self._pool.clear()

    def stand_in_for(self, url: str) -> None:
        """Write this node's own URL wherever another one is named."""
        self._detours[url] = self.endpoint

    def _answer_honestly(self, original: Request, changed: Request) -> Reply:
        reply = self._pool.request(
            changed.method,
            self._url + changed.target,
            body=changed.body,
            headers={k: v for k, v in changed.headers.items() if k != "host"},
            redirect=False,
            retries=False,
        )
        body = reply.data
        if "what=smap" in changed.target:
            body = self._rewrite(body.decode()).encode()
        headers = {k: v for k, v in reply.headers.items() if k.lower() not in _HOP_BY_HOP}
        if "Location" in headers:
            headers["Location"] = self._rewrite(headers["Location"])
        passed_on = Reply(reply.status, headers).with_body(body)
        if changed.method != "HEAD":
            return passed_on
        return passed_on.with_headers({"Content-Length": reply.headers.get("Content-Length")})

    def _rewrite(self, text: str) -> str:
        for url, detour in self._detours.items():
            text = text.replace(url, detour)
        return text


@contextmanager
def proxied_targets(cluster: AIStore) -> Iterator[tuple[list[FaultProxy], str]]:
    """Put a fault proxy before every target; yield them, and the URL of a gateway to them."""
    with ExitStack() as running:
        proxies, detours = [], {}
        for target in cluster.targets:
            proxy = running.enter_context(FaultProxy("127.0.0.1", urlsplit(target.url).port or 0))
            proxies.append(proxy)
            detours[target.url] = proxy.endpoint
        yield proxies, running.enter_context(FaultNode(cluster.endpoint, detours)).endpoint
