"""The proxy that the environment or an option names, and the hosts that bypass it."""

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
    """Normalise the URL of a proxy, whose password may have any character.

    Parameters
    ----------
    name : str
        The option or variable that it came from, for the error.
    value : str
        ``[scheme://][user[:password]@]host[:port]``; user and password may be percent-encoded or
        not. Empty: no proxy.

    Returns
    -------
    str
        The URL, with user and password percent-encoded.

    Raises
    ------
    ConfigError
        `value` is anything else. The error does not show it, because it may have a password.
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
    # The second form is sent.
    keep_secret(password, base64.b64encode(plain.encode()).decode())
    escapes = re.compile(r"(%[0-9A-Fa-f]{2})")
    parts = [
        "".join(p if escapes.fullmatch(p) else quote(p, safe="") for p in escapes.split(text))
        for text in (user, password)
    ]
    return colon.join(parts) if colon else parts[0]


def environment_proxy(endpoint_url: str) -> str:
    """Return the proxy that the environment names for a URL; empty for none.

    The system settings of macOS and Windows are not used: reading them on macOS after a fork
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
    """Tell whether requests for a URL bypass the proxy, by curl's rules for ``NO_PROXY``.

    Parameters
    ----------
    no_proxy : str
        Entries separated by commas or spaces. ``*`` means every host. A name means that host and
        all hosts below it, with or without a leading dot. An address means itself (IPv6 with or
        without brackets), and address/bits a network. An entry with ``:port``, which curl does not
        have, means only that port.
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
    except ValueError:  # it is a name, or has too many bits
        return False
