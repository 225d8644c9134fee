"""The pipes, together with those that torch still has, so that one import line is enough."""

from typing import TYPE_CHECKING

import torch.serialization

from ..url import ObjectUrl
from ._base import IterDataPipe
from ._tar import TarArchiveLoaderIterDataPipe as TarArchiveLoader
from ._tar import WebDatasetIterDataPipe as WebDataset
from .ais import AISFileListerIterDataPipe as AISFileLister
from .ais import AISFileLoaderIterDataPipe as AISFileLoader
from .s3 import S3FileListerIterDataPipe as S3FileLister
from .s3 import S3FileLoaderIterDataPipe as S3FileLoader

if TYPE_CHECKING:
    from torch.utils.data.datapipes import iter as _others
    from torch.utils.data.datapipes.iter import *  # noqa: F403
else:
    try:
        from torch.utils.data.datapipes import iter as _others
        from torch.utils.data.datapipes.iter import *  # noqa: F403
    except ImportError:
        from . import _own_pipes as _others
        from ._own_pipes import *  # noqa: F403

__all__ = [
    *_others.__all__,
    "AISFileLister",
    "AISFileLoader",
    "IterDataPipe",
    "S3FileLister",
    "S3FileLoader",
    "TarArchiveLoader",
    "WebDataset",
]

# So that weights_only=True also loads a checkpoint with listed URLs.
if hasattr(torch.serialization, "add_safe_globals"):  # since torch 2.4
    torch.serialization.add_safe_globals([ObjectUrl])
