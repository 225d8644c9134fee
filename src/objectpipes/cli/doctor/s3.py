"""The checks from an ``s3://`` URL to the bytes of an object."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import time
from contextlib import closing
from urllib.parse import quote, urlsplit

from ... import _engine
from ..._aws import FIRST_REGION
from ..._aws_files import CONFIG_FILE, CREDENTIALS_FILE, aws_path
from ..._env import env_text
from ..._s3 import S3Store
from ...s3_config import ResolvedS3Config, S3Config
from ...url import ObjectUrl
from ..output import human_size
from .chain import Link, NotNeeded
from .network import Route

# Settings that are not secret.
_SHOWN_VARIABLES = (
    "S3_ENDPOINT_URL",
    "S3_USE_HTTPS",
    "S3_VERIFY_SSL",
    "S3_BUFFER_SIZE",
    "S3_MULTI_PART_DOWNLOAD",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_MAX_ATTEMPTS",
    "AWS_CA_BUNDLE",
    "NO_PROXY",
)

# A person is waiting.
_MAX_ATTEMPTS = 3
_MAX_READ = 1 << 20
_DNS_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


class S3Doctor:
    """Checks step by step. Each check needs the results of those before it."""

    _resolved: ResolvedS3Config
    _smallest: ObjectUrl | None = None

    def __init__(self, url: str, config: S3Config) -> None:
        self._url = url
        self._bucket, *_ = _engine.ext.parse_s3_url(url)
        self._config = dataclasses.replace(config, max_attempts=_MAX_ATTEMPTS)
        self._store = S3Store(self._config)
        self._route = Route("--endpoint-url", "AWS_CA_BUNDLE")

    def links(self) -> list[Link]:
        """Return the checks, in order."""
        return [
            ("configuration", self._configure),
            ("endpoint", self._find_endpoint),
            ("credentials", self._find_credentials),
            *self._route.links(),
            ("region", self._compare_regions),
            ("list", self._list),
            ("read", self._read),
        ]

    def close(self) -> None:
        """Close the connection."""
        self._route.close()

    def _configure(self) -> str:
        self._resolved = self._config.resolve()
        profile = env_text("AWS_DEFAULT_PROFILE") or env_text("AWS_PROFILE") or "default"
        sources = [f"profile {self._config.profile or profile!r}"]
        for file in (aws_path(*CONFIG_FILE), aws_path(*CREDENTIALS_FILE)):
            sources.append(str(file) if file.exists() else f"{file} (does not exist)")
        variables = [f"{name}={value}" for name in _SHOWN_VARIABLES if (value := env_text(name))]
        return "\n".join([", ".join(sources), *variables])

    def _find_endpoint(self) -> str:
        resolved = self._resolved
        endpoint = resolved.connection.endpoint_url.replace(
            "{region}", resolved.region or FIRST_REGION
        )
        parts = urlsplit(endpoint)
        if resolved.addressing_style == "virtual" and _has_own_host(self._bucket, parts.hostname):
            url = f"{parts.scheme}://{self._bucket}.{parts.netloc}{parts.path}/"
        else:
            url = f"{endpoint}/{quote(self._bucket)}"
        self._route.lead_to(url, resolved.connection)
        return f"{url} ({resolved.addressing_style} style), transport {resolved.transport}"

    def _find_credentials(self) -> str:
        if self._config.anonymous:
            return "requests are unsigned, as configured"
        found = self._config.credentials_provider().get()
        if found is None:
            return "none found anywhere: requests are unsigned"
        facts = [f"key {found.access_key[:4]}... from {found.source or 'credentials='}"]
        if found.session_token:
            facts.append("with a session token")
        if found.expiry is not None:
            facts.append(f"until {found.expiry:%Y-%m-%d %H:%M %Z}")
        return ", ".join(facts)

    def _compare_regions(self) -> str:
        configured = self._resolved.region
        actual = self._route.reply.getheader("x-amz-bucket-region") if self._route.reply else None
        if actual is None:
            return f"{configured or 'none'} configured; the server does not name the bucket's"
        if configured in (actual, ""):
            return f"{actual}, {'as configured' if configured else 'as the server says'}"
        return (
            f"{actual}, but {configured} is configured\n"
            f"reads are redirected there; AWS_REGION={actual} saves each process one request"
        )

    def _list(self) -> str:
        with closing(self._store.list(self._url)) as pages:
            page = next(pages, [])
        self._smallest = min(page, key=lambda url: url.size or 0, default=None)
        if self._smallest is None:
            return f"allowed; nothing begins with {self._url}"
        return f"allowed; objects on the first page: {len(page):,}"

    def _read(self) -> str:
        if self._smallest is None:
            raise NotNeeded("no object to read")
        begin = time.perf_counter()
        with self._store.open(self._smallest) as reader:
            size = len(reader.read(_MAX_READ))
        duration = (time.perf_counter() - begin) * 1000
        return f"{self._smallest}: {human_size(size)} in {duration:.0f} ms"


def _has_own_host(bucket: str, endpoint_host: str | None) -> bool:
    """Tell whether virtual style puts a bucket into the host's name (csrc/s3/endpoint.cc)."""
    try:
        ipaddress.ip_address(endpoint_host or "")
    except ValueError:
        return _DNS_LABEL.fullmatch(bucket) is not None
    return False
