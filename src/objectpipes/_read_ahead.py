"""Reads the objects of URLs ahead of the consumer."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from . import _ext
    from .errors import ObjectStoreError


class Range(NamedTuple):
    """A part of an object that is read like an object of its own."""

    url: str
    begin: int
    end: int


_Url = TypeVar("_Url", bound="str | bytes")
_Wanted = TypeVar("_Wanted", str, "str | Range")
_Item = TypeVar("_Item")

MAX_AT_ONCE = 32
# A source that takes longer is waiting, not computing.
_MAX_PULL_S = 0.02
# The first URLs of a source are taken one by one, until it has shown that it does not wait.
_PROBATION = 8
_MANY = 2 * MAX_AT_ONCE
# Pipes that wait only if their source waits, and its attribute. By name, so as not to import torch.
_TRANSPARENT = {
    "IterableWrapperIterDataPipe": "iterable",
    "ShufflerIterDataPipe": "datapipe",
    "ShardingFilterIterDataPipe": "source_datapipe",
}


def read_ahead(
    urls: Iterable[str | Range], window: _ext.ReadWindow, *, prompt: bool = False
) -> Generator[tuple[list[tuple[str, _ext.ObjectReader]], ObjectStoreError | None], None, None]:
    """Read the objects of `urls`, or ranges of them, through `window`.

    If the source fails, the objects of its earlier URLs are yielded before its exception is raised.
    The source runs on the consumer's thread: while it waits, nothing can be yielded. So objects
    that have arrived are yielded first, and a source that may wait is asked only when no read is in
    flight. `prompt` says that the source never waits; otherwise this is found out.

    Yields the objects that have arrived, each with its URL as given: pass the list to `drained`.
    And the error of the next object, if it cannot be read.
    """
    source = _Source(urls, prompt)
    while True:
        room = window.room()
        # Objects that wait for a lost node may never come: they do not count.
        may_ask = not source.exhausted and room > 0 and (source.prompt or window.starved())
        wait = not may_ask and window.outstanding() > 0
        items, failure = window.take(MAX_AT_ONCE, wait, until_starved=not source.exhausted)
        got_any = bool(items)
        if got_any or failure is not None:
            yield items, failure
        if failure is not None:
            continue
        if may_ask:
            window.submit(source.ask(min(room, source.batch)))
        elif not got_any and source.exhausted and window.outstanding() == 0:
            break
    if source.error is not None:
        raise source.error


def drained(items: list[_Item]) -> Iterator[_Item]:
    """Yield items and keep no reference, so that waiting for the next one holds no memory."""
    items.reverse()
    while items:
        yield items.pop()


class _Source:
    """A source of URLs. It finds out whether the source answers promptly."""

    def __init__(self, urls: Iterable[str | Range], prompt: bool) -> None:
        self._urls = iter(urls)
        self._run = 0  # URLs since the source last waited
        self.batch = MAX_AT_ONCE if prompt or _never_waits(urls) else 1
        self.exhausted = False
        self.error: Exception | None = None

    @property
    def prompt(self) -> bool:
        """Whether the source can be asked while reads are in flight."""
        return self.batch == MAX_AT_ONCE

    def ask(self, maximum: int) -> list[str | Range]:
        """Take URLs: fewer than `maximum` at the end, or if the source waits."""
        began = time.monotonic()
        urls, self.exhausted, self.error = pull(self._urls, maximum)
        if time.monotonic() - began > _MAX_PULL_S:
            # It may wait again only after many URLs, like a listing.
            self.batch = MAX_AT_ONCE if self._run >= _MANY else 1
            self._run = 0
        elif self._run >= _PROBATION:
            self.batch = min(MAX_AT_ONCE, 2 * self.batch)
        self._run += len(urls)
        return urls


def _never_waits(source: object) -> bool:
    """Whether the URLs are in memory already."""
    while (held_by := _TRANSPARENT.get(type(source).__name__)) is not None:
        source = getattr(source, held_by, None)
    return isinstance(source, (list, tuple, range))


def pull(
    urls: Iterator[_Wanted], maximum: int = MAX_AT_ONCE
) -> tuple[list[_Wanted], bool, Exception | None]:
    """Take URLs. Return them, whether the source is exhausted, and the error that ended it."""
    pulled: list[_Wanted] = []
    deadline = time.monotonic() + _MAX_PULL_S
    try:
        for url in islice(urls, maximum):
            if not isinstance(url, Range):
                require_text(url)
            pulled.append(url)
            if time.monotonic() > deadline:
                return pulled, False, None
    except Exception as error:
        return pulled, True, error
    return pulled, len(pulled) < maximum, None


def require_text(url: _Url) -> _Url:
    """Return a URL, or raise `TypeError` if it is neither `str` nor `bytes`."""
    if not isinstance(url, (str, bytes)):
        raise TypeError(f"a URL must be str or bytes, not {type(url).__name__}: {url!r}")
    return url
