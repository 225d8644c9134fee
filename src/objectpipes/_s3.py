"""S3, and other stores that speak its protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from . import _engine
from ._aws import preload
from ._cached import cached
from ._clients import http_options, shared_client
from ._store import Store
from .options import ReadOptions

if TYPE_CHECKING:
    from . import _ext
    from .s3_config import ResolvedS3Config, S3Config


class S3Store(Store):
    """The S3 store that `config` names."""

    name = "S3"
    lacks = ("archpath", "etl_name", "etl_args", "latest", "archive_members", "allow_partial")

    config: S3Config

    def __init__(self, config: S3Config) -> None:
        found = config.anonymous or config.credentials is not None
        preload(config.profile, credentials=not found)
        self.config = config

    @cached
    def _resolved(self) -> ResolvedS3Config:
        return self.config.resolve()

    def client(self, options: ReadOptions = ReadOptions()) -> _ext.Client:
        """Return the client of this configuration that verifies objects as `options` say."""
        self.check(options)
        config, resolved, verify = self.config, self._resolved, options.verify
        attempts = resolved.connection.max_attempts

        def make(credentials: Callable[[bool], _ext.Renewed]) -> _ext.Client:
            options = http_options(resolved.connection, resolved.region) | vars(resolved)
            options.update(checksums=verify, split=resolved.multi_part_download)
            if resolved.transport == "aws":  # the SDK has one proxy for all hosts
                proxy = resolved.connection.proxy_for(options["contact_url"])
                options.update(proxy=proxy, no_proxy="")
            return _engine.ext.s3_client(options, credentials)

        return shared_client((resolved, verify), config.credentials_source(), attempts, make)

    def _place(self, prefix: str | bytes) -> tuple[str, str, str]:
        return _engine.ext.parse_s3_url(prefix)
