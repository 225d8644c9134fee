"""Makes webdataset read ``s3://`` and ``ais://`` URLs with this engine.

>>> import objectpipes.webdataset, webdataset
>>> objectpipes.webdataset.register()
>>> dataset = webdataset.WebDataset("s3://bucket/shards/{000..099}.tar")
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING

from ._importing import importing
from ._objects import open_object
from .errors import NotSupportedError

if TYPE_CHECKING:
    from . import _ext
    from .ais_config import AISConfig
    from .s3_config import S3Config

__all__ = ["register"]


def register(*, s3: S3Config | None = None, ais: AISConfig | None = None) -> None:
    """Make ``webdataset.gopen`` open ``s3://`` and ``ais://`` URLs with this engine.

    This affects the current process and workers that it forks. Spawned workers of a ``DataLoader``
    must call this in their ``worker_init_fn``.

    Parameters
    ----------
    s3 : S3Config, optional
        How to reach S3. The environment sets what is not given.
    ais : AISConfig, optional
        How to reach AIStore. The environment sets what is not given.

    Raises
    ------
    ImportError
        webdataset is not installed.
    """
    with importing:
        import webdataset  # noqa: F401

    schemes = sys.modules["webdataset.gopen"].gopen_schemes
    schemes["s3"] = functools.partial(_open, s3)
    schemes["ais"] = functools.partial(_open, ais)


def _open(
    config: S3Config | AISConfig | None, url: str, mode: str = "rb", bufsize: int = 0, **_: object
) -> _ext.ObjectReader:
    """Open an object as ``webdataset.gopen`` does."""
    if mode != "rb":
        raise NotSupportedError(f"Objects can only be read, but the mode is {mode!r}", url=url)
    return open_object(url, config=config)
