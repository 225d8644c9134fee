"""The checks from an ``ais://`` URL to the bytes of an object."""

from __future__ import annotations

import base64
import dataclasses
import http.client
import json
import time
from contextlib import closing
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from ... import _engine
from ..._ais import AISStore
from ..._connection import Connection
from ..._env import env_text
from ...ais_config import AISConfig
from ...url import ObjectUrl
from ..output import human_size
from . import tls
from .chain import Broken, Link, NotNeeded
from .network import Route

# Settings that are not secret.
_SHOWN_VARIABLES = (
    "AIS_ENDPOINT",
    "AIS_AUTHN_TOKEN_FILE",
    "AIS_SKIP_VERIFY_CRT",
    "AIS_SKIP_VERIFY",
    "AIS_CLIENT_CA",
    "AIS_CRT",
    "AIS_CRT_KEY",
    "AIS_CONNECT_TIMEOUT",
    "AIS_READ_TIMEOUT",
    "NO_PROXY",
)
# A person is waiting.
_MAX_ATTEMPTS = 3
_TIMEOUT_S = 5.0
_MAX_READ = 1 << 20
_MAX_LOCATED = 200  # objects, in search of one for each target


class AISDoctor:
    """Checks step by step. Each check needs the results of those before it."""

    _connection: Connection
    _token: str | None = None
    _targets: dict[str, str]  # URL by id
    _samples: dict[str, ObjectUrl]  # by target; "through the gateway" where those are unknown

    def __init__(self, url: str, config: AISConfig) -> None:
        self._url = url
        bucket, _, self._root = _engine.ext.parse_ais_url(url)
        self._provider, self._namespace, self._bucket = bucket.split("/", 2)
        self._config = dataclasses.replace(config, max_attempts=_MAX_ATTEMPTS)
        self._store = AISStore(self._config)
        self._route = Route("--url", "AIS_CLIENT_CA")

    def links(self) -> list[Link]:
        """Return the checks, in order."""
        return [
            ("configuration", self._configure),
            ("gateway", self._find_gateway),
            ("token", self._find_token),
            *self._route.links(),
            ("version", self._ask_version),
            ("map", self._ask_map),
            ("targets", self._reach_targets),
            ("bucket", self._ask_bucket),
            ("list", self._list),
            ("direct", self._read_directly),
            ("read", self._read),
        ]

    def close(self) -> None:
        """Close the connection."""
        self._route.close()

    def _configure(self) -> str:
        variables = [f"{name}={value}" for name in _SHOWN_VARIABLES if (value := env_text(name))]
        return "\n".join(variables) or "nothing in the environment"

    def _find_gateway(self) -> str:
        self._connection = self._config.resolve()
        self._route.lead_to(f"{self._connection.endpoint_url}/v1/health", self._connection)
        return self._connection.endpoint_url

    def _find_token(self) -> str:
        found = self._config.credentials_provider().get()
        if found is None or not found.session_token:
            return "none, which is enough for a cluster without AuthN"
        self._token = found.session_token
        expiry = _expiry_of(self._token)
        if expiry is None:
            return f"from {found.source}"
        if expiry < datetime.now(timezone.utc):
            raise Broken(
                f"from {found.source}, expired at {expiry:%Y-%m-%d %H:%M %Z}",
                "Get a new one from the AuthN server.",
            )
        return f"from {found.source}, until {expiry:%Y-%m-%d %H:%M %Z}"

    def _ask_version(self) -> str:
        status, _, body = self._ask("GET", "/v1/daemon?what=software_version")
        if status != http.client.OK:
            raise NotNeeded(f"the cluster does not say (HTTP {status})")
        return f"AIStore {body.decode(errors='replace').strip()}"

    def _ask_map(self) -> str:
        self._targets = {}
        status, _, body = self._ask("GET", "/v1/daemon?what=smap")
        if status == http.client.FORBIDDEN:
            return (
                "this token may not see it, because it lacks the right SHOW-CLUSTER: every read"
                " goes through the gateway, and an object of a lost target looks like one that"
                " does not exist"
            )
        if status != http.client.OK:
            raise _refused(status, body)
        smap = json.loads(body)
        self._targets = {
            name: node["public_net"]["direct_url"] for name, node in smap["tmap"].items()
        }
        if not self._targets:
            raise Broken(
                "the cluster has no targets", "Start its targets, and wait until they join."
            )
        return (
            f"version {smap['version']}, targets: {', '.join(self._targets)};"
            f" gateways: {', '.join(smap['pmap'])}"
        )

    def _reach_targets(self) -> str:
        if not self._targets:
            raise NotNeeded("unknown")
        lines, unreachable = [], []
        for name, url in self._targets.items():
            begin = time.perf_counter()
            try:
                status, _, _ = self._ask("GET", "/v1/health", url)
            except (OSError, http.client.HTTPException) as error:
                unreachable.append(f"{name} at {url}: {error}")
            else:
                duration = (time.perf_counter() - begin) * 1000
                lines.append(f"{name} at {url}: HTTP {status} in {duration:.0f} ms")
        if unreachable:
            raise Broken(
                "\n".join(unreachable + lines),
                "Targets answer clients directly, at their addresses in the cluster map"
                " (host_net.hostname in their configuration): make those reachable from here.",
            )
        return "\n".join(lines)

    def _ask_bucket(self) -> str:
        status, headers, _ = self._ask("HEAD", f"/v1/buckets/{self._bucket}?{self._query}")
        if status != http.client.OK:
            raise _refused(status, (headers.get("Hdr-Error") or "").encode())
        props = json.loads(headers["Ais-Bucket-Props"])
        facts = [f"checksum {props['checksum']['type']}"]
        facts += [name for name in ("versioning", "mirror", "ec") if props[name]["enabled"]]
        return f"{self._root[:-1]}: {', '.join(facts)}"

    def _list(self) -> str:
        with closing(self._store.list(self._url)) as pages:
            listed = next(pages, [])
        self._samples = self._one_of_each_target(listed) if listed else {}
        if not listed:
            return f"allowed; nothing begins with {self._url}"
        return f"allowed; objects on the first page: {len(listed):,}"

    def _read_directly(self) -> str:
        found = [(name, url) for name, url in self._samples.items() if name in self._targets]
        if not found:
            raise NotNeeded("no known target, or no object to read")
        name, url = found[0]
        status, _, _ = self._ask("HEAD", self._object(url), self._targets[name])
        if status == http.client.OK:
            return "allowed: reads do not go through the gateway"
        if status in (http.client.UNAUTHORIZED, http.client.FORBIDDEN):
            return f"refused (HTTP {status}): every read goes through the gateway"
        return f"{name} answers HTTP {status}, so reads go through the gateway"

    def _read(self) -> str:
        if not self._samples:
            raise NotNeeded("no object to read")
        lines = []
        for name, url in self._samples.items():
            begin = time.perf_counter()
            with self._store.open(url) as reader:
                size = len(reader.read(_MAX_READ))
            duration = (time.perf_counter() - begin) * 1000
            lines.append(f"{name}: {url}, {human_size(size)} in {duration:.0f} ms")
        return "\n".join(lines)

    def _one_of_each_target(self, listed: list[ObjectUrl]) -> dict[str, ObjectUrl]:
        """Find one object of each target, among the smallest on the first page."""
        smallest = sorted(listed, key=lambda url: url.size or 0)
        names = {urlsplit(url).netloc: name for name, url in self._targets.items()}
        if not names:
            return {"through the gateway": smallest[0]}
        found: dict[str, ObjectUrl] = {}
        for url in smallest[:_MAX_LOCATED]:
            _, headers, _ = self._ask("HEAD", self._object(url))
            place = urlsplit(headers.get("Location") or "").netloc
            found.setdefault(names.get(place, place), url)
            if len(found) == len(names):
                break
        return found

    def _object(self, url: str) -> str:
        path = quote(url.removeprefix(self._root), errors="surrogateescape")
        return f"/v1/objects/{self._bucket}/{path}?{self._query}"

    @property
    def _query(self) -> str:
        query = {"provider": self._provider}
        if self._namespace != "@#":
            query["namespace"] = self._namespace
        return urlencode(query)

    def _ask(
        self, method: str, path: str, server_url: str | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Send a request to the gateway or to `server_url`; return status, headers and body.

        Only the gateway gets the token.
        """
        url = urlsplit(server_url or self._connection.endpoint_url)
        host, port = url.hostname or "", url.port
        client: http.client.HTTPConnection
        if url.scheme == "https":
            context = tls.context_for(self._connection)
            client = http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_S, context=context)
        else:
            client = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
        headers = {}
        if self._token and server_url is None:
            headers["Authorization"] = f"Bearer {self._token}"
        with closing(client):
            client.request(method, path, headers=headers)
            reply = client.getresponse()
            return reply.status, reply.msg, reply.read()


def _expiry_of(token: str) -> datetime | None:
    """Read when a JSON Web Token expires; None if it does not say."""
    try:
        payload = token.split(".")[1]
        claims: Any = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(claims["exp"], timezone.utc)
    except (ValueError, LookupError, TypeError):
        return None


def _refused(status: int, body: bytes) -> Broken:
    try:
        message = str(json.loads(body)["message"])
    except (ValueError, LookupError, TypeError):
        message = body[:200].decode(errors="replace")
    remedies: dict[int, str] = {
        401: "Give the cluster a valid token with --token-file or AIS_AUTHN_TOKEN.",
        403: "Ask the cluster's administrator for a token that may do this.",
        404: "Check the bucket's name, provider and namespace.",
    }
    remedy = remedies.get(status, "Check that --url is a gateway of an AIStore cluster.")
    return Broken(f"HTTP {status}: {message}", remedy)
