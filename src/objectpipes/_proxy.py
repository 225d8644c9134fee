"""The proxy that the environment or an option names, and the hosts that bypass it."""

from __future__ import annotations

import base64
import re
from urllib.parse import quote, unquote, urlsplit

from . import _engine
from ._checks import check_text
from ._importing import importing
from ._redact import keep_secret
from .errors import ConfigError

_FORM = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9]*)://)?(?:(?P<user>.*)@)?"
    r"(?P<host>\[[0-9a-f:.%]+\]|[^@/?#:\[\]\s]+)(?::(?P<port>\d{1,5}))?/?",
    re.IGNORECASE,
)
_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


def normal_proxy(name: str, value: str) -> str:
    """Normalise the URL of a proxy, ``[scheme://][user[:password]@]host[:port]``; empty: no proxy.

    User and password may have any character, percent-encoded or not; afterwards they are encoded.
    `name` is the option or variable that it came from. The error does not show the password.
    """
    if not value:
        return ""
    form = _FORM.fullmatch(check_text(f"The proxy in {name}", value))
    scheme = ((form and form["scheme"]) or "http").lower()
    if form is None or scheme not in _SCHEMES or int(form["port"] or 1) not in range(1, 65536):
        raise ConfigError(
            f"The proxy in {name} does not have the form http://host:port. If the proxy needs a"
            " password, write user:password@ before the host."
        )
    where = f"{form['host']}:{form['port']}" if form["port"] else form["host"]
    if form["user"] is None:
        return f"{scheme}://{where}"
    return f"{scheme}://{_encoded(form['user'])}@{where}"


def _encoded(user_info: str) -> str:
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


def environment_proxy(endpoint_url: str) -> tuple[str, str]:
    """Return the proxy that the environment names for a scheme, and ``NO_PROXY``.

    The proxy is empty if there is none. The system settings of macOS and Windows are not used:
    reading them on macOS after a fork crashes the process.
    """
    with importing:
        from urllib.request import getproxies_environment

    proxies = getproxies_environment()
    scheme = endpoint_url.partition("://")[0]
    proxy, no_proxy = proxies.get(scheme, ""), proxies.get("no", "")
    if not proxy or no_proxy.strip() == "*":
        return "", ""
    text = no_proxy.encode("utf-8", "replace").decode()  # it may have any bytes
    return normal_proxy(f"{scheme.upper()}_PROXY", proxy), text


def bypasses_proxy(no_proxy: str, url: str) -> bool:
    """Tell whether requests for a URL bypass the proxy, by curl's rules for ``NO_PROXY``."""
    parts = urlsplit(url)
    return _engine.ext.bypasses_proxy(no_proxy, f"{parts.scheme}://{parts.netloc}")
