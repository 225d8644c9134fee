"""The fault server: sockets and threads around the server without faults and the plan of faults."""

import contextlib
import dataclasses
import functools
import itertools
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.credentials import Credentials

from . import s3, signature
from .connection import Connection
from .errors import S3Error
from .fault import Fault, Serve
from .messages import Reply, Request
from .plan import Plan
from .script import Script
from .sockets import close_in_children
from .store import Store, StoredObject

if TYPE_CHECKING:
    from typing_extensions import Self


class _Listener(socketserver.ThreadingTCPServer):
    """Hands every accepted socket to `serve`, in a thread of its own."""

    request_queue_size = 1024

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        close_in_children(self.socket)
        self._serve = serve

    def finish_request(self, request: Any, client_address: Any) -> None:
        self._serve(request)


class FaultServer:
    """An S3 server on 127.0.0.1 whose every byte can be made wrong; use it in a ``with`` statement.

    Parameters
    ----------
    objects : Mapping[str, Mapping[str, bytes or StoredObject]]
        Content by bucket and key.
    checksum : str, optional
        Checksum algorithm of objects given as bytes: ``"CRC32"``, ``"CRC32C"``, ``"CRC64NVME"``,
        ``"SHA1"`` or ``"SHA256"``.
    credentials : Credentials, optional
        What requests must be signed with; by default signatures are not looked at.
    region : str
        The region requests must be signed for, and the one HeadBucket names.
    page_size : int
        Most entries in one page of a listing.
    tls : ssl.SSLContext, optional
        A server's context; with one, the server speaks TLS only.
    seed : int
        Seed of the fault plan.

    Attributes
    ----------
    store : Store
        The content, which may be changed at any time.
    faults : Plan
        The faults; empty at first.
    requests : list of Request
        Every request received so far, in order.
    """

    def __init__(
        self,
        objects: Mapping[str, Mapping[str, bytes | StoredObject]],
        *,
        checksum: str | None = None,
        credentials: Credentials | None = None,
        region: str = "us-east-1",
        page_size: int = 1000,
        tls: ssl.SSLContext | None = None,
        seed: int = 0,
    ) -> None:
        self.store = Store(
            objects,
            checksum=checksum,
            credentials=credentials,
            region=region,
            page_size=page_size,
        )
        self.faults: Plan[Request, Fault] = Plan(seed)
        self.requests: list[Request] = []
        self._tls = tls
        self._lock = threading.Lock()
        self._connection_numbers = itertools.count(1)
        self._open: set[Connection] = set()
        self._stopping = False
        self._listener = _Listener(self._serve)
        self._thread = threading.Thread(
            target=self._listener.serve_forever,
            kwargs={"poll_interval": 0.01},
            name="fault-server",
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._listener.server_address[1])

    @property
    def endpoint(self) -> str:
        """The URL to give to a client, without a trailing slash."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return len(self._open)

    def __enter__(self) -> "Self":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._listener.shutdown()
        with self._lock:
            self._stopping = True
            for connection in self._open:
                connection.interrupt()
        self._listener.server_close()  # joins the connections' threads
        self._thread.join()

    def _serve(self, sock: socket.socket) -> None:
        """Serve one connection until it ends."""
        # OSError: the client has left, or the server is being stopped.
        with (
            contextlib.suppress(OSError),
            contextlib.closing(Connection(sock, self._tls)) as connection,
            self._registered(connection) as number,
        ):
            while head := connection.read_head():
                request = self._record(head, number)
                body = connection.read_body(int(request.headers.get("content-length", "0")))
                if not self._respond(dataclasses.replace(request, body=body), connection):
                    break

    @contextlib.contextmanager
    def _registered(self, connection: Connection) -> Iterator[int]:
        """Let `connection` be interrupted when the server stops; give it a number."""
        with self._lock:
            self._open.add(connection)
            number = next(self._connection_numbers)
            if self._stopping:
                connection.interrupt()
        try:
            yield number
        finally:
            with self._lock:
                self._open.remove(connection)

    def _record(self, head: bytes, connection: int) -> Request:
        scheme = "https" if self._tls else "http"
        with self._lock:
            number = len(self.requests) + 1
            request = Request.parse(head, number, connection, time.monotonic(), scheme)
            self.requests.append(request)
        return request

    def _respond(self, request: Request, connection: Connection) -> bool:
        """Answer; return whether the connection is still open."""
        faults = self.faults.choose(request)
        reply = self._answer(request, faults)
        script = Script.of(reply, head_only=request.method == "HEAD")
        for fault in faults:
            script = fault.play(script)
        if not script.run(connection):
            return False
        return "close" not in (reply.headers.get("Connection"), request.headers.get("connection"))

    def _answer(self, request: Request, faults: list[Fault]) -> Reply:
        serve: Serve = functools.partial(self._answer_honestly, request)
        for fault in faults:
            serve = functools.partial(fault.answer, serve=serve, store=self.store)
        return serve(request)

    def _answer_honestly(self, original: Request, changed: Request) -> Reply:
        # A fault may change the request, but the signature is that of the client's request.
        try:
            signature.verify(original, self.store)
        except S3Error as error:
            return error.reply(original)
        return s3.answer(changed, self.store)
