"""The proxy that the environment or an option names, and the hosts that are reached without."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ._checks import check_text
from ._redact import keep_secret
from .errors import ConfigError

if TYPE_CHECKING:
    import ipaddress

    _Address = ipaddress.IPv4Address | ipaddress.IPv6Address

__all__ = ["environment_proxy", "goes_around_proxy", "normal_proxy"]

_FORM = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9]*)://)?(?:(?P<user>.*)@)?"
    r"(?P<host>\[[0-9a-f:.%]+\]|[^@/?#:\[\]\s]+)(?::(?P<port>\d{1,5}))?/?",
    re.IGNORECASE,
)
_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


def normal_proxy(name: str, value: str) -> str:
    """Write a proxy's URL so that its password can hold any character.

    Parameters
    ----------
    name : str
        The option or variable that it came from, for the error.
    value : str
        ``[scheme://][user[:password]@]host[:port]``; what is not percent-encoded in user and
        password is taken as it is. Empty: no proxy.

    Returns
    -------
    str
        The URL, with user and password percent-encoded.

    Raises
    ------
    ConfigError
        `value` is anything else. The error does not show it: it may hold a password.
    """
    if not value:
        return ""
    form = _FORM.fullmatch(check_text(f"The proxy in {name}", value))
    scheme = ((form and form["scheme"]) or "http").lower()
    if form is None or scheme not in _SCHEMES or int(form["port"] or 1) not in range(1, 65536):
        raise ConfigError(
            f"The proxy in {name} is not of the form [http://][user:password@]host[:port]."
        )
    where = f"{form['host']}:{form['port']}" if form["port"] else form["host"]
    if form["user"] is None:
        return f"{scheme}://{where}"
    return f"{scheme}://{_encoded(form['user'])}@{where}"


def _encoded(user_info: str) -> str:
    import base64
    from urllib.parse import quote, unquote

    user, colon, password = user_info.partition(":")
    plain = unquote(user) + ":" + unquote(password)
    # The second is what is sent.
    keep_secret(password, base64.b64encode(plain.encode()).decode())
    escapes = re.compile(r"(%[0-9A-Fa-f]{2})")
    parts = [
        "".join(p if escapes.fullmatch(p) else quote(p, safe="") for p in escapes.split(text))
        for text in (user, password)
    ]
    return colon.join(parts) if colon else parts[0]


def environment_proxy(endpoint_url: str) -> str:
    """Return the proxy that the environment has for a URL; empty for none.

    The system settings of macOS and Windows are left out: asking macOS for them after a fork
    crashes the process.

    Raises
    ------
    ConfigError
        The variable is malformed.
    """
    from urllib.request import getproxies_environment

    proxies = getproxies_environment()
    scheme = endpoint_url.partition("://")[0]
    proxy = proxies.get(scheme, "")
    if not proxy or goes_around_proxy(proxies.get("no", ""), endpoint_url):
        return ""
    return normal_proxy(f"{scheme.upper()}_PROXY", proxy)


def goes_around_proxy(no_proxy: str, url: str) -> bool:
    """Tell whether a URL is asked for directly, by curl's rules for ``NO_PROXY``.

    Parameters
    ----------
    no_proxy : str
        Entries with commas or blanks between them. ``*`` is every host; a name is that host and
        every one below it, with or without a dot in front; an address, an IPv6 one with or without
        brackets, is itself; address/bits is a network. With ``:port`` behind it, which curl lacks,
        an entry is that port only.
    url : str
        ``http[s]://host[:port]...``.
    """
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = _address(host)
    for entry in re.split(r"[,\s]+", no_proxy.lower()):
        if entry == "*":
            return True
        with_port = re.fullmatch(r"([^:]*|\[.*\]):(\d+)", entry)
        name = with_port[1] if with_port else entry
        if with_port and int(with_port[2]) != port:
            continue
        if address is not None:
            if _holds(name, address):
                return True
        elif (domain := name.strip(".")) and f".{host}".endswith(f".{domain}"):
            return True
    return False


def _address(host: str) -> _Address | None:
    import ipaddress

    try:
        return ipaddress.ip_address(host.partition("%")[0].strip("[]"))
    except ValueError:
        return None


def _holds(entry: str, address: _Address) -> bool:
    import ipaddress

    network, slash, bits = entry.partition("/")
    if slash and not bits.isdigit():
        return False
    try:
        return address in ipaddress.ip_network(network.strip("[]") + slash + bits, strict=False)
    except ValueError:  # a name, or too many bits
        return False
