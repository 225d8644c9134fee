"""AIStore: a cluster of one gateway and three targets, as a store of the demo."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..ais_config import AISConfig
from .local import free_ports, http_status, running, wait_until

_BUCKET = "demo"
_TARGETS = 3


class AIStoreStore:
    """An empty bucket in a cluster of our own."""

    name = "AIStore"  # in the table

    def __init__(self, port: int) -> None:
        self._port = port
        self.config = AISConfig(endpoint_url=f"http://127.0.0.1:{port}", proxy="")
        message = json.dumps({"action": "create-bck"})
        self._ask(port, "POST", f"/v1/buckets/{_BUCKET}", message.encode())

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[AIStoreStore]:
        """Start a cluster on free ports of this machine, and remove all of it at the end."""
        with _cluster(_find_program()) as port:
            yield cls(port)

    def put(self, key: str, data: bytes) -> None:
        """Store an object; threads may do so at once."""
        path = f"/v1/objects/{_BUCKET}/{key}?provider=ais"
        # The gateway says which target takes the bytes.
        target = urlsplit(self._ask(self._port, "PUT", path, b"") or "")
        self._ask(target.port or 0, "PUT", f"{target.path}?{target.query}", data)

    def url(self, key: str) -> str:
        """Return the URL of an object, or of what begins with `key`."""
        return f"ais://{_BUCKET}/{key}"

    def _ask(self, port: int, method: str, path: str, body: bytes) -> str | None:
        """Send a request, and return the address of its redirect."""
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            connection.request(method, path, body)
            reply = connection.getresponse()
            if reply.status >= HTTPStatus.BAD_REQUEST:
                raise OSError(f"AIStore: {method} {path}: HTTP {reply.status}")
            return reply.getheader("Location")


def _find_program() -> Path:
    """Find ``aisnode``: named, installed by the tests' servers, or in the PATH."""
    cache = Path(os.environ.get("OBJECTPIPES_CACHE") or Path.home() / ".cache" / "objectpipes")
    named = os.environ.get("AISNODE_BIN") or shutil.which("aisnode")
    found = [Path(named)] if named else sorted(cache.glob("servers/aistore-*/aisnode"))
    if not found:
        raise FileNotFoundError(
            "the program aisnode is missing: with Go, `scripts/servers install aistore` builds it"
        )
    return found[-1]


@contextmanager
def _cluster(program: Path) -> Iterator[int]:
    """Run a cluster as long as the block; yield the port of its gateway."""
    with ExitStack() as cleanup:
        directory = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="objectpipes-")))
        ports = free_ports(2 * (1 + _TARGETS))
        gateway = ports[0]
        common = directory / "cluster.json"
        common.write_text(json.dumps(_cluster_configuration(f"http://127.0.0.1:{gateway}")))

        def start(number: int, port: int, cluster_port: int) -> Callable[[str], None]:
            """Start a node; return who waits until it answers to a path."""
            role = ["-role=target"] if number else ["-role=proxy", f"-ntargets={_TARGETS}"]
            name = f"DemoNode{number}"
            home = directory / name
            (home / "data").mkdir(parents=True)
            local = home / "node.json"
            local.write_text(json.dumps(_node_configuration(home, port, cluster_port)))
            files = [f"-config={common}", f"-local_config={local}"]
            command = [str(program), *role, "-skip_startup", *files]
            log = home / "log"
            process = cleanup.enter_context(running(command, log, {"AIS_DAEMON_ID": name}))
            return lambda path: wait_until(
                lambda: http_status(port, path) == HTTPStatus.OK, process, log, "AIStore"
            )

        nodes = list(zip(range(1 + _TARGETS), ports[::2], ports[1::2], strict=True))
        # A target that is not answered when it wants to join waits for five seconds, and a bucket
        # that is made before the targets are ready never takes an object.
        start(*nodes[0])("/v1/health")
        for wait in [start(*target) for target in nodes[1:]]:
            wait("/v1/health?readiness=true")
        yield gateway


def _cluster_configuration(gateway_url: str) -> dict[str, Any]:
    """Return the sections that AIStore has no defaults for, and one against full disks."""
    return {
        "backend": {},
        "auth": {},
        "proxy": {"primary_url": gateway_url, "original_url": gateway_url},
        "net": {"l4": {"proto": "tcp"}, "http": {}},
        "timeout": {
            "cplane_operation": "2s",
            "max_keepalive": "5s",
            "cold_get_conflict": "5s",
            "max_host_busy": "20s",
            "startup_time": "30s",
            "join_startup_time": "60s",
            "send_file_time": "5m",
            "ec_streams_time": "10m",
            "object_md": "2h",
        },
        "space": {"cleanupwm": 97, "lowwm": 98, "highwm": 99, "out_of_space": 100},
        "log": {"level": "3", "to_stderr": True},
    }


def _node_configuration(home: Path, port: int, cluster_port: int) -> dict[str, Any]:
    return {
        "confdir": str(home),
        "log_dir": str(home),
        "host_net": {
            "hostname": "127.0.0.1",
            "hostname_intra_control": "127.0.0.1",
            "hostname_intra_data": "127.0.0.1",
            "port": str(port),
            "port_intra_control": str(cluster_port),
            "port_intra_data": str(cluster_port),
        },
        "fspaths": {},
        "test_fspaths": {"root": str(home / "data"), "count": 1, "instance": 1},
    }
