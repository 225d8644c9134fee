"""A client's connection: reads and writes bytes, and ends in different ways."""

import contextlib
import socket
import ssl
import time

from .sockets import close_in_children, reset_on_close, undelivered


class Connection:
    """Blocking reads and writes on an accepted socket.

    Every method may raise OSError once the client has left or another thread has interrupted.

    Parameters
    ----------
    sock : socket.socket
        The accepted socket; the connection owns it.
    tls : ssl.SSLContext or None
        Speak TLS as the server; the handshake is made by the first read.
    """

    def __init__(self, sock: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = (
            tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False) if tls else sock
        )
        close_in_children(self._sock)
        self._received = bytearray()

    def read_head(self) -> bytes:
        """Return the next request's head; empty when the client has closed the connection."""
        while (end := self._received.find(b"\r\n\r\n")) < 0:
            data = self._sock.recv(65536)
            if not data:
                return b""
            self._received += data
        head = bytes(self._received[:end])
        del self._received[: end + 4]
        return head

    def read_body(self, size: int) -> bytes:
        """Return the `size` bytes that follow the head; fewer if the client leaves."""
        while len(self._received) < size:
            data = self._sock.recv(65536)
            if not data:
                break
            self._received += data
        body = bytes(self._received[:size])
        del self._received[:size]
        return body

    def send(self, data: bytes | memoryview) -> None:
        """Send all of `data`."""
        self._sock.sendall(data)

    def wait(self, seconds: float | None) -> None:
        """Return after `seconds` (None: never); ConnectionError as soon as the client leaves."""
        end = None if seconds is None else time.monotonic() + seconds
        while end is None or end > time.monotonic():
            self._sock.settimeout(None if end is None else max(end - time.monotonic(), 1e-3))
            try:
                data = self._sock.recv(65536)
            except TimeoutError:
                break
            if not data:
                raise ConnectionError("the client has left")
            self._received += data
        self._sock.settimeout(None)

    def interrupt(self) -> None:
        """End every read and write under way; the only method for other threads."""
        # Not SSLSocket.shutdown(): that removes the TLS layer while another thread reads.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """End in order: close_notify in TLS, then FIN."""
        if isinstance(self._sock, ssl.SSLSocket):
            with contextlib.suppress(OSError):
                self._sock.setblocking(False)  # send close_notify without waiting for the answer
                self._sock.unwrap()
        self.cut()

    def cut(self) -> None:
        """End with a bare FIN, as when the server's process dies."""
        self.interrupt()
        self._sock.close()

    def reset(self) -> None:
        """End with RST, once the client has received everything sent so far."""
        # RST overtakes queued bytes, so timing would decide whether they are lost.
        while undelivered(self._sock):
            self.wait(1e-3)
        reset_on_close(self._sock)
        self._sock.close()
