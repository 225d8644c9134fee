"""A property that is computed once, without a lock that a fork could leave held.

In Python 3.10 and 3.11, `functools.cached_property` computes under a lock that all instances share.
If another thread holds it during ``fork()``, the child waits for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class cached(Generic[T]):  # noqa: N801 - a decorator
    """Keeps the result of a method in the instance. Several threads at once may each compute it."""

    def __init__(self, compute: Callable[..., T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type | None = None) -> T:
        # Only the first time: afterwards the attribute of the instance is found first.
        value = instance.__dict__[self._name] = self._compute(instance)
        return value
