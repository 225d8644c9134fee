"""The rank of this process in a distributed training."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import TypeVar

from .errors import ConfigError, EndpointError

_T = TypeVar("_T")


def distributed() -> ModuleType | None:
    """Return ``torch.distributed`` if it is initialised, without importing it."""
    module = sys.modules.get("torch.distributed")
    if module is None or not module.is_available() or not module.is_initialized():
        return None
    return module


def rank_and_ranks() -> tuple[int, int]:
    """Return this process's rank and the number of ranks.

    They come from ``torch.distributed`` or, before it is initialised, from ``RANK`` and
    ``WORLD_SIZE``, which ``torchrun`` and other launchers set.
    """
    module = distributed()
    if module is not None:
        return module.get_rank(), module.get_world_size()
    texts = os.environ.get("RANK"), os.environ.get("WORLD_SIZE")
    if None in texts:
        return 0, 1
    try:
        rank, ranks = map(int, texts)  # type: ignore[arg-type]
    except ValueError:
        rank, ranks = -1, 0
    if not 0 <= rank < ranks:
        raise ConfigError(
            f"RANK={texts[0]!r} and WORLD_SIZE={texts[1]!r} are not a valid rank and number of"
            " ranks."
        )
    return rank, ranks


def broadcast(module: ModuleType, value: _T) -> _T:
    """Return on every rank the value that rank 0 passed.

    It is an `EndpointError` if another rank has ended, or did not call this in the time that the
    process group allows.
    """
    values = [value]
    try:
        module.broadcast_object_list(values, src=0)
    except RuntimeError as error:  # torch has no class of its own for all backends
        raise EndpointError(
            f"Rank {module.get_rank()} of {module.get_world_size()} lost the connection to another"
            f" rank: {error}",
            code="RankLost",
        ) from error
    return values[0]
