"""The few datapipes that a chain around ours needs, for a torch without datapipes.

They do the same as torch's pipes of these names, as far as a `DataLoader` and our pipes need it.
They do not know torch's graph of pipes, so shuffling and sharding ask for the worker themselves.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

import torch
from torch.utils.data import IterableDataset, get_worker_info

__all__ = [
    "Batcher",
    "Filter",
    "IterDataPipe",
    "IterableWrapper",
    "Mapper",
    "Sharder",
    "Shuffler",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class IterDataPipe(IterableDataset[T_co]):
    """One step of an iterable chain. Functional forms are methods: ``pipe.map(function)``."""

    def map(self, fn: Callable[[Any], Any]) -> Mapper:
        """Apply a function to every element."""
        return Mapper(self, fn)

    def filter(self, filter_fn: Callable[[Any], bool]) -> Filter:
        """Pass on the elements for which a function is true."""
        return Filter(self, filter_fn)

    def shuffle(self, *, buffer_size: int = 10_000) -> Shuffler:
        """Shuffle within a buffer of `buffer_size` elements."""
        return Shuffler(self, buffer_size)

    def sharding_filter(self) -> Sharder:
        """Give each worker of a `DataLoader` its share of the elements."""
        return Sharder(self)

    def batch(self, batch_size: int, drop_last: bool = False) -> Batcher:
        """Collect elements into lists."""
        return Batcher(self, batch_size, drop_last)


class IterableWrapper(IterDataPipe[Any]):
    """Makes a pipe of an iterable."""

    def __init__(self, iterable: Iterable[Any], deepcopy: bool = True) -> None:
        del deepcopy  # an argument of torch's pipe: ours does not change the iterable
        self.iterable = iterable

    def __iter__(self) -> Iterator[Any]:
        return iter(self.iterable)

    def __len__(self) -> int:
        return len(self.iterable)  # type: ignore[arg-type]  # a TypeError where it has none


class Mapper(IterDataPipe[Any]):
    """Applies a function to every element (functional name: ``map``)."""

    def __init__(self, datapipe: Iterable[Any], fn: Callable[[Any], Any]) -> None:
        self.datapipe, self.fn = datapipe, fn

    def __iter__(self) -> Iterator[Any]:
        return map(self.fn, self.datapipe)


class Filter(IterDataPipe[Any]):
    """Passes on the elements for which a function is true (functional name: ``filter``)."""

    def __init__(self, datapipe: Iterable[Any], filter_fn: Callable[[Any], bool]) -> None:
        self.datapipe, self.filter_fn = datapipe, filter_fn

    def __iter__(self) -> Iterator[Any]:
        return filter(self.filter_fn, self.datapipe)


class Shuffler(IterDataPipe[Any]):
    """Shuffles within a buffer (functional name: ``shuffle``).

    All workers of a `DataLoader` shuffle in the same way, so a sharding filter after it gives each
    element to exactly one of them.
    """

    def __init__(self, datapipe: Iterable[Any], buffer_size: int = 10_000) -> None:
        self.datapipe, self.buffer_size = datapipe, buffer_size

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        seed = int(torch.empty((), dtype=torch.int64).random_().item())
        generator = random.Random(seed if worker is None else worker.seed - worker.id)
        buffer: list[Any] = []
        for element in self.datapipe:
            if len(buffer) < self.buffer_size:
                buffer.append(element)
                continue
            place = generator.randrange(len(buffer))
            element, buffer[place] = buffer[place], element
            yield element
        generator.shuffle(buffer)
        yield from buffer


class Sharder(IterDataPipe[Any]):
    """Gives each worker of a `DataLoader` its share (functional name: ``sharding_filter``)."""

    def __init__(self, datapipe: Iterable[Any]) -> None:
        self.datapipe = datapipe

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        number, count = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for place, element in enumerate(self.datapipe):
            if place % count == number:
                yield element


class Batcher(IterDataPipe[Any]):
    """Collects elements into lists (functional name: ``batch``)."""

    def __init__(self, datapipe: Iterable[Any], batch_size: int, drop_last: bool = False) -> None:
        self.datapipe, self.batch_size, self.drop_last = datapipe, batch_size, drop_last

    def __iter__(self) -> Iterator[list[Any]]:
        batch: list[Any] = []
        for element in self.datapipe:
            batch.append(element)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch


class StreamWrapper(Generic[T]):
    """Wraps a file with a name to show. All other attributes are those of the file.

    A file that others are made of, such as an archive, can be closed with the last of them.
    """

    def __init__(
        self, file_obj: T, parent_stream: StreamWrapper[Any] | None = None, name: str | None = None
    ) -> None:
        self.file_obj = file_obj
        self.name = name
        self.closed = False
        self._parent = parent_stream
        self._children = 0
        self._closes_with_last_child = False
        if parent_stream is not None:
            parent_stream._children += 1

    def __del__(self) -> None:
        if not self.__dict__.get("closed", True):
            self.close()

    def __getstate__(self) -> dict[str, Any]:
        """Leave the parent behind."""
        return {"file_obj": self.file_obj, "name": self.name}

    def __setstate__(self, state: dict[str, Any]) -> None:
        StreamWrapper.__init__(self, state["file_obj"], name=state["name"])

    def close(self) -> None:
        """Close the file, and with the last child its parent."""
        if self.closed:
            return
        self.closed = True
        self.file_obj.close()  # type: ignore[attr-defined]  # any file
        if self._parent is not None:
            self._parent._children -= 1
            self._parent._close_after_children()

    def autoclose(self) -> None:
        """Close the file as soon as all its children are closed."""
        self._closes_with_last_child = True
        self._close_after_children()

    def _close_after_children(self) -> None:
        if self._closes_with_last_child and not self._children:
            self.close()

    def __getattr__(self, name: str) -> Any:
        if name == "file_obj":  # while it is being unpickled
            raise AttributeError(name)
        return getattr(self.file_obj, name)

    def __enter__(self) -> StreamWrapper[T]:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.file_obj)  # type: ignore[call-overload, no-any-return]  # any file

    def __repr__(self) -> str:
        return f"StreamWrapper<{self.name or self.file_obj!r}>"


def validate_pathname_binary_tuple(data: object) -> None:
    """Raise a `TypeError` for anything but a name and a binary file."""
    if not (isinstance(data, tuple) and len(data) == 2 and isinstance(data[0], str)):
        raise TypeError(f"expected a pair of a path and a binary file, not {data!r}")
    if not isinstance(data[1], (io.IOBase, StreamWrapper)):
        raise TypeError(f"expected a binary file for {data[0]!r}, not {type(data[1]).__name__}")
