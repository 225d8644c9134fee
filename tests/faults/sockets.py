"""Functions that end a connection at an exact byte, even if another process holds its socket."""

import os
import socket
import struct
import sys
import weakref

_inherited: "weakref.WeakSet[socket.socket]" = weakref.WeakSet()


def close_in_children(sock: socket.socket) -> None:
    """Let no forked process keep `sock` open: neither RST nor the port's release would happen."""
    _inherited.add(sock)


def _close_inherited() -> None:
    for sock in _inherited:
        sock.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_inherited)

if sys.platform == "linux":
    import fcntl
    import termios

    def undelivered(sock: socket.socket) -> int:
        """Return how many of the bytes sent the other side's kernel has not yet acknowledged."""
        count = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
        return int(struct.unpack("i", count)[0])

else:

    def undelivered(sock: socket.socket) -> int:
        """Return 0: only Linux tells; elsewhere a reset may overtake the bytes before it."""
        return 0


def reset_on_close(sock: socket.socket) -> None:
    """Make the coming close() send RST instead of FIN."""
    linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
