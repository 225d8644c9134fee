"""Free TCP ports on this machine."""

import random
import socket

# Below the ports that systems give to outgoing connections: a server that is killed and started
# again must not find its port in use by a client.
_PORTS = range(20_000, 32_768)

_given: set[int] = set()


def free_ports(count: int) -> list[int]:
    """Return `count` ports that nobody listens on and that were not returned before.

    They are drawn at random, so that several runs on one machine rarely want the same one.
    """
    draw = random.SystemRandom()  # never the generator that a test has seeded
    ports: list[int] = []
    while len(ports) < count:
        port = draw.choice(_PORTS)
        if port not in _given and _is_free(port):
            _given.add(port)
            ports.append(port)
    return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
