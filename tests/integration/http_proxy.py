"""An HTTP proxy, as companies use it in front of the Internet."""

from __future__ import annotations

import re
import socket
import socketserver
import ssl
import threading
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit


class _Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 1024  # of five, connections made at once would wait for seconds


class HttpProxy:
    """A proxy on 127.0.0.1; use it in a ``with`` statement.

    Parameters
    ----------
    authorization : str, optional
        The ``Proxy-Authorization`` that it insists on.
    tls : ssl.SSLContext, optional
        Speak TLS with the client.

    Attributes
    ----------
    targets : list of str
        ``host:port`` of every tunnel it has made.
    urls : list of str
        Of every request it has passed on.
    """

    def __init__(self, authorization: str | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.targets: list[str] = []
        self.urls: list[str] = []
        self._authorization = authorization
        self._listener = _Listener(("127.0.0.1", 0), self._handler())
        if tls is not None:
            self._listener.socket = tls.wrap_socket(self._listener.socket, server_side=True)
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.01,))

    @property
    def address(self) -> str:
        """``host:port`` of the proxy."""
        return f"127.0.0.1:{self._listener.server_address[1]}"

    def __enter__(self) -> HttpProxy:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()

    def _handler(self) -> type[socketserver.StreamRequestHandler]:
        proxy = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):
                    proxy._serve(self)

        return Handler

    def _serve(self, client: socketserver.StreamRequestHandler) -> None:
        request = client.rfile.readline().split()
        if not request:  # someone who only looked whether a proxy is there
            return
        method, target = request[0].decode(), request[1].decode()
        head = b"".join(iter(client.rfile.readline, b"\r\n")).decode()
        if self._authorization:
            given = re.search(r"^Proxy-Authorization: (.*)\r$", head, re.IGNORECASE | re.MULTILINE)
            if not given or given[1] != self._authorization:
                client.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
                return
        if method == "CONNECT":
            self._tunnel(client, target)
        else:
            self._pass_on(client, method, target, head)

    def _pass_on(
        self, client: socketserver.StreamRequestHandler, method: str, url: str, head: str
    ) -> None:
        """Serve one request; the connection ends with it."""
        self.urls.append(url)
        parts = urlsplit(url)
        target = urlunsplit(("", "", parts.path, parts.query, ""))
        with socket.create_connection((parts.hostname, parts.port or 80)) as server:
            request = f"{method} {target} HTTP/1.1\r\nconnection: close\r\n{head}\r\n"
            server.sendall(request.encode())
            _copy(server, client.connection)

    def _tunnel(self, client: socketserver.StreamRequestHandler, target: str) -> None:
        self.targets.append(target)
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as server:
            client.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_copy, args=(server, client.connection))
            back.start()
            _copy(client.connection, server)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
