"""The environment variables that the package reads. They are found in its code."""

import ast
import re
from collections.abc import Iterator

from ci.paths import ROOT

_NAME = re.compile(r"(?:AWS|S3|AIS|SSL|CURL|REQUESTS|OBJECTPIPES|HTTPS?|ALL|NO)_[A-Z0-9_]+")

# The meaning of each for users, in the groups of the page.
MEANINGS = {
    "S3": {
        "S3_ENDPOINT_URL": "URL of the store; overrides the next two",
        "AWS_ENDPOINT_URL_S3": "URL of the store",
        "AWS_ENDPOINT_URL": "URL of the store, and of other services",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "`true`: ignore the two above and the profile's",
        "S3_USE_HTTPS": "`0`: an endpoint without a scheme is `http://`",
        "S3_VERIFY_SSL": "`0`: do not check the server's certificate",
        "S3_BUFFER_SIZE": "accepted from torchdata, and ignored",
        "S3_MULTI_PART_DOWNLOAD": "`OFF`: read every object over one connection",
        "AWS_REGION": "region of the buckets",
        "AWS_DEFAULT_REGION": "the same, if `AWS_REGION` is not set",
        "AWS_ACCESS_KEY_ID": "access key",
        "AWS_SECRET_ACCESS_KEY": "secret key",
        "AWS_SESSION_TOKEN": "session token of temporary credentials",
        "AWS_SECURITY_TOKEN": "the same, by its old name",
        "AWS_CREDENTIAL_EXPIRATION": "when they expire (ISO 8601)",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "file with the token of a web identity",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "token of a container",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "file with the token of a container",
        "AWS_PROFILE": "profile of the configuration files",
        "AWS_DEFAULT_PROFILE": "the same; overrides `AWS_PROFILE`",
        "AWS_CONFIG_FILE": "instead of `~/.aws/config`",
        "AWS_SHARED_CREDENTIALS_FILE": "instead of `~/.aws/credentials`",
        "AWS_EC2_METADATA_DISABLED": "`true`: ask no metadata service for credentials",
        "AWS_MAX_ATTEMPTS": "failed requests in a row after which a read fails",
        "AWS_USE_DUALSTACK_ENDPOINT": "`true`: AWS's hosts with IPv6",
        "AWS_USE_FIPS_ENDPOINT": "`true`: AWS's hosts with FIPS 140",
    },
    "AIStore": {
        "AIS_ENDPOINT": "URL of a gateway",
        "AIS_AUTHN_TOKEN": "AuthN token",
        "AIS_AUTHN_TOKEN_FILE": 'file with one, as JSON: `{"token": "..."}`',
        "AIS_CLIENT_CA": "PEM file of the authorities to trust",
        "AIS_CRT": "client certificate, a PEM file",
        "AIS_CRT_KEY": "its key",
        "AIS_SKIP_VERIFY_CRT": "`true`: do not check the server's certificate",
        "AIS_SKIP_VERIFY": "the same, by its other name",
        "AIS_CONNECT_TIMEOUT": "seconds that making a connection may take",
        "AIS_READ_TIMEOUT": "seconds without a byte after which a request fails",
    },
    "TLS and proxies": {
        "AWS_CA_BUNDLE": "PEM file of the authorities to trust",
        "SSL_CERT_FILE": "the same, if the one above is not set",
        "SSL_CERT_DIR": "folder of such files under OpenSSL's hashed names",
        "CURL_CA_BUNDLE": "as `SSL_CERT_FILE`, after it",
        "REQUESTS_CA_BUNDLE": "as `SSL_CERT_FILE`, after it",
        "HTTPS_PROXY": "proxy for `https://`; `https_proxy` overrides it",
        "HTTP_PROXY": "proxy for `http://`; in a CGI program only `http_proxy` counts",
        "ALL_PROXY": "proxy for both, if the one above is not set",
        "NO_PROXY": "hosts that are reached without a proxy",
    },
    "Programs": {
        "NO_COLOR": "print no colours (no-color.org)",
        "OBJECTPIPES_PROFILE": "set by `profile()` for the workers of a `DataLoader`; not by users",
        "OBJECTPIPES_CACHE": "where the demo looks for servers (`~/.cache/objectpipes`)",
    },
}

# The demo sets it for its servers. No code reads it.
_OF_OTHERS = {"AIS_DAEMON_ID"}


def names_in_code() -> set[str]:
    """Return the names of variables that are string constants in the package."""
    return {
        node.value
        for path in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and _NAME.fullmatch(node.value)
    }


def problems() -> Iterator[str]:
    """Yield variables that the page omits, or that no code reads."""
    known = {name for group in MEANINGS.values() for name in group}
    found = names_in_code() - _OF_OTHERS
    for name in sorted(found - known):
        yield f"the code reads {name}, and ci/docs/environment.py does not say what it is for"
    # Proxies are found by urllib, under both spellings.
    for name in sorted(known - found - {"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"}):
        yield f"ci/docs/environment.py explains {name}, and no code reads it"


def page() -> str:
    """Return the page in Markdown."""
    parts = [
        "# Environment variables\n\n"
        "A variable that is set to an empty text counts as not set. Arguments and configurations"
        " override all of them. If none of them gives credentials, botocore looks for some, and"
        " reads further variables.\n"
    ]
    for title, group in MEANINGS.items():
        rows = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in group.items())
        parts.append(f"## {title}\n\n| variable | meaning |\n|---|---|\n{rows}\n")
    return "\n".join(parts)
