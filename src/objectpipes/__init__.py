"""S3 and AIStore datapipes for PyTorch, on a native read engine.

The pipes are in `objectpipes.iter`. Importing this package loads neither torch nor the native
extension; both are loaded when the first pipe is made or read.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._engine import build_info as build_info
    from ._engine import stats as stats
    from .ais_config import AISConfig as AISConfig
    from .credentials import Credentials as Credentials
    from .manifest import Manifest as Manifest
    from .s3_config import S3Config as S3Config
    from .tls import tls_info as tls_info
    from .url import ObjectUrl as ObjectUrl

    __version__: str

_HOMES = {
    "AISConfig": "ais_config",
    "Credentials": "credentials",
    "Manifest": "manifest",
    "ObjectUrl": "url",
    "S3Config": "s3_config",
    "build_info": "_engine",
    "stats": "_engine",
    "tls_info": "tls",
}

__all__ = [
    "AISConfig",
    "Credentials",
    "Manifest",
    "ObjectUrl",
    "S3Config",
    "__version__",
    "build_info",
    "stats",
    "tls_info",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("objectpipes")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
