"""The S3 pipes: list prefixes, load objects."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .._connection import StoreConfig
from ..errors import ConfigError
from ..options import ListFilters, ReadOptions
from ..s3_config import S3Config
from ._functional import functional_form
from ._pipes import FileLister, FileLoader

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..options import ListArguments, ReadArguments

__all__ = ["S3FileListerIterDataPipe", "S3FileLoaderIterDataPipe"]

# As in torchdata: a busy server may pause for up to a second.
_MIN_STALL_TIMEOUT_S = 1.0


def _with_torchdatas(
    config: S3Config | None, region: str, request_timeout_ms: int, **others: bool | None
) -> S3Config:
    """Return the configuration with torchdata's arguments, where they are given."""
    given: dict[str, Any] = {name: value for name, value in others.items() if value is not None}
    if region:
        given["region"] = region
    if isinstance(request_timeout_ms, bool) or not hasattr(request_timeout_ms, "__index__"):
        raise ConfigError(f"request_timeout_ms must be an integer, not {request_timeout_ms!r}.")
    if request_timeout_ms > -1:
        given["stall_timeout"] = max(request_timeout_ms / 1000, _MIN_STALL_TIMEOUT_S)
    if config is not None and not isinstance(config, StoreConfig):
        raise TypeError(f"config must be an S3Config, not {type(config).__name__}")
    return dataclasses.replace(config or S3Config(), **given)


@functional_form("list_files_by_s3")
class S3FileListerIterDataPipe(FileLister):
    """List the objects under S3 prefixes (functional name: ``list_files_by_s3``).

    Yields ``s3://bucket/key`` for each object, prefix by prefix, in S3's order. A prefix is plain
    text: ``s3://bucket/folder`` also matches ``s3://bucket/folder2/x``. Keys that end in ``/`` are
    left out. Each URL is an `ObjectUrl`: a `str` with ``size``, ``etag`` and ``mtime``.

    Parameters
    ----------
    source_datapipe : iterable of str
        Prefixes: ``s3://bucket``, ``s3://bucket/``, ``s3://bucket/any/prefix``.
    length : int, optional
        What ``len()`` of this pipe returns; -1: it has no length. Nothing is done to enforce it.
    request_timeout_ms : int, optional
        Milliseconds a request may go without receiving a byte, at least 1000; -1: as configured.
    region : str, optional
        Region of the buckets; empty: as configured, else found out from the server.
    masks : str or list of str, optional
        Patterns as for `fnmatch`, any of which must match the whole URL; empty: all match.
    config : S3Config, optional
        How to reach the store. `region` and `request_timeout_ms` take precedence over it.
    **filters
        Which objects to list, as `ListFilters` describes: ``start_after``, ``recursive``,
        ``delimiter``, ``min_size``, ``max_size``, ``modified_after``.

    Raises
    ------
    ConfigError
        At construction, for an option that can never work.
    ModuleNotFoundError
        At construction, if this build has no native engine.
    ObjectStoreError
        During iteration; an `InvalidURLError` for a malformed prefix. All are `ValueError`.
    TypeError
        During iteration, for a prefix that is neither `str` nor `bytes`.

    Examples
    --------
    >>> from objectpipes.iter import IterableWrapper
    >>> urls = IterableWrapper(["s3://bucket/train/"]).list_files_by_s3(masks="*.jpg")
    """

    config: S3Config

    def __init__(
        self,
        source_datapipe: Any,
        length: int = -1,
        request_timeout_ms: int = -1,
        region: str = "",
        masks: str | Sequence[str] = "",
        *,
        config: S3Config | None = None,
        **filters: Unpack[ListArguments],
    ) -> None:
        config = _with_torchdatas(config, region, request_timeout_ms)
        super().__init__(source_datapipe, length, config, ListFilters(masks=masks, **filters))


@functional_form("load_files_by_s3")
class S3FileLoaderIterDataPipe(FileLoader):
    """Load S3 objects (functional name: ``load_files_by_s3``).

    Yields ``(url, stream)``: the URL as it was given, and the object as a binary file, seekable and
    at position 0. Objects are read ahead, many at a time, within a budget of memory. Each object is
    verified: its length, that all bytes are of one version, and its checksum if the server has one
    (for a multipart upload, if the server tells the sizes of the parts). An object larger than a
    quarter of `prefetch_bytes` is streamed: it is read while it is consumed. Its checksum is
    compared at the end, and only then are its last bytes delivered; earlier bytes were delivered
    before. After a ``seek`` the checksum may not be compared, nor for an upload with parts of
    different sizes (apart from the last).

    Parameters
    ----------
    source_datapipe : iterable of str
        URLs ``s3://bucket/key``. Keys are taken literally. URLs from a lister have the object's
        size, so the engine knows how far to read ahead.
    request_timeout_ms : int, optional
        Milliseconds a request may go without receiving a byte, at least 1000; -1: as configured.
    region : str, optional
        Region of the buckets; empty: as configured, else found out from the server.
    buffer_size : int, optional
        For compatibility with torchdata; ignored, because the engine chooses the size of requests.
    multi_part_download : bool, optional
        False: read every object over a single connection.
    config : S3Config, optional
        How to reach the store. `region`, `request_timeout_ms` and `multi_part_download` take
        precedence over it.
    **options
        How to read, as `ReadOptions` describes: ``prefetch_bytes``, ``concurrency``, ``verify``,
        ``ordered``, ``on_error``, ``timeout``.

    Attributes
    ----------
    skipped : int
        Objects skipped by this pipe in this process.

    Raises
    ------
    ConfigError
        At construction, for an option that can never work.
    ModuleNotFoundError
        At construction, if this build has no native engine.
    ObjectStoreError
        During iteration; its subclasses tell what happened, and all are `ValueError`.
    TypeError
        During iteration, for a URL that is neither `str` nor `bytes`.

    Examples
    --------
    >>> from objectpipes.iter import IterableWrapper
    >>> files = IterableWrapper(["s3://bucket/train/"]).list_files_by_s3().load_files_by_s3()
    """

    config: S3Config

    def __init__(
        self,
        source_datapipe: Any,
        request_timeout_ms: int = -1,
        region: str = "",
        buffer_size: int | None = None,
        multi_part_download: bool | None = None,
        *,
        config: S3Config | None = None,
        **options: Unpack[ReadArguments],
    ) -> None:
        config = _with_torchdatas(
            config, region, request_timeout_ms, multi_part_download=multi_part_download
        )
        super().__init__(source_datapipe, config, ReadOptions(**options))
