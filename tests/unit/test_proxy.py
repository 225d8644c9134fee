"""NO_PROXY follows curl's rules, and a proxy's password may hold any character."""

from __future__ import annotations

import pytest

from objectpipes._proxy import bypasses_proxy, normal_proxy
from objectpipes.errors import ConfigError


@pytest.mark.parametrize(
    ("no_proxy", "url", "around"),
    [
        ("", "http://a", False),
        ("*", "http://a", True),
        ("b, *", "http://a", True),
        ("a", "http://a:9000/b/k?x", True),
        ("A.Example", "https://a.eXAMPLE", True),
        ("example.com", "http://s3.example.com", True),
        (".example.com", "http://s3.example.com", True),
        (".example.com", "http://example.com", True),
        ("example.com.", "http://s3.example.com.:80", True),
        ("example.com", "http://notexample.com", False),
        ("s3.example.com", "http://example.com", False),
        ("x,,\ty  a", "http://a", True),
        ("*.a", "http://b.a", False),
        (".", "http://a", False),
        ("a:9000", "http://a:9000", True),
        ("a:9000", "http://a", False),
        ("a:443", "https://a/x", True),
        ("127.0.0.1", "http://127.0.0.1:9000", True),
        ("127.0.0.1:9000", "http://127.0.0.1:9000", True),
        ("127.0.0.1:9001", "http://127.0.0.1:9000", False),
        ("0.0.1", "http://127.0.0.1", False),
        ("10.0.0.0/8", "http://10.255.0.1", True),
        ("10.0.0.0/8", "http://11.0.0.1", False),
        ("10.1.2.3/8", "http://10.9.9.9", True),
        ("192.168.4.0/23", "http://192.168.5.255", True),
        ("192.168.4.0/23", "http://192.168.6.0", False),
        ("10.0.0.0/33", "http://10.0.0.0", False),
        ("10.0.0.0/", "http://10.0.0.0", False),
        ("10.0.0.0/x", "http://10.0.0.0", False),
        ("10.0.0.0/8", "http://a", False),
        ("::1", "http://[::1]:9000", True),
        ("[::1]", "http://[::1]:9000", True),
        ("[::1]:9000", "http://[::1]:9000", True),
        ("[::1]:1", "http://[::1]:9000", False),
        ("0:0:0:0:0:0:0:1", "http://[::1]", True),
        ("fd00::/8", "http://[fd12::1]", True),
        ("fd00::/8", "http://[fe80::1]", False),
        ("10.0.0.0/8", "http://[::1]", False),
    ],
)
def test_rules_of_no_proxy(no_proxy: str, url: str, around: bool) -> None:
    assert bypasses_proxy(no_proxy, url) is around


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("", ""),
        ("proxy:3128", "http://proxy:3128"),
        ("HTTP://proxy", "http://proxy"),
        ("http://proxy:3128/", "http://proxy:3128"),
        ("http://u:p#w/@:%@proxy:1", "http://u:p%23w%2F%40%3A%25@proxy:1"),
        ("http://me:pass%20word@proxy:1", "http://me:pass%20word@proxy:1"),
        ("http://me@[::1]:1", "http://me@[::1]:1"),
    ],
)
def test_password_may_hold_anything(given: str, normal: str) -> None:
    assert normal_proxy("HTTP_PROXY", given) == normal


@pytest.mark.parametrize(
    "proxy",
    [
        "http://u:hunter2@proxy:port",
        "http://u:hunter2@proxy:99999",
        "ftp://u:hunter2@proxy",
        "http://u:hunter2@",
        "http://u:hunter2@a b",
        "http://u:hunter2@proxy\n",
        " http://u:hunter2@proxy",
    ],
)
def test_malformed_proxy_is_named_without_its_password(proxy: str) -> None:
    with pytest.raises(ConfigError, match="HTTP_PROXY") as caught:
        normal_proxy("HTTP_PROXY", proxy)
    assert "hunter2" not in str(caught.value)


def test_form_of_a_proxy_is_shown_whole() -> None:
    """It looks like a URL with a password, which errors do not show."""
    with pytest.raises(ConfigError, match="If the proxy needs a password"):
        normal_proxy("HTTP_PROXY", "a b")
