"""What a contender is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from typing_extensions import Buffer

from ..store import Store

Piece = tuple[str, Buffer]
"""The name of an object, and its content or the next part of it."""


MEMBER_SUFFIX = ".bin"
"""What the names of members have in a shard, beside what they are called in the benchmark."""


def shard_of(names: Sequence[str]) -> str:
    """Return what the shard is called that has these members."""
    return names[0].rpartition("/")[0]


class Contender:
    """A client of object stores, used the way its documentation says is fast.

    There is a method for each task, and a contender has those that its library is made for. Objects
    go by the names that `name` makes of their keys.

    Parameters
    ----------
    store : Store
        Where the objects are.
    concurrency : int, optional
        Objects to request at once; None: as many as are best for this contender on loopback.
    """

    def __init__(self, store: Store, concurrency: int | None = None) -> None:
        self.store = store

    def name(self, key: str) -> str:
        """Return what this client calls the object of a key: its URL."""
        return f"{self.store.scheme}://{self.store.bucket}/{key}"

    def read(self, names: Sequence[str]) -> Iterator[Piece]:
        """Read each object whole."""
        raise NotImplementedError

    def stream(self, names: Sequence[str]) -> Iterator[Piece]:
        """Read one object after the other, in pieces that may share a buffer."""
        raise NotImplementedError

    def load(self, names: Sequence[str]) -> Iterator[Piece]:
        """Read each object whole, in the workers of a ``DataLoader``."""
        raise NotImplementedError

    def members(self, names: Sequence[str]) -> Iterator[Piece]:
        """Read members of a tar shard in one process, from its beginning again and again."""
        raise NotImplementedError

    def list(self, prefix: str) -> Iterable[str]:
        """List the names of all objects under a prefix, which ends in a slash."""
        raise NotImplementedError
