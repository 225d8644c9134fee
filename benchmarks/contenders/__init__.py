"""The contenders, by the names they have in the table."""

from __future__ import annotations

import importlib

from .contender import Contender

__all__ = ["Contender", "contender_class"]

_CLASSES = {
    "objectpipes": ("objectpipes", "ObjectPipes"),
    "objectpipes, zero copy": ("objectpipes", "ZeroCopy"),
    "objectpipes, aws": ("objectpipes", "OverSdk"),
    "ObjectDataset": ("datasets", "Objects"),
    "ObjectMapDataset": ("datasets", "ObjectsByNumber"),
    "ShardDataset": ("datasets", "Shards"),
    "ShardDataset, shuffled": ("datasets", "ShuffledShards"),
    "objectpipes.ray": ("ray", "OurRay"),
    "tensorstore": ("tensorstore", "TensorStore"),
    "obstore": ("obstore", "Obstore"),
    "s3torchconnector": ("s3torchconnector", "S3TorchConnector"),
    "S3MapDataset": ("s3torchconnector", "MapDataset"),
    "litdata": ("litdata", "LitData"),
    "webdataset": ("webdataset", "WebDataset"),
    "tarfile over our stream": ("datasets", "TarFile"),
    "ray.data": ("ray", "RayData"),
    "torchdata 0.9": ("torchdata", "TorchData"),
    "boto3": ("boto3", "Boto3"),
    "s3dlio": ("s3dlio", "S3dlio"),
    "AISIterDataset": ("aistore", "IterDataset"),
    "AISBatchIterDataset, 32": ("aistore", "BatchIterDataset32"),
    "AISBatchIterDataset, 256": ("aistore", "BatchIterDataset256"),
    "SDK": ("aistore", "Sdk"),
    "SDK, ranges": ("aistore", "SdkRanges"),
}


def contender_class(name: str) -> type[Contender]:
    """Return a contender's class; imports its library, and none of the others'.

    Parameters
    ----------
    name
        A name of the table.
    """
    module, class_name = _CLASSES[name]
    found: type[Contender] = getattr(importlib.import_module(f"{__name__}.{module}"), class_name)
    return found
