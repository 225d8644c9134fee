"""AIStore: a cluster of one proxy and several targets."""

import contextlib
import json
import signal
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import urllib3

from . import tokens
from .aistore_config import cluster_configuration, node_configuration
from .ports import free_ports
from .process import Process
from .programs import GoProgram
from .server import Server
from .tls import issue_certificate

# Properties of a bucket with two copies of each object on one target, and of one whose objects
# survive the loss of a target.
MIRRORED: Mapping[str, Any] = {"mirror": {"enabled": True, "copies": 2}}
ERASURE_CODED: Mapping[str, Any] = {
    "ec": {"enabled": True, "data_slices": 1, "parity_slices": 1, "objsize_limit": 262144}
}

_SIGNING_KEY = "a key for tests"


def _bucket_query(namespace: str) -> str:
    return "provider=ais" + (f"&namespace=%23{quote(namespace)}" if namespace else "")


class AIStoreError(Exception):
    """The cluster refused a request."""


class Node(Process):
    """A proxy or a target, with its data beside its log.

    Attributes
    ----------
    url : str
        Where clients reach it; `name` is what the cluster map calls it.
    """

    def __init__(
        self, name: str, url: str, program: Path, arguments: list[str], directory: Path
    ) -> None:
        super().__init__(name, program, arguments, directory, {"AIS_DAEMON_ID": name})
        self.url = url

    def pause(self) -> None:
        """Stop it from running: connections are accepted, and nothing comes back."""
        self.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it continue."""
        self.send(signal.SIGCONT)

    def restart(self) -> None:
        """Kill it and start it with the data it has; `AIStore.wait_ready` tells when it is back."""
        self.kill()
        self.start()


class AIStore(Server):
    """An AIStore cluster; nodes are killed, paused and restarted through `proxy` and `targets`.

    Parameters
    ----------
    targets : int
        How many targets there are.
    tls : bool
        Speak HTTPS, with a certificate from a private CA.
    auth : bool
        Ask for tokens.
    quick_failover : bool
        Take a dead node out of the cluster map after 3 s and a paused one after 13 s; in AIStore's
        own configuration both take 30 to 40 s.

    Attributes
    ----------
    proxy : Node
        The proxy, whose URL is the `endpoint`.
    targets : list[Node]
        The targets, dead ones too.
    """

    name = "aistore"
    program = GoProgram("aistore")
    start_timeout = 60.0
    stop_patience = 0.0  # nodes that are asked to end wait for each other; here they need not

    proxy: Node
    targets: list[Node]
    _program: Path

    def __init__(
        self,
        targets: int = 3,
        *,
        tls: bool = False,
        auth: bool = False,
        quick_failover: bool = False,
    ) -> None:
        super().__init__()
        self._target_count = targets
        self._tls = tls
        self._auth = auth
        self._quick_failover = quick_failover

    def create_bucket(
        self, bucket: str, props: Mapping[str, Any] | None = None, *, namespace: str = ""
    ) -> None:
        """Create a bucket of provider ``ais``, with properties such as ``{"ec": {...}}``."""
        message = {"action": "create-bck", "value": props or {}}
        self.request("POST", f"/v1/buckets/{bucket}?{_bucket_query(namespace)}", message)

    def put(self, bucket: str, name: str, data: bytes, *, namespace: str = "") -> None:
        """Store an object in a bucket of provider ``ais``."""
        self._change("PUT", bucket, name, data, namespace)

    def delete(self, bucket: str, name: str) -> None:
        """Delete an object of a bucket of provider ``ais``."""
        self._change("DELETE", bucket, name, b"", "")

    def _change(self, method: str, bucket: str, name: str, data: bytes, namespace: str) -> None:
        # Encoded, because urllib3 would resolve segments that are dots.
        path = f"/v1/objects/{bucket}/{quote(name)}".replace("/.", "/%2E")
        # The proxy wants no body, and does not quote the name in its Location.
        location = self.request(method, f"{path}?{_bucket_query(namespace)}").headers["Location"]
        origin = "/".join(location.split("/", 3)[:3])
        query = location.rpartition("?")[2]
        self._send(method, f"{origin}{path}?{query}", data)

    def smap(self) -> dict[str, Any]:
        """Return the cluster map, as the proxy has it."""
        smap: dict[str, Any] = self.request("GET", "/v1/daemon?what=smap").json()
        return smap

    def statistics(self) -> list[Counter[str]]:
        """Return the counters of every target, by AIStore's names for them."""
        asked = [self._send("GET", f"{t.url}/v1/daemon?what=node_stats", b"") for t in self.targets]
        return [Counter(reply.json()["tracker"]) for reply in asked]

    def request(self, method: str, path: str, message: Any = None) -> urllib3.BaseHTTPResponse:
        """Ask the proxy, as administrator; a redirect is returned, not followed.

        Parameters
        ----------
        method, path : str
            The request; the path with its query.
        message : Any, optional
            To send as JSON.

        Raises
        ------
        AIStoreError
            The status is 400 or more.
        urllib3.exceptions.HTTPError
            Nobody answered.
        """
        body = b"" if message is None else json.dumps(message).encode()
        return self._send(method, f"{self.endpoint}{path}", body)

    def wait_for_targets(self, count: int, timeout: float = 90.0) -> None:
        """Wait until the cluster map has this many targets.

        Raises
        ------
        TimeoutError
            It has another number after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while (known := len(self.smap()["tmap"])) != count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{known} targets in the map after {timeout:.0f} s, not {count}")
            time.sleep(0.1)

    def add_target(self) -> Node:
        """Start one more target; returns when it is ready."""
        target = self._new_target(len(self.targets) + 1)
        self.targets.append(target)
        self._launch(target)
        self.wait_ready()
        return target

    def restart(self) -> None:
        """Kill all nodes and start them with the data they have; returns when they are ready."""
        nodes = [self.proxy, *self.targets]
        for node in nodes:
            node.kill()
        for node in nodes:
            node.start()
        self.wait_ready()

    def mint_token(
        self,
        *,
        admin: bool = False,
        cluster: int | None = None,
        buckets: Mapping[str, int] | None = None,
        lifetime: float = 3600.0,
    ) -> str:
        """Return a token as the AuthN service would give it to a user.

        Permissions are sums of 1 GET, 2 HEAD, 256 HEAD of a bucket, 512 LIST, 4096 LIST of buckets,
        8192 cluster map.

        Parameters
        ----------
        admin : bool
            Permit everything.
        cluster : int, optional
            What is permitted on the cluster and all its buckets.
        buckets : Mapping[str, int], optional
            What is permitted on single buckets of provider ``ais``, by name.
        lifetime : float
            Seconds from now until it expires.
        """
        now = time.time()
        claims: dict[str, Any] = {"sub": "test", "iat": int(now), "exp": int(now + lifetime)}
        if admin:
            claims["admin"] = True
        if cluster is not None:
            claims["clusters"] = [{"id": self.smap()["uuid"], "perm": str(cluster)}]
        if buckets is not None:
            home = {"provider": "ais", "namespace": {"uuid": self.smap()["uuid"], "name": ""}}
            claims["buckets"] = [
                {"bck": {"name": name, **home}, "perm": str(perm)} for name, perm in buckets.items()
            ]
        return tokens.sign(claims, _SIGNING_KEY)

    def environment(self) -> Mapping[str, str]:
        variables = {"AIS_ENDPOINT": self.endpoint}
        if self.ca_file:
            variables["AIS_CLIENT_CA"] = str(self.ca_file)
        if self._auth:
            variables["AIS_AUTHN_TOKEN"] = self.mint_token(admin=True)
        return variables

    def _start(self, program: Path) -> None:
        self._program = program
        certificate = issue_certificate(self.directory / "certs") if self._tls else None
        self.ca_file = certificate.ca_file if certificate else None
        self.proxy = self._new_node("PrxNode0", ["-role=proxy", f"-ntargets={self._target_count}"])
        self.targets = [self._new_target(i + 1) for i in range(self._target_count)]
        self.endpoint = self.proxy.url
        configuration = cluster_configuration(
            self.endpoint,
            certificate=certificate,
            signing_key=_SIGNING_KEY if self._auth else None,
            quick_failover=self._quick_failover,
        )
        (self.directory / "ais.json").write_text(json.dumps(configuration))
        self._launch(self.proxy)
        # A target that is not answered at its first attempt to join waits for five seconds.
        self._wait_until(lambda: self._status(f"{self.proxy.url}/v1/health") == 200)
        for target in self.targets:
            self._launch(target)

    def _ready(self) -> bool:
        # Targets first: a bucket that is created before they are ready never takes an object.
        nodes = [*self.targets, self.proxy]
        if any(self._status(f"{node.url}/v1/health?readiness=true") != 200 for node in nodes):
            return False
        with contextlib.suppress(AIStoreError, urllib3.exceptions.HTTPError):
            return len(self.smap()["tmap"]) == len(self.targets)
        return False

    def _new_target(self, number: int) -> Node:
        return self._new_node(f"TgtNode{number}", ["-role=target"])

    def _new_node(self, name: str, role: list[str]) -> Node:
        directory = self.directory / name
        (directory / "data").mkdir(parents=True)
        port, cluster_port = free_ports(2)
        local = directory / "local.json"
        local.write_text(json.dumps(node_configuration(directory, port, cluster_port)))
        files = [f"-config={self.directory / 'ais.json'}", f"-local_config={local}"]
        scheme = "https" if self._tls else "http"
        arguments = [*role, "-skip_startup", *files]
        url = f"{scheme}://127.0.0.1:{port}"
        return Node(name, url, self._program, arguments, directory)

    def _send(self, method: str, url: str, body: bytes) -> urllib3.BaseHTTPResponse:
        headers = {}
        if self._auth:
            headers["Authorization"] = f"Bearer {self.mint_token(admin=True)}"
        reply = self._http.request(
            method, url, body=body, headers=headers, redirect=False, retries=False, timeout=60.0
        )
        if reply.status >= 400:
            raise AIStoreError(f"{method} {url}: {reply.status} {reply.data.decode()}")
        return reply
