"""What it takes to reset a connection at an exact byte."""

import socket
import struct
import sys

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
