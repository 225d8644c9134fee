"""From a worker of a DataLoader to its main process: bytes go through memory that both share.

A worker sends what it yields through a pipe, pickled: each byte is copied five times, 64 KiB at a
time between two changes of the process that runs. Here a whole object is copied once into an arena
(csrc/base/shared_arena.h), and a reader of it arrives in the main process.
"""

from __future__ import annotations

import io
from multiprocessing.reduction import ForkingPickler
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Any

from torch.utils.data import get_worker_info

from .. import _engine

if TYPE_CHECKING:
    from .. import _ext

__all__ = ["hand_over_through_shared_memory"]

_SHARED_BYTES = 256 << 20  # of all workers of a DataLoader together

_capacity = 0  # of this worker's arena


def hand_over_through_shared_memory() -> None:
    """Let readers be sent like this from now on, if this process is the worker of a DataLoader.

    Of other processes we do not know that they live until what they send has arrived. What is
    pickled elsewhere, by a worker too, is pickled as before.
    """
    global _capacity
    worker = get_worker_info()
    if worker is None or _capacity > 0:
        return
    _capacity = _SHARED_BYTES // worker.num_workers
    ForkingPickler.register(_engine.extension().ObjectReader, _reduce)
    Finalize(None, _engine.extension().end_giving, exitpriority=0)


class ReceivedObject(io.BytesIO):
    """What arrives of a reader whose bytes went through the pipe."""

    def __init__(self, url: str, etag: str | None) -> None:
        super().__init__()
        self.url = url
        self.etag = etag


def _reduce(reader: _ext.ObjectReader) -> tuple[Any, ...]:
    given = _engine.extension().give(reader, _capacity)
    if given is not None:
        return _receive, given
    return ReceivedObject, (reader.url, reader.etag), reader.__reduce_ex__(2)[2]


def _receive(*given: Any) -> _ext.ObjectReader:
    reader: _ext.ObjectReader = _engine.extension().receive(*given)
    return reader
