"""The tasks: how their results are checked, and how they are repeated."""

from __future__ import annotations

import abc
import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice

from typing_extensions import override

from .contenders import Contender
from .contenders.contender import Piece
from .content import content
from .job import Job

_CHECKED = 16  # members


class WrongResultError(Exception):
    """A contender did not deliver what is stored."""


class Work(abc.ABC):
    """Something to do for a contender, as often as one likes."""

    @abc.abstractmethod
    def check(self) -> int:
        """Do a little, compare it with what is stored, and return how many objects it was.

        Raises
        ------
        WrongResultError
            It differs.
        """

    @abc.abstractmethod
    def run_once(self) -> float:
        """Do it for all objects, and return when the first came, on `time.perf_counter`.

        Raises
        ------
        WrongResultError
            There was more or less to read than there should be.
        """

    @abc.abstractmethod
    def run(self, objects: int) -> int:
        """Do it for at least so many objects, and return for how many.

        Raises
        ------
        WrongResultError
            There was more or less to read than there should be.
        """


class Reading(Work):
    """Objects read, whole or in pieces."""

    def __init__(self, contender: Contender, job: Job) -> None:
        self._read: Callable[[Sequence[str]], Iterator[Piece]] = getattr(contender, job.task)
        self._names = [contender.name(key) for key in job.keys]
        self._digests = {contender.name(key): value for key, value in job.digests.items()}
        self._size = job.size

    @override
    def check(self) -> int:
        found = {name: hashlib.sha256() for name in self._digests}
        for name, piece in self._read(list(self._digests)):
            found[name].update(piece)
        for name, expected in self._digests.items():
            if found[name].hexdigest() != expected:
                raise WrongResultError(f"wrong bytes: {name}")
        return len(self._digests)

    @override
    def run_once(self) -> float:
        first = 0.0
        received = 0
        for _, piece in self._read(self._names):
            first = first or time.perf_counter()
            received += memoryview(piece).nbytes
        if received != len(self._names) * self._size:
            raise WrongResultError(f"{received} bytes of {len(self._names)} objects")
        return first

    @override
    def run(self, objects: int) -> int:
        names = list(islice(cycle(self._names), objects))
        received = sum(memoryview(piece).nbytes for _, piece in self._read(names))
        if received != objects * self._size:
            raise WrongResultError(f"{received} bytes of {objects} objects")
        return objects


class Members(Reading):
    """Members of a tar shard, in any order."""

    def __init__(self, contender: Contender, job: Job) -> None:
        super().__init__(contender, job)
        self._bucket = contender.name("")

    @override
    def check(self) -> int:
        for name, piece in self._read(self._names[:_CHECKED]):
            if bytes(piece) != content(name.removeprefix(self._bucket), self._size):
                raise WrongResultError(f"wrong bytes: {name}")
        return _CHECKED


class Listing(Work):
    """A prefix listed to its end."""

    def __init__(self, contender: Contender, job: Job) -> None:
        self._contender = contender
        self._job = job

    @override
    def check(self) -> int:
        expected = [self._contender.name(key) for key in self._job.keys]
        if list(self._contender.list(self._job.prefix)) != expected:
            raise WrongResultError("wrong names")
        return len(expected)

    @override
    def run_once(self) -> float:
        first = 0.0
        names = 0
        for _ in self._contender.list(self._job.prefix):
            first = first or time.perf_counter()
            names += 1
        if names != self._job.count:
            raise WrongResultError(f"{names} names instead of {self._job.count}")
        return first

    @override
    def run(self, objects: int) -> int:
        listed = 0
        while listed < objects:
            names = sum(1 for _ in self._contender.list(self._job.prefix))
            if names != self._job.count:
                raise WrongResultError(f"{names} names instead of {self._job.count}")
            listed += names
        return listed
