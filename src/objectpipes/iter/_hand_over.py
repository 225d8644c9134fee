"""Moves objects from a worker of a DataLoader to its main process through shared memory.

A worker normally pickles what it yields and sends it through a pipe: each byte is copied five
times, and the processes alternate every 64 KiB. Here a whole object is copied once into an arena
(csrc/base/shared_arena.h), and the main process gets a reader of it.
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

_SHARED_BYTES = 256 << 20  # of all workers of a DataLoader together

_capacity = 0  # of this worker's arena


def hand_over_through_shared_memory() -> None:
    """Send readers through shared memory from now on, if this process is a DataLoader's worker.

    Any other process may end before the receiver has opened what it sent. Pickling for other
    purposes, even in a worker, works as before.
    """
    global _capacity
    worker = get_worker_info()
    if worker is None or _capacity > 0:
        return
    _capacity = _SHARED_BYTES // worker.num_workers
    ForkingPickler.register(_engine.ext.ObjectReader, _reduce)
    Finalize(None, _engine.ext.end_giving, exitpriority=0)


class ReceivedObject(io.BytesIO):
    """A received reader whose bytes went through the pipe."""

    def __init__(self, url: str, etag: str | None) -> None:
        super().__init__()
        self.url = url
        self.etag = etag


def _reduce(reader: _ext.ObjectReader) -> tuple[Any, ...]:
    given = _engine.ext.give(reader, _capacity)
    if given is not None:
        return _receive, given
    return ReceivedObject, (reader.url, reader.etag), reader.__reduce_ex__(2)[2]


def _receive(*given: Any) -> _ext.ObjectReader:
    return _engine.ext.receive(*given)
