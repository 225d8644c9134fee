"""A gateway before that of an AIStore cluster, which sends clients to targets by detours."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import urllib3

from faults import FaultProxy
from servers import AIStore

__all__ = ["gateway", "proxied_targets"]

_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length"}


@contextmanager
def gateway(cluster: AIStore, detours: Mapping[str, str]) -> Iterator[str]:
    """Run a gateway that passes requests on; yield its URL.

    Targets advertise their own addresses, in the cluster map and in redirects: a fault proxy in
    front of one is passed only by clients that are told so.

    Parameters
    ----------
    cluster
        Where requests go.
    detours
        What to write for the URLs of targets.
    """
    pool = urllib3.PoolManager()

    def rewrite(text: str) -> str:
        for url, detour in detours.items():
            text = text.replace(url, detour)
        return text

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
            url = cluster.endpoint + self.path
            reply = pool.request(
                self.command, url, body=body, headers=headers, redirect=False, retries=False
            )
            data = reply.data
            if "what=smap" in self.path:
                data = rewrite(data.decode()).encode()
            self.send_response_only(reply.status)
            for name, value in reply.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, rewrite(value) if name == "Location" else value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_HEAD = do_GET  # noqa: N815 - the name is the base class's

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        pool.clear()


@contextmanager
def proxied_targets(cluster: AIStore) -> Iterator[tuple[list[FaultProxy], str]]:
    """Put a fault proxy before every target; yield them, and the URL of a gateway to them."""
    with ExitStack() as running:
        proxies, detours = [], {}
        for target in cluster.targets:
            proxy = running.enter_context(FaultProxy("127.0.0.1", urlsplit(target.url).port or 0))
            proxies.append(proxy)
            detours[target.url] = f"http://127.0.0.1:{proxy.port}"
        yield proxies, running.enter_context(gateway(cluster, detours))
