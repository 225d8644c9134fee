"""Datasets for training: for any sampler, or in one order for all ranks that can be resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._importing import importing
from ._objects import ObjectDataset, ObjectMapDataset
from ._shards import ShardDataset
from ._state import merge_states

if TYPE_CHECKING:
    from ._node import ObjectNode

__all__ = ["ObjectDataset", "ObjectMapDataset", "ObjectNode", "ShardDataset", "merge_states"]


def __getattr__(name: str) -> Any:
    if name != "ObjectNode":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        with importing:
            from ._node import ObjectNode
    except ImportError as error:
        raise ImportError("ObjectNode needs torchdata: install torchdata>=0.11.") from error
    return ObjectNode
