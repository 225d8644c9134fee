"""Datasets for training: any sampler, or one order for all ranks that is resumable anywhere."""

from __future__ import annotations

from ._objects import ObjectDataset, ObjectMapDataset
from ._state import merge_states

__all__ = ["ObjectDataset", "ObjectMapDataset", "merge_states"]
