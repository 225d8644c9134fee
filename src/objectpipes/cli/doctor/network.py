"""Checks the way to a server: its name, the connection, the proxy, TLS, its reply, its clock.

It uses Python's own sockets, step by step. The engine could tell only where the way ends.
"""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import time
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, unquote, urlsplit

from ..._connection import Connection
from . import tls
from .chain import Broken, Link, NotNeeded

_TIMEOUT_S = 5.0
_DEFAULT_PORTS = {"http": 80, "https": 443}  # others are proxies that speak SOCKS, at 1080
# With a larger difference, servers refuse signatures.
_MAX_CLOCK_DIFFERENCE_S = 15 * 60


class Route:
    """One connection to a server, made step by step.

    The remedies mention the option that names another server, and the variable that names
    certificate authorities.
    """

    reply: http.client.HTTPResponse | None = None  # once the server was asked
    _url: SplitResult
    _connection: Connection
    _proxy: SplitResult | None = None
    _first_hop: tuple[str, int]
    _socket: socket.socket | None = None

    def __init__(self, endpoint_option: str, ca_variable: str) -> None:
        self._endpoint_option = endpoint_option
        self._ca_variable = ca_variable

    def lead_to(self, url: str, connection: Connection) -> None:
        """Set where to go, before the first step: the URL of something that HEAD may request."""
        self._url = urlsplit(url)
        self._connection = connection
        self._first_hop = self._address
        if proxy := connection.proxy_for(url):
            self._proxy = urlsplit(proxy)
            self._first_hop = _address_of(self._proxy)

    def links(self) -> list[Link]:
        """Return the steps, in order."""
        return [
            ("DNS", self._resolve),
            ("TCP", self._connect),
            ("proxy", self._pass_proxy),
            ("TLS", self._secure),
            ("server", self._ask),
            ("clock", self._compare_clocks),
        ]

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _resolve(self) -> str:
        host, port = self._first_hop
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Broken(
                f"{host}: {_reason(error)}",
                f"Check the host in {self._hop_option} and this machine's DNS (/etc/resolv.conf).",
            ) from error
        addresses = dict.fromkeys(str(address[0]) for *_, address in found)
        if host in addresses:
            raise NotNeeded(f"{host} is an address")
        return f"{host} resolves to {', '.join(addresses)}"

    def _connect(self) -> str:
        host, port = self._first_hop
        begin = time.perf_counter()
        try:
            self._socket = socket.create_connection(self._first_hop, _TIMEOUT_S)
        except OSError as error:
            raise Broken(
                f"{host} port {port}: {_reason(error)}",
                f"Check host and port in {self._hop_option}, that the server is up, and that no"
                " firewall is in the way. If you need a proxy, set HTTPS_PROXY or HTTP_PROXY.",
            ) from error
        return f"{host} port {port}, connected in {_milliseconds_since(begin)}"

    def _pass_proxy(self) -> str:
        if self._proxy is None:
            raise NotNeeded("none configured")
        if self._proxy.scheme == "http" and self._url.scheme == "http":
            return f"{self._proxy.hostname} handles http:// URLs"
        self.close()
        if self._proxy.scheme != "http":
            raise NotNeeded(f"not checked: only the engine supports {self._proxy.scheme} proxies")
        try:
            self._socket = self._open()
        except (OSError, http.client.HTTPException) as error:
            raise Broken(
                _reason(error),
                "Check the proxy in HTTPS_PROXY. With a user and a password, write"
                " http://user:password@host:port. To bypass the proxy, name the store's host in"
                " NO_PROXY.",
            ) from error
        return f"{self._proxy.hostname} connects to {self._address[0]}"

    def _secure(self) -> str:
        if self._url.scheme == "http":
            raise NotNeeded("the endpoint is http://")
        host = self._address[0]
        try:
            context = tls.context_for(self._connection)
        except OSError as error:
            raise Broken(
                f"{self._authorities}: {_reason(error)}",
                f"Name a PEM file of certificates with --ca-file or {self._ca_variable}.",
            ) from error
        try:
            secured = context.wrap_socket(self._connected, server_hostname=host)
        except ssl.SSLCertVerificationError as error:
            certificate = tls.unverified_certificate(self._open, host)
            raise Broken(
                f"{error.verify_message}\n"
                f"issued by {tls.issuer(certificate)}, checked with {self._authorities}",
                tls.remedy(error, certificate, self._endpoint_option, self._ca_variable),
            ) from error
        except OSError as error:
            raise Broken(
                _reason(error),
                "Check that the server speaks TLS at this port. If it does not, write http:// in"
                f" {self._endpoint_option}.",
            ) from error
        self._socket = secured
        if not self._connection.verify_tls:
            return f"{secured.version()}; the certificate is not verified, as configured"
        return (
            f"{secured.version()}, certificate issued by {tls.issuer(secured.getpeercert())}\n"
            f"verified with {self._authorities}"
        )

    def _ask(self) -> str:
        client = http.client.HTTPConnection(*self._address, timeout=_TIMEOUT_S)
        client.sock = self._connected
        via_proxy = self._proxy is not None and self._url.scheme == "http"
        target = self._url.geturl() if via_proxy else self._url.path or "/"
        headers = {"Host": self._url.netloc, **(self._authorization if via_proxy else {})}
        begin = time.perf_counter()
        try:
            client.request("HEAD", target, headers=headers)
            self.reply = client.getresponse()
            self.reply.close()  # only its head is used, and it would keep the socket open
        except (OSError, http.client.HTTPException) as error:
            raise Broken(
                f"no HTTP reply: {_reason(error)}",
                "Check that an object store listens at this port. If it speaks TLS, write https://"
                f" in {self._endpoint_option}.",
            ) from error
        if self.reply.status == http.client.PROXY_AUTHENTICATION_REQUIRED:
            raise Broken(
                "HTTP 407 from the proxy",
                "The proxy needs a password: set HTTP_PROXY to http://user:password@host:port, or"
                " name the store's host in NO_PROXY.",
            )
        software = self.reply.getheader("Server")
        return (
            f"HTTP {self.reply.status} to an unsigned request, in {_milliseconds_since(begin)}"
            + (f", from {software}" if software else "")
        )

    def _compare_clocks(self) -> str:
        date = self.reply.getheader("Date") if self.reply else None
        if date is None:
            raise NotNeeded("the server does not send its time")
        ahead = time.time() - parsedate_to_datetime(date).timestamp()
        if abs(ahead) < 2:  # a Date has whole seconds
            return "agrees with the server's"
        difference = f"{abs(ahead):,.0f} s {'ahead of' if ahead > 0 else 'behind'} the server's"
        if abs(ahead) > _MAX_CLOCK_DIFFERENCE_S:
            difference += "; reads correct for it, but set this machine's clock (NTP)"
        return difference

    @property
    def _connected(self) -> socket.socket:
        if self._socket is None:
            raise NotNeeded("not checked through this proxy")
        return self._socket

    @property
    def _address(self) -> tuple[str, int]:
        return _address_of(self._url)

    def _open(self) -> socket.socket:
        """Make a new connection, through the proxy if there is one."""
        if self._proxy is None:
            return socket.create_connection(self._address, _TIMEOUT_S)
        tunnel = http.client.HTTPConnection(*self._first_hop, timeout=_TIMEOUT_S)
        tunnel.set_tunnel(*self._address, headers=self._authorization)
        try:
            tunnel.connect()
        except (OSError, http.client.HTTPException):
            tunnel.close()
            raise
        return tunnel.sock

    @property
    def _authorities(self) -> str:
        ca = self._connection.ca
        return f"{' and '.join(filter(None, (ca.file, ca.path)))} ({ca.source})"

    @property
    def _authorization(self) -> dict[str, str]:
        """The header with which the proxy accepts requests."""
        if self._proxy is None or self._proxy.username is None:
            return {}
        pair = f"{unquote(self._proxy.username)}:{unquote(self._proxy.password or '')}"
        return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    @property
    def _hop_option(self) -> str:
        return self._endpoint_option if self._proxy is None else "HTTPS_PROXY or HTTP_PROXY"


def _address_of(url: SplitResult) -> tuple[str, int]:
    return url.hostname or "", url.port or _DEFAULT_PORTS.get(url.scheme, 1080)


def _reason(error: Exception) -> str:
    """Describe an error, without numbers and module names."""
    if isinstance(error, TimeoutError):
        return f"no answer within {_TIMEOUT_S:.0f} s"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    text = error.strerror if isinstance(error, OSError) else None
    return text or str(error) or type(error).__name__


def _milliseconds_since(begin: float) -> str:
    return f"{(time.perf_counter() - begin) * 1000:.0f} ms"
