"""The S3 pipes: list prefixes, load objects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from .._aws import preload
from .._s3 import lister, open_window
from ..s3_config import S3Config
from ._functional import functional_form
from ._pipes import (
    DEFAULT_PREFETCH_BYTES,
    DEFAULT_TIMEOUT_S,
    FileLister,
    FileLoader,
    merge_config,
)

if TYPE_CHECKING:
    from .. import _ext
    from .._reads import Lister
    from ..credentials import Credentials

__all__ = ["S3FileListerIterDataPipe", "S3FileLoaderIterDataPipe"]

# As in torchdata: below, what looks like a stall is a busy server.
_LEAST_STALL_TIMEOUT_S = 1.0


def _merge_config(config: S3Config | None, request_timeout_ms: int, **options: Any) -> S3Config:
    if request_timeout_ms > -1:
        options["stall_timeout"] = max(request_timeout_ms / 1000, _LEAST_STALL_TIMEOUT_S)
    return merge_config(config or S3Config(), options, ("anonymous", "credentials"))


@functional_form("list_files_by_s3")
class S3FileListerIterDataPipe(FileLister):
    """List the objects under S3 prefixes (functional name: ``list_files_by_s3``).

    Yields ``s3://bucket/key`` for every object, in S3's order, prefix by prefix. A prefix is plain
    text: ``s3://bucket/folder`` also matches ``s3://bucket/folder2/x``. Keys that end in ``/`` are
    left out. Each URL is an `ObjectUrl`, a `str` that carries ``size``, ``etag`` and ``mtime``.

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
        How to reach the store; an argument here that is given, neither None nor empty, takes
        precedence over it; `credentials` also over its `anonymous`, and the other way round.
    endpoint_url, profile, credentials, anonymous, requester_pays : optional
        As in `S3Config`.
    addressing_style, ca_file, transport : optional
        As in `S3Config`.
    start_after : str, optional
        List only keys that come after this one, in the order of their bytes.
    recursive : bool, optional
        False: list only up to the next `delimiter`, and yield what ends in it ("folders") too.
    delimiter : str, optional
        With ``recursive=False``.
    min_size, max_size : int, optional
        Bytes, both inclusive.
    modified_after : datetime.datetime or float, optional
        Only objects modified after this moment (a time zone is required), or POSIX seconds.

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

    def __init__(
        self,
        source_datapipe: Any,
        length: int = -1,
        request_timeout_ms: int = -1,
        region: str = "",
        masks: str | list[str] = "",
        *,
        config: S3Config | None = None,
        endpoint_url: str | None = None,
        profile: str | None = None,
        credentials: Credentials | Callable[[], Credentials] | None = None,
        anonymous: bool | None = None,
        requester_pays: bool | None = None,
        addressing_style: str | None = None,
        ca_file: str | None = None,
        transport: str | None = None,
        start_after: str = "",
        recursive: bool = True,
        delimiter: str = "/",
        min_size: int | None = None,
        max_size: int | None = None,
        modified_after: datetime | float | None = None,
    ) -> None:
        preload()
        super().__init__(
            source_datapipe,
            length,
            masks,
            start_after=start_after,
            recursive=recursive,
            delimiter=delimiter,
            min_size=min_size,
            max_size=max_size,
            modified_after=modified_after,
        )
        self.config = _merge_config(
            config,
            request_timeout_ms,
            region=region,
            endpoint_url=endpoint_url,
            profile=profile,
            credentials=credentials,
            anonymous=anonymous,
            requester_pays=requester_pays,
            addressing_style=addressing_style,
            ca_file=ca_file,
            transport=transport,
        )

    def _lister(self) -> Lister:
        return lister(self.config)


@functional_form("load_files_by_s3")
class S3FileLoaderIterDataPipe(FileLoader):
    """Load S3 objects (functional name: ``load_files_by_s3``).

    Yields ``(url, stream)``, the URL as it was given and the object as a binary file: seekable, at
    position 0. Objects are read ahead, many at a time, within a budget of memory. What is yielded
    has been checked: its length, that it is one version of the object, and its checksum where the
    server has one; that of a multipart upload if the server tells how long the parts are. An object
    larger than a quarter of `prefetch_bytes` is streamed: it is read on while it is consumed, and
    its checksum is compared when the end is reached: its last bytes are handed out only then, those
    before are not taken back. After a ``seek`` it may be left out, and it is for an upload whose
    parts, but for the last, differ in length.

    Parameters
    ----------
    source_datapipe : iterable of str
        URLs ``s3://bucket/key``. Keys are taken literally. Those that come from a lister carry
        the object's size, which saves reading ahead blindly.
    request_timeout_ms : int, optional
        Milliseconds a request may go without receiving a byte, at least 1000; -1: as configured.
    region : str, optional
        Region of the buckets; empty: as configured, else found out from the server.
    buffer_size : int, optional
        Accepted from torchdata, and ignored: the engine chooses the size of its requests itself.
    multi_part_download : bool, optional
        False: read every object over a single connection.
    config : S3Config, optional
        How to reach the store; an argument here that is given, neither None nor empty, takes
        precedence over it; `credentials` also over its `anonymous`, and the other way round.
    endpoint_url, profile, credentials, anonymous, requester_pays : optional
        As in `S3Config`.
    addressing_style, ca_file, transport : optional
        As in `S3Config`.
    prefetch_bytes : int, optional
        Bytes to hold ahead of the consumer; all pipes of a process share the largest of theirs. A
        worker of a `DataLoader` is a process of its own, and what it hands over takes up to 256 MiB
        of shared memory beside that.
    concurrency : int, optional
        Objects to request at once; 0: as many as the latency of the store makes worth while.
    verify : bool, optional
        Compare checksums.
    ordered : bool, optional
        False: yield objects as they arrive.
    on_error : {"raise", "skip"}, optional
        ``"skip"`` logs an object that cannot be read as a warning of the logger ``objectpipes``,
        counts it in ``skipped``, and goes on. A streamed object that fails after it was yielded
        is not covered: its ``read()`` raises.
    timeout : float, optional
        Seconds that one object may take; for a streamed one, that it may make no progress.

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

    def __init__(
        self,
        source_datapipe: Any,
        request_timeout_ms: int = -1,
        region: str = "",
        buffer_size: int | None = None,
        multi_part_download: bool | None = None,
        *,
        config: S3Config | None = None,
        endpoint_url: str | None = None,
        profile: str | None = None,
        credentials: Credentials | Callable[[], Credentials] | None = None,
        anonymous: bool | None = None,
        requester_pays: bool | None = None,
        addressing_style: str | None = None,
        ca_file: str | None = None,
        transport: str | None = None,
        prefetch_bytes: int = DEFAULT_PREFETCH_BYTES,
        concurrency: int = 0,
        verify: bool = True,
        ordered: bool = True,
        on_error: Literal["raise", "skip"] = "raise",
        timeout: float = DEFAULT_TIMEOUT_S,
    ) -> None:
        preload()
        super().__init__(
            source_datapipe,
            prefetch_bytes=prefetch_bytes,
            concurrency=concurrency,
            verify=verify,
            ordered=ordered,
            on_error=on_error,
            timeout=timeout,
        )
        self.config = _merge_config(
            config,
            request_timeout_ms,
            region=region,
            endpoint_url=endpoint_url,
            profile=profile,
            credentials=credentials,
            anonymous=anonymous,
            requester_pays=requester_pays,
            addressing_style=addressing_style,
            ca_file=ca_file,
            transport=transport,
            multi_part_download=multi_part_download,
        )

    def _open_window(self, **options: Any) -> _ext.ReadWindow:
        return open_window(self.config, **options)
