"""How to reach a store: what the configurations of all stores have in common."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ._checks import check_count, check_flag, check_seconds
from ._proxy import bypasses_proxy, environment_proxy, normal_proxy
from ._redact import without_password
from .errors import ConfigError
from .tls import CaBundle, find_ca_bundle

_CONNECT_TIMEOUT_S = 5.0
_STALL_TIMEOUT_S = 20.0
# With the engine's backoff, this many attempts last more than half a minute.
_MAX_ATTEMPTS = 10
# Until an endpoint has answered, it is more likely wrong than busy.
_FIRST_CONTACT_S = 9.0
_MAX_COUNT = (1 << 31) - 1


@dataclass(frozen=True, kw_only=True)
class Connection:
    """How to reach a store, with all defaults filled in."""

    # As http[s]://host[:port][/path], without a slash at its end. For AWS itself the host has the
    # text {region} in place of the bucket's region.
    endpoint_url: str
    verify_tls: bool
    ca: CaBundle  # empty if no certificate is checked
    # PEM files for mutual TLS; empty if there are none.
    client_cert: str = ""
    client_key: str = ""
    # URL of the HTTP proxy, which may contain a password; empty to connect directly.
    proxy: str = field(repr=False)
    no_proxy: str  # hosts that bypass it, as in NO_PROXY
    connect_timeout: float  # seconds for making a connection, including its TLS handshake
    stall_timeout: float  # seconds without a byte after which a request fails
    max_attempts: int  # failed requests in a row after which a read fails
    # Seconds after which a request fails while the endpoint has never answered this process.
    first_contact: float

    def proxy_for(self, url: str) -> str:
        """Return the proxy to use for a URL; empty to connect directly."""
        bypasses = bool(self.proxy and self.no_proxy) and bypasses_proxy(self.no_proxy, url)
        return "" if bypasses else self.proxy


@dataclass(frozen=True, kw_only=True, repr=False)
class StoreConfig:
    """The options that all stores have. The subclasses describe them."""

    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    proxy: str | None = field(default=None, repr=False)
    connect_timeout: float | None = None
    stall_timeout: float | None = None
    max_attempts: int | None = None

    def __post_init__(self) -> None:
        for option in fields(self):
            check = _CHECKS.get(str(option.type).removesuffix(" | None"))
            value = getattr(self, option.name)
            if check is not None and (value is not None or option.default is not None):
                object.__setattr__(self, option.name, check(option.name, value))
        if self.max_attempts is not None:
            attempts = check_count("max_attempts", self.max_attempts, minimum=1, maximum=_MAX_COUNT)
            object.__setattr__(self, "max_attempts", attempts)
        if self.proxy:
            normal_proxy("proxy", self.proxy)

    def __repr__(self) -> str:
        """Show the options that differ from their defaults, without secrets."""
        given = [option for option in fields(self) if getattr(self, option.name) != option.default]
        values = (_shown(getattr(self, option.name)) if option.repr else "..." for option in given)
        shown = (f"{option.name}={value}" for option, value in zip(given, values, strict=True))
        return f"{type(self).__name__}({', '.join(shown)})"

    def _connection(
        self,
        endpoint_url: str,
        *,
        verify_tls: bool,
        ca_settings: Sequence[tuple[str, str | None]],
        client_cert: str | None = None,
        client_key: str | None = None,
        connect_timeout: float | None = None,
        stall_timeout: float | None = None,
        max_attempts: int | None = None,
    ) -> Connection:
        """Fill in each option: as given, else from the environment (passed here), else default."""
        patience = (self.connect_timeout, connect_timeout, self.stall_timeout, stall_timeout)
        given = self.proxy is not None
        proxy, no_proxy = (
            (normal_proxy("proxy", self.proxy or ""), "")
            if given
            else environment_proxy(endpoint_url)
        )
        uses_tls = any(url.startswith("https:") for url in (endpoint_url, proxy))
        checked = verify_tls and uses_tls
        cert = (self.client_cert or client_cert or "") if uses_tls else ""
        key = (self.client_key or client_key or cert) if cert else ""
        for name, file in (("client_cert", cert), ("client_key", key)):
            if file and not Path(file).is_file():
                raise ConfigError(f"There is no file {file}, which {name} or its variable names.")
        return Connection(
            endpoint_url=endpoint_url,
            verify_tls=verify_tls,
            ca=find_ca_bundle([("ca_file", self.ca_file), *ca_settings]) if checked else CaBundle(),
            client_cert=cert,
            client_key=key,
            proxy=proxy,
            no_proxy=no_proxy,
            connect_timeout=self.connect_timeout or connect_timeout or _CONNECT_TIMEOUT_S,
            stall_timeout=self.stall_timeout or stall_timeout or _STALL_TIMEOUT_S,
            max_attempts=self.max_attempts or max_attempts or _MAX_ATTEMPTS,
            first_contact=max(_FIRST_CONTACT_S, *(seconds or 0.0 for seconds in patience)),
        )


def _text(name: str, value: object) -> str:
    """Return a text, or a path as text. The error does not show the value: it may be a secret."""
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(text, str):
        raise ConfigError(f"{name} must be a str, not {type(value).__name__}.")
    return text


# By the declared type of an option.
_CHECKS: dict[str, Callable[[str, Any], object]] = {
    "str": _text,
    "bool": check_flag,
    "float": check_seconds,
}


def _shown(value: object) -> str:
    """Show the value of an option; a callable may hold secrets."""
    return "<callable>" if callable(value) else repr(value)


def is_loopback(host: str) -> bool:
    """Whether requests to a host stay on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def normal_endpoint(name: str, value: str, default_scheme: str) -> str:
    """Normalise ``[http[s]://]host[:port][/path]``: with a scheme, without a slash at the end.

    `name` is the option or variable that it came from, for the error.
    """
    url = value if "://" in value else f"{default_scheme}://{value}"
    parts = None
    well_formed = False
    with suppress(ValueError):  # an open bracket, a port that is no number
        parts = urlsplit(url)
        well_formed = (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and not re.search(r"[\s\x00-\x1f\x7f?#@{}\ud800-\udfff]", url)
        )
    if parts is None or not well_formed:
        shown = re.sub(r"\?.*", "?...", without_password(url), flags=re.DOTALL)  # it may be signed
        raise ConfigError(f"{name} does not have the form http[s]://host[:port][/path]: {shown!r}.")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"
