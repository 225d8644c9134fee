"""An immutable, ordered table of objects, which a job lists once and then reads."""

from __future__ import annotations

import bisect
import hashlib
import itertools
import operator
import os
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, overload

from ._checks import check_seed
from ._importing import importing
from ._manifest_file import Table, TableBuilder
from ._permutation import Permutation
from ._progress import progress_bar
from ._ranks import broadcast, distributed
from ._store import Store
from ._store_files import download, upload
from .errors import ConfigError
from .options import ListFilters
from .url import ObjectUrl

if TYPE_CHECKING:
    import pyarrow
    from typing_extensions import Unpack

    from ._connection import StoreConfig
    from .options import ListArguments

__all__ = ["Manifest"]

_MAX_PARALLEL_LISTINGS = 16
_FACTS = ("size", "mtime", "etag", "version", "checksum", "targets")


class _Rows(Protocol):
    """Objects by number. Equal rows that were made in the same way have equal fingerprints."""

    @property
    def fingerprint(self) -> bytes: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> ObjectUrl: ...


class Manifest(Sequence["ObjectUrl"]):
    """An immutable, ordered table of objects: URL, size and version.

    `list`, `from_urls`, `load` and `from_arrow` make one. Slices, sums and shuffles are views, and
    cost nothing for a manifest of any size. A loaded manifest is mapped into memory, so the
    processes of a machine share its pages. It pickles as its path.

    Examples
    --------
    >>> manifest = Manifest.list("s3://bucket/train/", masks="*.jpg")
    >>> manifest.save("train.manifest")
    >>> Manifest.load("train.manifest")[0].size
    """

    def __init__(self, rows: _Rows) -> None:
        self._rows = rows

    @classmethod
    def list(
        cls,
        prefixes: str | Iterable[str],
        *,
        config: StoreConfig | None = None,
        masks: str | Sequence[str] = (),
        **filters: Unpack[ListArguments],
    ) -> Manifest:
        """List prefixes, several at a time. The order is by prefix, then that of the store.

        If ``torch.distributed`` is initialised, every rank must call this: rank 0 lists, and the
        others get its result or its error.

        Parameters
        ----------
        prefixes : str or iterable of str
            ``s3://bucket/any/prefix``, or for AIStore ``ais://bucket/any/prefix``.
        config : S3Config or AISConfig, optional
            How to reach the store.
        masks : str or sequence of str, optional
            Patterns of `fnmatch`, one of which must match the whole URL; empty: all URLs match.
        **filters
            Which objects to list, as `ListFilters` describes.

        Returns
        -------
        Manifest
            The objects; empty if there are none.

        Raises
        ------
        ObjectStoreError
            A prefix cannot be listed. `EndpointError`: or another rank has ended.
        """
        given = [prefixes] if isinstance(prefixes, str) else [*prefixes]
        which = ListFilters(masks=masks, **filters)
        return cls(_on_rank_0(lambda: _list(given, config, which)))

    @classmethod
    def from_urls(cls, urls: Iterable[str]) -> Manifest:
        """Make a manifest from URLs, in their order. It keeps size and version of an `ObjectUrl`.

        Raises
        ------
        InvalidURLError
            A URL does not have the form ``scheme://bucket/key``.
        """
        builder = TableBuilder()
        builder.add([urls] if isinstance(urls, str) else urls)
        return cls(builder.finish())

    @classmethod
    def load(cls, where: str | os.PathLike[str], *, config: StoreConfig | None = None) -> Manifest:
        """Open a saved manifest. Each entry is read when it is used.

        Parameters
        ----------
        where : str or path
            A local file, or the URL of an object, which is copied to a temporary file.
        config : S3Config or AISConfig, optional
            How to reach the store of that object.

        Raises
        ------
        ManifestError
            The file is truncated or damaged, is not a manifest, or a newer objectpipes wrote it.
        ObjectStoreError
            The object cannot be read.
        OSError
            The file cannot be read.
        """
        place = os.fspath(where)
        if "://" not in place:
            return cls(Table.map_file(str(Path(place).absolute())))
        descriptor, path = tempfile.mkstemp(prefix="objectpipes-manifest-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                download(place, file, config)
            table = Table.map_file(path, place, temporary=True)
        except BaseException:
            Path(path).unlink()
            raise
        table.delete_with_me()
        return cls(table)

    def save(self, where: str | os.PathLike[str], *, config: StoreConfig | None = None) -> None:
        """Write the manifest to a file, which appears once it is complete, or to an object.

        Parameters
        ----------
        where : str or path
            A local file, or the URL of an object.
        config : S3Config or AISConfig, optional
            How to reach the store of that object.

        Raises
        ------
        ObjectStoreError
            The object cannot be written.
        OSError
            The file cannot be written.
        """
        table = self._rows if isinstance(self._rows, Table) else _table_of(self)
        place = os.fspath(where)
        if "://" in place:
            with tempfile.TemporaryFile(prefix="objectpipes-manifest-") as file:
                table.write(file.write)
                upload(place, file, config)
            return
        target = Path(place)
        whole = target.with_name(f".{target.name}-{secrets.token_hex(8)}")
        try:
            with whole.open("xb") as file:
                table.write(file.write)
            whole.replace(target)
        finally:
            whole.unlink(missing_ok=True)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> ObjectUrl: ...
    @overload
    def __getitem__(self, index: slice) -> Manifest: ...
    def __getitem__(self, index: int | slice) -> ObjectUrl | Manifest:
        size = len(self._rows)
        if isinstance(index, slice):
            return Manifest(_part(self._rows, range(*index.indices(size))))
        number = operator.index(index)
        if not -size <= number < size:
            raise IndexError(f"number {number} is out of range: the manifest has {size} objects")
        return self._rows[number % size]

    def __iter__(self) -> Iterator[ObjectUrl]:
        return map(self._rows.__getitem__, range(len(self._rows)))

    def __add__(self, other: Manifest) -> Manifest:
        if not isinstance(other, Manifest):
            return NotImplemented
        parts = (*_parts_of(self._rows), *_parts_of(other._rows))
        return Manifest(_Chain(tuple(part for part in parts if len(part))))

    def __repr__(self) -> str:
        first = f", {self[0]!r} ..." if len(self) else ""
        return f"<Manifest of {len(self):,} objects{first}>"

    @property
    def fingerprint(self) -> str:
        """Identifies the data: a hash of all URLs, sizes and versions in their order."""
        return self._rows.fingerprint.hex()

    def filter(self, predicate: Callable[[ObjectUrl], bool]) -> Manifest:
        """Return the objects for which `predicate` is true."""
        return Manifest(_table_of(url for url in self if predicate(url)))

    def shuffle(self, seed: int) -> Manifest:
        """Return the same objects in an order that depends only on `seed` and their number.

        Raises
        ------
        ConfigError
            The seed is not a whole number.
        """
        return Manifest(_Shuffled(self._rows, check_seed(seed)))

    def to_arrow(self) -> pyarrow.Table:
        """Return a table with the url, size, mtime, etag, version, checksum and targets of each.

        Raises
        ------
        ModuleNotFoundError
            pyarrow is not installed.
        """
        with importing:
            import pyarrow

        schema = pyarrow.schema(
            [
                ("url", pyarrow.large_string()),
                ("size", pyarrow.int64()),
                ("mtime", pyarrow.float64()),
                ("etag", pyarrow.string()),
                ("version", pyarrow.string()),
                ("checksum", pyarrow.string()),
                ("targets", pyarrow.int32()),
            ]
        )
        batches = []
        for start in range(0, len(self), 1 << 16):
            rows = [*self[start : start + (1 << 16)]]
            columns = [[*map(str, rows)]]
            columns += [[getattr(url, name) for url in rows] for name in schema.names[1:]]
            batches.append(pyarrow.record_batch(columns, schema=schema))
        return pyarrow.Table.from_batches(batches, schema)

    @classmethod
    def from_arrow(cls, table: pyarrow.Table) -> Manifest:
        """Make a manifest from a table with a column ``url`` and any of the others of `to_arrow`.

        Raises
        ------
        ConfigError
            The table has no column ``url``.
        InvalidURLError
            A URL does not have the form ``scheme://bucket/key``.
        """
        if "url" not in table.column_names:
            raise ConfigError(
                f"The table needs a column 'url'; it has {', '.join(table.column_names) or 'none'}."
            )
        names = [name for name in _FACTS if name in table.column_names]
        builder = TableBuilder()
        for batch in table.select(["url", *names]).to_batches():
            columns = [column.to_pylist() for column in batch.columns]
            for url, *facts in zip(*columns, strict=True):
                builder.add([ObjectUrl(url, **dict(zip(names, facts, strict=True)))])
        return cls(builder.finish())


class _Part:
    """Some rows, evenly spaced."""

    def __init__(self, rows: _Rows, indexes: range) -> None:
        self._source = rows
        self._indexes = indexes

    @property
    def fingerprint(self) -> bytes:
        if isinstance(self._source, Table) and self._indexes.step == 1:
            return self._source.fingerprint_of(self._indexes.start, self._indexes.stop)
        return _derived(self._source, "part", self._indexes)

    def __len__(self) -> int:
        return len(self._indexes)

    def __getitem__(self, index: int) -> ObjectUrl:
        return self._source[self._indexes[index]]

    def part(self, indexes: range) -> _Rows:
        first, step = self._indexes.start, self._indexes.step
        start, stop = first + step * indexes.start, first + step * indexes.stop
        return _part(self._source, range(start, stop, step * indexes.step))


class _Shuffled:
    """Rows in another order."""

    def __init__(self, rows: _Rows, seed: int) -> None:
        self._source = rows
        self._seed = seed
        self._order = Permutation(len(rows), "manifest", seed)

    @property
    def fingerprint(self) -> bytes:
        return _derived(self._source, "shuffle", self._seed)

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, index: int) -> ObjectUrl:
        return self._source[self._order[index]]


class _Chain:
    """The rows of several parts, one after the other."""

    def __init__(self, parts: tuple[_Rows, ...]) -> None:
        self.parts = parts
        self._ends = [*itertools.accumulate(map(len, parts))]

    @property
    def fingerprint(self) -> bytes:
        return hashlib.blake2b(
            b"".join(part.fingerprint for part in self.parts), digest_size=16
        ).digest()

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, index: int) -> ObjectUrl:
        number = bisect.bisect_right(self._ends, index)
        return self.parts[number][index - (self._ends[number - 1] if number else 0)]


def _part(rows: _Rows, indexes: range) -> _Rows:
    if indexes == range(len(rows)):
        return rows
    if isinstance(rows, _Part):
        return rows.part(indexes)
    return _Part(rows, indexes)


def _parts_of(rows: _Rows) -> tuple[_Rows, ...]:
    return rows.parts if isinstance(rows, _Chain) else (rows,)


def _derived(rows: _Rows, *how: object) -> bytes:
    return hashlib.blake2b(rows.fingerprint + repr(how).encode(), digest_size=16).digest()


def _table_of(urls: Iterable[ObjectUrl]) -> Table:
    builder = TableBuilder()
    builder.add(urls)
    return builder.finish()


def _list(prefixes: list[str], config: StoreConfig | None, filters: ListFilters) -> Table:
    builders = [TableBuilder() for _ in prefixes]
    gave_up = threading.Event()
    with progress_bar(desc="listing", unit=" objects") as progress:

        def list_one(prefix: str, builder: TableBuilder) -> None:
            with closing(Store.of(prefix, config).list(prefix, filters)) as found:
                for page in found:
                    builder.add(page)
                    progress.update(len(page))
                    if gave_up.is_set():
                        return

        with ThreadPoolExecutor(min(len(prefixes), _MAX_PARALLEL_LISTINGS) or 1) as threads:
            try:
                for _ in threads.map(list_one, prefixes, builders):
                    pass
            except BaseException:
                gave_up.set()
                threads.shutdown(cancel_futures=True)
                raise
    first = builders[0] if builders else TableBuilder()
    for builder in builders[1:]:
        first.extend(builder)
    return first.finish()


def _on_rank_0(make: Callable[[], Table]) -> Table:
    """Make a table on rank 0 of ``torch.distributed``, and send it, or the error, to all others."""
    group = distributed()
    if group is None:
        return make()
    made: Table | None = None
    error: Exception | None = None
    if group.get_rank() == 0:
        try:
            made = make()
        except Exception as raised:  # the other ranks wait
            error = raised
    made, error = broadcast(group, (made, error))
    if error is not None:
        raise error
    assert made is not None
    return made
