"""Threads, for clients that block."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
Result = TypeVar("Result")


def in_threads(
    function: Callable[[T], Result], items: Iterable[T], threads: int
) -> Iterator[Result]:
    """Yield ``function(item)`` for all items, in order, computed by threads some way ahead.

    Parameters
    ----------
    function
        What to call.
    items
        Its arguments.
    threads
        How many calls to run at once; as many wait for their turn.
    """
    source = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        first = islice(source, 2 * threads)
        ahead: deque[Future[Result]] = deque(pool.submit(function, item) for item in first)
        while ahead:
            yield ahead.popleft().result()
            ahead.extend(pool.submit(function, item) for item in islice(source, 1))
