"""Read objects of S3 and AIStore with a native engine: functions, and datapipes for PyTorch.

`list_objects`, `read_objects` and `open_object` need no torch; `objectpipes.aio` has their
asynchronous twins. The pipes are in `objectpipes.iter`. Importing this package loads neither torch
nor the native extension; each is loaded when it is first needed.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

from . import errors
from ._importing import importing
from .errors import *  # noqa: F403

if TYPE_CHECKING:
    from . import aio as aio
    from ._engine import build_info as build_info
    from ._engine import stats as stats
    from ._ext import ObjectReader as ObjectReader
    from ._objects import list_objects as list_objects
    from ._objects import open_object as open_object
    from ._objects import read_objects as read_objects
    from .ais_config import AISConfig as AISConfig
    from .credentials import Credentials as Credentials
    from .manifest import Manifest as Manifest
    from .options import ListFilters as ListFilters
    from .options import ReadOptions as ReadOptions
    from .profiling import profile as profile
    from .s3_config import S3Config as S3Config
    from .tls import tls_info as tls_info
    from .url import ObjectUrl as ObjectUrl

    __version__: str

_HOMES = {
    "AISConfig": "ais_config",
    "Credentials": "credentials",
    "Manifest": "manifest",
    "ListFilters": "options",
    "ObjectReader": "_engine",
    "ObjectUrl": "url",
    "ReadOptions": "options",
    "S3Config": "s3_config",
    "build_info": "_engine",
    "list_objects": "_objects",
    "open_object": "_objects",
    "read_objects": "_objects",
    "profile": "profiling",
    "stats": "_engine",
    "tls_info": "tls",
}

__all__ = [
    "AISConfig",
    "Credentials",
    "ListFilters",
    "Manifest",
    "ObjectReader",
    "ObjectUrl",
    "ReadOptions",
    "S3Config",
    "__version__",
    "aio",
    "build_info",
    "list_objects",
    "open_object",
    "profile",
    "read_objects",
    "stats",
    "tls_info",
]
__all__ += errors.__all__


def __getattr__(name: str) -> Any:
    if name == "__version__":
        with importing:
            from importlib.metadata import version

        return version("objectpipes")
    if name == "aio":
        return _module("aio")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_module(_HOMES[name]), name)


def _module(name: str) -> ModuleType:
    with importing:
        return importlib.import_module(f".{name}", __name__)


def __dir__() -> list[str]:
    return sorted(__all__)
