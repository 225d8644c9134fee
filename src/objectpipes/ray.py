"""Objects and tar shards as Ray datasets, which all machines of a cluster read with this engine.

It needs Ray (``pip install "objectpipes[ray]"``), and objectpipes on every machine.
"""

from __future__ import annotations

import bisect
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypedDict

try:
    import pyarrow
    import ray.data
    from ray.data.block import BlockMetadata
    from ray.data.datasource import Datasource, ReadTask
except ImportError as error:
    raise ImportError(
        f'objectpipes.ray needs Ray Data: pip install "objectpipes[ray]" ({error}).'
    ) from error

from ._samples import groups_in, sample_of
from ._store import Store
from .errors import ConfigError
from .manifest import Manifest
from .options import ReadOptions
from .shard_index import is_index

if TYPE_CHECKING:
    from ray.data import Dataset
    from ray.data.context import DataContext
    from typing_extensions import Unpack

    from ._connection import StoreConfig
    from .url import ObjectUrl

__all__ = ["ObjectDatasource", "read_objects", "read_shards"]

_MAX_BLOCK_BYTES = 64 << 20
_PREFETCH_BYTES = 64 << 20

_Row = dict[str, Any]
_Paths = str | Iterable[str] | Manifest


class TaskArguments(TypedDict, total=False):
    """The keyword arguments of ``ray.data.read_datasource`` that every Ray since 2.50 has."""

    override_num_blocks: int
    concurrency: int
    num_cpus: float
    num_gpus: float
    memory: float
    ray_remote_args: dict[str, Any]


def read_objects(
    paths: _Paths,
    *,
    config: StoreConfig | None = None,
    include_paths: bool = False,
    **options: Unpack[TaskArguments],
) -> Dataset:
    """Make a dataset with a row for each object. The column ``bytes`` has its content.

    Parameters
    ----------
    paths : str, iterable of str or Manifest
        URLs of objects, and prefixes to list: a bucket without a key, or a URL that ends in ``/``.
    config : S3Config or AISConfig, optional
        How to reach the store. Each machine looks for credentials that it does not contain.
    include_paths : bool, optional
        Add a column ``path`` with the URL of the object.
    **options
        Options of ``ray.data.read_datasource``, as `TaskArguments` lists them.

    Returns
    -------
    ray.data.Dataset
        Rows in the order of `paths`, if Ray is configured to preserve order. Each read task reads
        its part ahead, and yields Arrow tables of at most 64 MiB, or of one larger row.

    Raises
    ------
    ObjectStoreError
        A prefix cannot be listed. If an object cannot be read while the dataset is consumed, Ray
        raises an exception of its own that contains this one.

    Examples
    --------
    >>> pictures = objectpipes.ray.read_objects("s3://bucket/train/", include_paths=True)
    >>> shards = pictures.map(decode).streaming_split(4, equal=True)
    """
    datasource = ObjectDatasource(paths, config=config, include_paths=include_paths)
    dataset: Dataset = ray.data.read_datasource(datasource, **options)
    return dataset


def read_shards(
    paths: _Paths,
    *,
    config: StoreConfig | None = None,
    include_paths: bool = False,
    **options: Unpack[TaskArguments],
) -> Dataset:
    """Make a dataset with a row for each sample of tar shards.

    Its columns are ``__key__`` and the extensions of the members, as in `ShardDataset`; null, if a
    sample has no such member. Everything else is as in `read_objects`. ``path`` is the URL of the
    shard. Indexes beside the shards are ignored.
    """
    datasource = ObjectDatasource(paths, config=config, include_paths=include_paths, shards=True)
    dataset: Dataset = ray.data.read_datasource(datasource, **options)
    return dataset


class ObjectDatasource(Datasource):  # type: ignore[misc, unused-ignore]
    """The source from which `read_objects` and `read_shards` make datasets.

    Parameters
    ----------
    paths, config, include_paths
        As in `read_objects`.
    shards : bool, optional
        Read objects as tar shards, with a row for each sample.
    """

    def __init__(
        self,
        paths: _Paths,
        *,
        config: StoreConfig | None = None,
        include_paths: bool = False,
        shards: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call, unused-ignore]
        self._config = config
        self._include_paths = include_paths
        self._shards = shards
        urls = _urls_of(paths, config)
        if shards:
            urls = [url for url in urls if not is_index(url)]
        self._urls = urls
        # The size of an object that was not listed is unknown. It counts as an average one.
        known = [size for size in (getattr(url, "size", None) for url in urls) if size is not None]
        self._all_known = len(known) == len(urls)
        average = sum(known) // len(known) if known else 1
        sizes = (getattr(url, "size", None) for url in urls)
        self._ends = [*itertools.accumulate(average if size is None else size for size in sizes)]

    def estimate_inmemory_data_size(self) -> int | None:
        """Return the bytes of all objects; None if some were not listed."""
        if not self._all_known:
            return None
        return self._ends[-1] if self._ends else 0

    def get_read_tasks(
        self,
        parallelism: int,
        per_task_row_limit: int | None = None,
        data_context: DataContext | None = None,
    ) -> list[ReadTask]:
        """Divide the objects among read tasks, with about as many bytes for each.

        Parameters
        ----------
        parallelism : int
            Number of tasks, unless there are fewer objects.
        per_task_row_limit : int, optional
            How many rows each task reads at most.
        data_context : ray.data.DataContext, optional
            Its ``target_max_block_size`` limits blocks, if it is less than 64 MiB.

        Returns
        -------
        list of ray.data.ReadTask
            The tasks; empty if there are no objects.
        """
        target = getattr(data_context, "target_max_block_size", None) or _MAX_BLOCK_BYTES
        block_bytes = min(target, _MAX_BLOCK_BYTES)
        rows_of = _rows_of_shards if self._shards else _rows_of_objects
        tasks = []
        for begin, end in _balanced(self._ends, parallelism):
            urls = self._urls[begin:end]
            read = functools.partial(
                _read_blocks,
                functools.partial(rows_of, urls, self._config, self._include_paths),
                block_bytes,
                per_task_row_limit,
            )
            size = self._ends[end - 1] - (self._ends[begin - 1] if begin else 0)
            rows = None if self._shards else len(urls)
            if rows is not None and per_task_row_limit is not None:
                rows = min(rows, per_task_row_limit)
            metadata = BlockMetadata(
                num_rows=rows,
                size_bytes=size if self._all_known else None,
                exec_stats=None,
                input_files=tuple(map(str, urls)) if self._include_paths else None,
            )
            tasks.append(ReadTask(read, metadata, per_task_row_limit=per_task_row_limit))
        return tasks


def _urls_of(paths: _Paths, config: StoreConfig | None) -> Sequence[ObjectUrl | str]:
    if isinstance(paths, Manifest):
        return [*paths]
    urls: list[ObjectUrl | str] = []
    for path in [paths] if isinstance(paths, str) else paths:
        _, separator, rest = path.partition("://")
        if not separator:
            raise ConfigError(f"{path!r} is not a URL: write s3://bucket/... or ais://bucket/...")
        is_prefix = path.endswith("/") or "/" not in rest
        urls += Manifest.list(path, config=config) if is_prefix else [path]
    return urls


def _balanced(ends: Sequence[int], parts: int) -> Iterator[tuple[int, int]]:
    """Cut objects into parts of about as many bytes, none without an object.

    `ends` has the sum of the sizes up to each object.
    """
    count = len(ends)
    parts = max(1, min(parts, count))
    begin = 0
    for part in range(1, parts + 1):
        # Leave an object for each of the remaining parts.
        last = count - (parts - part)
        end = bisect.bisect_left(ends, ends[-1] * part / parts, begin, last) + 1 if count else 0
        end = min(max(end, begin + 1), last)
        if part == parts:
            end = count
        if begin < end:
            yield begin, end
        begin = end


# In the read tasks --------------------------------------------------------------------------------


def _rows_of_objects(
    urls: Sequence[str], config: StoreConfig | None, include_paths: bool
) -> Iterator[tuple[_Row, int]]:
    with closing(_read(urls, config)) as objects:
        for url, reader in objects:
            row: _Row = {"bytes": reader.read()}
            if include_paths:
                row["path"] = str(url)
            yield row, reader.size
            reader.close()


def _rows_of_shards(
    urls: Sequence[str], config: StoreConfig | None, include_paths: bool
) -> Iterator[tuple[_Row, int]]:
    with closing(_read(urls, config)) as shards:
        for url, reader in shards:
            for group in groups_in(reader, url):
                row = sample_of(group, url)
                del row["__url__"]
                if include_paths:
                    row["path"] = str(url)
                yield row, sum(map(len, row.values()))
            reader.close()


def _read(urls: Sequence[str], config: StoreConfig | None) -> Any:
    return Store.of(urls[0], config).read(urls, ReadOptions(prefetch_bytes=_PREFETCH_BYTES))


def _read_blocks(
    rows: Callable[[], Iterator[tuple[_Row, int]]], block_bytes: int, row_limit: int | None
) -> Iterator[pyarrow.Table]:
    held: list[_Row] = []
    size = 0
    for row, row_bytes in itertools.islice(rows(), row_limit):
        if held and size + row_bytes > block_bytes:
            yield _table_of(held)
            held, size = [], 0
        held.append(row)
        size += row_bytes
    if held:
        yield _table_of(held)


def _table_of(rows: list[_Row]) -> pyarrow.Table:
    names = [*dict.fromkeys(itertools.chain.from_iterable(rows))]
    columns = {}
    for name in names:
        is_text = name in ("path", "__key__")
        kind = pyarrow.string() if is_text else pyarrow.large_binary()
        columns[name] = pyarrow.array([row.get(name) for row in rows], kind)
    return pyarrow.table(columns)
