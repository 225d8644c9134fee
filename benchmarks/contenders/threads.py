"""Clients that block: they read by threads that share one of them."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from typing_extensions import override

from ..store import Store
from .contender import Contender, Piece

_THREADS = 16


class BlockingContender(Contender):
    """A contender that calls objects by their keys, and reads each in a thread."""

    def __init__(self, store: Store, concurrency: int | None = None) -> None:
        super().__init__(store, concurrency)
        self._threads = concurrency or _THREADS

    @override
    def name(self, key: str) -> str:
        return key

    @override
    def read(self, names: Sequence[str]) -> Iterator[Piece]:
        source = iter(names)
        with ThreadPoolExecutor(self._threads) as pool:
            first = islice(source, 2 * self._threads)  # as many as run wait for their turn
            ahead: deque[Future[Piece]] = deque(pool.submit(self._read, name) for name in first)
            while ahead:
                yield ahead.popleft().result()
                ahead.extend(pool.submit(self._read, name) for name in islice(source, 1))

    @abstractmethod
    def _read(self, name: str) -> Piece:
        """Read one object; any thread."""
