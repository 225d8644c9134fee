"""AIStore: a cluster that has its own buckets, and caches those of clouds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from . import _engine
from ._cached import cached
from ._clients import http_options, shared_client
from ._store import Store
from .options import ReadOptions

if TYPE_CHECKING:
    from . import _ext
    from ._connection import Connection
    from .ais_config import AISConfig


class AISStore(Store):
    """The AIStore cluster that `config` names."""

    name = "AIStore"
    lacks = ("modified_after",)

    config: AISConfig

    def __init__(self, config: AISConfig) -> None:
        self.config = config

    @cached
    def _resolved(self) -> Connection:
        return self.config.resolve()

    def client(self, options: ReadOptions = ReadOptions()) -> _ext.Client:
        """Return the client of this configuration, which reads objects as `options` say."""
        config, resolved = self.config, self._resolved
        names = ("archpath", "etl_name", "etl_args", "latest")
        read = {name: getattr(options, name) for name in names}
        settings = (resolved, *read.values())

        def make(credentials: Callable[[bool], _ext.Renewed]) -> _ext.Client:
            options = http_options(resolved) | read | {"split": True}
            return _engine.ext.ais_client(options, credentials)

        return shared_client(settings, config.credentials_source(), resolved.max_attempts, make)

    def _place(self, prefix: str | bytes) -> tuple[str, str, str]:
        return _engine.ext.parse_ais_url(prefix)
