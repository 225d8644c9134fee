"""Lets webdataset read ``s3://`` and ``ais://`` URLs by this engine.

>>> import objectpipes.webdataset, webdataset
>>> objectpipes.webdataset.register()
>>> dataset = webdataset.WebDataset("s3://bucket/shards/{000..099}.tar")
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

from ._objects import open_object
from .errors import NotSupportedError

if TYPE_CHECKING:
    from . import _ext
    from .ais_config import AISConfig
    from .s3_config import S3Config

__all__ = ["register"]


def register(*, s3: S3Config | None = None, ais: AISConfig | None = None) -> None:
    """Have ``webdataset.gopen`` open ``s3://`` and ``ais://`` URLs here, in this process.

    Workers of a ``DataLoader`` that are forked have it, too; those that are spawned call it in
    their ``worker_init_fn``.

    Parameters
    ----------
    s3 : S3Config, optional
        How to reach S3; else as the environment says.
    ais : AISConfig, optional
        How to reach AIStore; else as the environment says.

    Raises
    ------
    ImportError
        There is no webdataset.
    """
    import webdataset  # noqa: F401

    schemes = sys.modules["webdataset.gopen"].gopen_schemes
    schemes["s3"] = functools.partial(_open, s3)
    schemes["ais"] = functools.partial(_open, ais)


def _open(
    config: S3Config | AISConfig | None, url: str, mode: str = "rb", bufsize: int = 0, **_: Any
) -> _ext.ObjectReader:
    """Open an object as ``webdataset.gopen`` does."""
    if mode != "rb":
        raise NotSupportedError(f"Objects are opened for reading, not by mode {mode!r}", url=url)
    return open_object(url, config=config)
