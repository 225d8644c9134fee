"""A TCP proxy with latency, outages and faults at exact bytes, for any server."""

import asyncio
import contextlib
import selectors
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from .plan import Plan
from .sockets import close_in_children, reset_on_close, undelivered
from .stream import Link, LinkBrokenError, StreamFault

_READ_SIZE = 1 << 18
_CHUNKS_IN_FLIGHT = 1024  # per direction; limits the memory for bytes that latency delays

T = TypeVar("T")


class FaultProxy:
    """A proxy on 127.0.0.1 in front of one server; use it in a ``with`` statement.

    It passes bytes and knows no protocol, so TLS goes through it as well. A client that closes its
    sending side only is taken to have left.

    Parameters
    ----------
    host, port : str, int
        The server.
    latency_to_server, latency_to_client : float
        Seconds every byte is under way in that direction; bandwidth is not limited.
    seed : int
        Seed of the fault plan.

    Attributes
    ----------
    faults : Plan
        The faults, chosen for each connection when it is made; empty at first.
    port : int
        The port it listens on.
    connections : int
        How many connections it has accepted.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        latency_to_server: float = 0.0,
        latency_to_client: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.faults: Plan[Link, StreamFault] = Plan(seed)
        self.port = 0
        self.connections = 0
        self._upstream = (host, port)
        self._latency_to_server = latency_to_server
        self._latency_to_client = latency_to_client
        self._tasks: set[asyncio.Task[None]] = set()  # the listener and the links
        # epoll rounds a latency up to whole milliseconds, select() does not.
        self._loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy")

    def __enter__(self) -> "FaultProxy":
        self._thread.start()
        self.accept()
        return self

    def __exit__(self, *exception: object) -> None:
        self.refuse()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def endpoint(self) -> str:
        """The URL to give to a client of a plain HTTP server, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    def accept(self) -> None:
        """Accept connections, on the same port as before."""
        self._call(self._accept())

    def refuse(self) -> None:
        """Refuse connections and reset the open ones, as if the server had died."""
        self._call(self._refuse())

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _accept(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port), backlog=1024)
        listener.setblocking(False)
        close_in_children(listener)
        self.port = listener.getsockname()[1]
        self._start(self._listen(listener))

    async def _refuse(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self, listener: socket.socket) -> None:
        with listener:
            while True:
                sock, _ = await self._loop.sock_accept(listener)
                close_in_children(sock)
                self.connections += 1
                self._start(self._serve(Link(self.connections), sock))

    async def _serve(self, link: Link, sock: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=sock, limit=_READ_SIZE)
        client = _Sender(writer, self.faults.choose(link))
        reset = True
        try:
            server_reader, server_writer = await asyncio.open_connection(
                *self._upstream, limit=_READ_SIZE
            )
            with contextlib.closing(server_writer):
                server = _Sender(server_writer, [])
                await _until_first(
                    _pump(reader, server.send, self._latency_to_server),
                    _pump(server_reader, client.send, self._latency_to_client),
                )
            reset = False
        except LinkBrokenError as end:
            reset = end.reset
            while reset and not writer.is_closing() and undelivered(sock):
                await asyncio.sleep(1e-4)
        except OSError:
            pass  # the server refused, or one side has reset its connection
        finally:
            if reset and not writer.is_closing():
                reset_on_close(sock)
                writer.transport.abort()
            writer.close()


class _Sender:
    """Sends the bytes of one direction, with its faults."""

    def __init__(self, writer: asyncio.StreamWriter, faults: list[StreamFault]) -> None:
        writer.transport.set_write_buffer_limits(0)  # drain() leaves nothing in this process
        self._writer = writer
        self._faults = sorted(faults, key=lambda fault: fault.offset)
        self._position = 0

    async def send(self, data: bytes) -> None:
        while self._faults and self._faults[0].offset < self._position + len(data):
            fault = self._faults.pop(0)
            before = fault.offset - self._position
            await self._write(data[:before])
            data = await fault.strike(data[before:])
        await self._write(data)

    async def _write(self, data: bytes) -> None:
        self._position += len(data)
        self._writer.write(data)
        await self._writer.drain()


async def _pump(
    reader: asyncio.StreamReader, send: Callable[[bytes], Awaitable[None]], latency: float
) -> None:
    """Forward the bytes of `reader`, each piece `latency` seconds after it came, until the end."""
    loop = asyncio.get_running_loop()
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_CHUNKS_IN_FLIGHT)

    async def receive() -> None:
        data = b"not yet the end"
        while data:
            try:
                data = await reader.read(_READ_SIZE)
            except OSError:
                data = b""
            await under_way.put((loop.time() + latency, data))

    receiving = loop.create_task(receive())
    try:
        while True:
            due, data = await under_way.get()
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            if not data:
                return
            await send(data)
    finally:
        receiving.cancel()
        await asyncio.wait([receiving])


async def _until_first(*coroutines: Coroutine[Any, Any, None]) -> None:
    """Run them until one of them ends, and cancel the others."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
