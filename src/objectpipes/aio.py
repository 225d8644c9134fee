"""Asynchronous twins of `list_objects`, `read_objects` and `open_object`.

They never block the event loop: all waiting happens in threads. Cancelling a task, or closing an
iterator or a reader, cancels the reads in flight.
"""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeAlias, TypeVar

from ._aws import preload
from ._objects import as_object_url, same_store
from ._read_ahead import MAX_AT_ONCE, pull, require_text
from ._store import Store, log_skipped
from .options import ListFilters, ReadOptions

if TYPE_CHECKING:
    from typing_extensions import Buffer, Self, Unpack

    from . import _ext
    from ._connection import StoreConfig
    from .errors import ObjectStoreError
    from .options import ListArguments, ReadArguments
    from .url import ObjectUrl

__all__ = ["AsyncObjectReader", "list_objects", "open_object", "read_objects"]

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Taken: TypeAlias = "tuple[list[tuple[str, _ext.ObjectReader]], ObjectStoreError | None]"

# Imported now, while the program may wait: later, in a thread, the import would hold the GIL for
# long.
preload(None, credentials=True)

_MAX_THREADS = 128  # threads of a process; each is started when it is needed
_MAX_QUICK = 1 << 20  # bytes in memory that are copied in negligible time


class _Closable(Protocol):
    def close(self) -> None: ...


_Opened = TypeVar("_Opened", bound=_Closable)


@functools.lru_cache(maxsize=1)
def _threads(process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_MAX_THREADS, thread_name_prefix="objectpipes")


async def _in_thread(function: Callable[_P, _T], *arguments: _P.args, **keywords: _P.kwargs) -> _T:
    call = functools.partial(function, *arguments, **keywords)
    return await asyncio.get_running_loop().run_in_executor(_threads(os.getpid()), call)


async def _open(
    function: Callable[_P, _Opened], *arguments: _P.args, **keywords: _P.kwargs
) -> _Opened:
    """Open something in a thread. It is closed if the task was cancelled meanwhile."""
    opening = asyncio.ensure_future(_in_thread(function, *arguments, **keywords))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_result)
        raise


def _close_result(opening: asyncio.Future[_Opened]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def list_objects(
    url: str,
    *,
    config: StoreConfig | None = None,
    masks: str | Sequence[str] = (),
    **filters: Unpack[ListArguments],
) -> AsyncGenerator[ObjectUrl, None]:
    """List the objects below a URL: the twin of `objectpipes.list_objects`.

    Parameters
    ----------
    url, config, masks, **filters
        As for `objectpipes.list_objects`.

    Yields
    ------
    ObjectUrl
        In the order of the store.

    Raises
    ------
    ConfigError
        At the call, for a filter that can never work.
    ObjectStoreError
        During iteration: the listing failed.
    """
    return _list(url, config, ListFilters(masks=masks, **filters))


async def _list(
    url: str, config: StoreConfig | None, filters: ListFilters
) -> AsyncGenerator[ObjectUrl, None]:
    listing = await _open(lambda: Store.of(url, config).open_listing(url, filters))
    try:
        while (page := await _in_thread(listing.next_page)) is not None:
            for listed in page:
                yield listed
    finally:
        listing.close()


def read_objects(
    urls: Iterable[str] | AsyncIterable[str],
    *,
    config: StoreConfig | None = None,
    **options: Unpack[ReadArguments],
) -> AsyncGenerator[tuple[ObjectUrl, AsyncObjectReader], None]:
    """Read objects, many at a time and ahead: the twin of `objectpipes.read_objects`.

    Parameters
    ----------
    urls : iterable or asynchronous iterable of str
        URLs of one store. A plain iterable is iterated in a thread.
    config, **options
        As for `objectpipes.read_objects`.

    Yields
    ------
    tuple of ObjectUrl and AsyncObjectReader
        The URL, and the object, at position 0.

    Raises
    ------
    ConfigError
        At the call, for an option that can never work; during iteration for URLs of two stores.
    ObjectStoreError
        During iteration: an object could not be read.
    TypeError
        During iteration, for a URL that is neither `str` nor `bytes`.
    """
    return _read(_Source(urls), config, ReadOptions(**options))


class _Source:
    """The URLs of a plain or an asynchronous iterable."""

    def __init__(self, urls: Iterable[str] | AsyncIterable[str]) -> None:
        self._async_urls = urls.__aiter__() if isinstance(urls, AsyncIterable) else None
        self._urls = iter(()) if isinstance(urls, AsyncIterable) else map(self._check, urls)
        self.check: Callable[[str], str] | None = None  # of every URL
        self.exhausted = False
        self.error: Exception | None = None  # the exception that ended it

    async def pull(self, maximum: int = MAX_AT_ONCE) -> list[str]:
        """Wait for URLs. An empty list means the end."""
        if self._async_urls is None:
            pulled, self.exhausted, self.error = await _in_thread(pull, self._urls, maximum)
            return pulled
        try:
            return [self._check(await anext(self._async_urls))]
        except StopAsyncIteration:
            self.exhausted = True
        except Exception as error:  # raised once the URLs before it have been read
            self.exhausted, self.error = True, error
        return []

    def _check(self, url: str) -> str:
        return require_text(url) if self.check is None else self.check(require_text(url))


def _open_window(url: str, config: StoreConfig | None, options: ReadOptions) -> _ext.ReadWindow:
    return Store.of(url, config).open_window(options)


async def _read(
    source: _Source, config: StoreConfig | None, options: ReadOptions
) -> AsyncGenerator[tuple[ObjectUrl, AsyncObjectReader], None]:
    first = await source.pull(1)
    if first:
        window = await _open(_open_window, first[0], config, options)
        source.check = same_store(first[0], config)
        skip = None if options.on_error == "raise" else log_skipped
        async with aclosing(_read_through(window, first, source, skip)) as objects:
            # Yield without a variable, which would hold the object until the next one is requested.
            with suppress(StopAsyncIteration):
                while True:
                    yield _asynchronous(await anext(objects))
    if source.error is not None:
        raise source.error


def _asynchronous(item: tuple[str, _ext.ObjectReader]) -> tuple[ObjectUrl, AsyncObjectReader]:
    return as_object_url(item[0]), AsyncObjectReader(item[1])


async def _read_through(
    window: _ext.ReadWindow,
    first: list[str],
    source: _Source,
    on_skip: Callable[[ObjectStoreError], None] | None,
) -> AsyncGenerator[tuple[str, _ext.ObjectReader], None]:
    """Submit URLs and take objects at the same time: neither waits for the other."""

    async def feed(urls: list[str] | None = None) -> None:
        await _in_thread(window.submit, await source.pull() if urls is None else urls)

    feeding: asyncio.Task[None] | None = asyncio.create_task(feed(first))
    taking: asyncio.Task[_Taken] | None = None
    failure: ObjectStoreError | None = None
    try:
        while feeding or taking:
            under_way: list[asyncio.Task[Any]] = [
                task for task in (feeding, taking) if task is not None
            ]
            await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            if taking is not None and taking.done():
                items, failure = taking.result()
                taking = None
                items.reverse()
                while items:
                    yield items.pop()
                if failure is not None:
                    if on_skip is None:
                        raise failure
                    on_skip(failure)
            if feeding is not None and feeding.done():
                feeding.result()
                feeding = None
            if feeding is None and not source.exhausted and window.room() > 0:
                feeding = asyncio.create_task(feed())
            # Objects may have arrived together with a failure.
            wait = window.outstanding() > 0
            if taking is None and (wait or failure is not None):
                until_starved = not source.exhausted  # then it looks here for room again
                taking = asyncio.create_task(
                    _in_thread(window.take, MAX_AT_ONCE, wait, until_starved)
                )
    finally:
        window.close()
        left: list[asyncio.Task[Any]] = [task for task in (feeding, taking) if task is not None]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def open_object(
    url: str, *, config: StoreConfig | None = None, **options: Unpack[ReadArguments]
) -> AsyncObjectReader:
    """Open an object: the twin of `objectpipes.open_object`.

    Parameters
    ----------
    url, config, **options
        As for `objectpipes.open_object`.

    Returns
    -------
    AsyncObjectReader
        The object, at position 0. Close it, for example with ``async with``.

    Raises
    ------
    ConfigError
        An option can never work.
    ObjectStoreError
        The object cannot be read.
    """
    window = await _open(_open_window, url, config, ReadOptions(**options))
    try:
        return AsyncObjectReader(await _open(window.open, url))
    finally:
        window.close()


class AsyncObjectReader:
    """An object as a binary file whose methods are coroutines. ``async for`` yields its lines.

    Parameters
    ----------
    reader : ObjectReader
        The reader of the object.

    Attributes
    ----------
    url : str
        The URL as it was given.
    size : int or None
        Bytes; None while the size of a streamed object is unknown.
    etag : str or None
        Entity tag, without quotes.
    closed : bool
        Whether the reader is closed.
    """

    def __init__(self, reader: _ext.ObjectReader) -> None:
        self._reader = reader
        # Already in memory, and copied faster than a change of threads.
        self._quick = not reader.streamed and (reader.size or 0) <= _MAX_QUICK
        self.url = reader.url
        self.etag = reader.etag

    @property
    def size(self) -> int | None:
        """Bytes; None while the size of a streamed object is unknown."""
        return self._reader.size

    @property
    def closed(self) -> bool:
        """Whether the reader is closed."""
        return self._reader.closed

    async def read(self, size: int | None = None) -> bytes:
        """Read `size` bytes (fewer only at the end), or all remaining bytes."""
        return await self._call(self._reader.read, size)

    async def readinto(self, buffer: Buffer) -> int:
        """Read into a writable buffer; return the number of bytes, 0 at the end."""
        return await self._call(self._reader.readinto, buffer)

    async def readline(self, size: int | None = None) -> bytes:
        """Read up to the next line feed, or `size` bytes."""
        return await self._call(self._reader.readline, size)

    async def getbuffer(self) -> memoryview:
        """View all bytes. If the object is large and was opened, it is read into memory now."""
        return await self._call(memoryview, self._reader)

    async def seek(self, offset: int, whence: int = 0) -> int:
        """Change the position, and return it."""
        return self._reader.seek(offset, whence)

    async def tell(self) -> int:
        """Return the position."""
        return self._reader.tell()

    async def close(self) -> None:
        """Close the reader. A read in progress raises `ValueError`."""
        self._reader.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._reader.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if line := await self.readline():
            return line
        raise StopAsyncIteration

    async def _call(
        self, method: Callable[_P, _T], *arguments: _P.args, **keywords: _P.kwargs
    ) -> _T:
        if self._quick:
            return method(*arguments, **keywords)
        return await _in_thread(method, *arguments, **keywords)
