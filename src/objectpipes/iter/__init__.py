"""The pipes, beside those that torch itself still has, so that one import line is enough."""

import torch.serialization
from torch.utils.data import IterDataPipe
from torch.utils.data.datapipes import iter as _torch_iter
from torch.utils.data.datapipes.iter import *  # noqa: F403

from ..url import ObjectUrl
from ._tar import TarArchiveLoaderIterDataPipe as TarArchiveLoader
from ._tar import WebDatasetIterDataPipe as WebDataset
from .ais import AISFileListerIterDataPipe as AISFileLister
from .ais import AISFileLoaderIterDataPipe as AISFileLoader
from .s3 import S3FileListerIterDataPipe as S3FileLister
from .s3 import S3FileLoaderIterDataPipe as S3FileLoader

__all__ = [
    *_torch_iter.__all__,
    "AISFileLister",
    "AISFileLoader",
    "IterDataPipe",
    "S3FileLister",
    "S3FileLoader",
    "TarArchiveLoader",
    "WebDataset",
]

# A checkpoint that holds listed URLs is loaded with weights_only=True, too.
if hasattr(torch.serialization, "add_safe_globals"):  # since torch 2.4
    torch.serialization.add_safe_globals([ObjectUrl])
