"""The AIStore pipes: list prefixes, load objects."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..ais_config import AISConfig
from ..options import ListFilters, ReadOptions
from ._functional import functional_form
from ._pipes import FileLister, FileLoader

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..options import ListArguments, ReadArguments

__all__ = ["AISFileListerIterDataPipe", "AISFileLoaderIterDataPipe"]


def _with_url(config: AISConfig | None, url: str | None) -> AISConfig:
    config = config or AISConfig()
    return dataclasses.replace(config, endpoint_url=url) if url else config


@functional_form("list_files_by_ais")
class AISFileListerIterDataPipe(FileLister):
    """List the objects under AIStore prefixes (functional name: ``list_files_by_ais``).

    Yields ``provider://bucket/name`` for each object, prefix by prefix, in the order of the names'
    bytes. Each URL is an `ObjectUrl`: a `str` with ``size``, ``checksum``, ``version`` and
    ``targets``, the number of targets that the cluster had.

    A cluster that has lost a target silently omits its objects from listings. This pipe raises an
    error instead, if this process has seen the target before. A token that lacks the right
    SHOW-CLUSTER may not see the cluster map: then such a listing is incomplete, and the logger
    ``objectpipes`` warns of that.

    Parameters
    ----------
    source_datapipe : iterable of str
        Prefixes: ``ais://bucket``, ``ais://bucket/any/prefix``, ``ais://@uuid#namespace/bucket``;
        of remote buckets ``aws://`` or ``s3://``, ``gcp://`` or ``gs://``, ``azure://``, ``oci://``.
    url : str, optional
        ``http[s]://host:port`` of a gateway of the cluster; else as configured.
    length : int, optional
        What ``len()`` of this pipe returns; -1: it has no length. Nothing is done to enforce it.
    masks : str or list of str, optional
        Patterns as for `fnmatch`, any of which must match the whole URL; empty: all match.
    config : AISConfig, optional
        How to reach the cluster. `url` takes precedence over its ``endpoint_url``.
    **filters
        Which objects to list, as `ListFilters` describes: ``start_after``, ``recursive``,
        ``min_size``, ``max_size``, ``archive_members``, ``allow_partial``.

    Raises
    ------
    ConfigError
        At construction, for an option that can never work.
    ModuleNotFoundError
        At construction, if this build has no native engine.
    EndpointError
        During iteration: the cluster cannot be reached, or has lost a target.
    ServerError
        During iteration: the listing lacks objects for one of the reasons above.
    ObjectStoreError
        During iteration; an `InvalidURLError` for a malformed prefix. All are `ValueError`.
    TypeError
        During iteration, for a prefix that is neither `str` nor `bytes`.

    Examples
    --------
    >>> from objectpipes.iter import IterableWrapper
    >>> urls = IterableWrapper(["ais://bucket/train/"]).list_files_by_ais("http://localhost:8080")
    """

    config: AISConfig

    def __init__(
        self,
        source_datapipe: Any,
        url: str | None = None,
        length: int = -1,
        *,
        masks: str | Sequence[str] = "",
        config: AISConfig | None = None,
        **filters: Unpack[ListArguments],
    ) -> None:
        config = _with_url(config, url)
        super().__init__(source_datapipe, length, config, ListFilters(masks=masks, **filters))


@functional_form("load_files_by_ais")
class AISFileLoaderIterDataPipe(FileLoader):
    """Load AIStore objects (functional name: ``load_files_by_ais``).

    Yields ``(url, stream)``: the URL as it was given, and the object as a binary file, seekable and
    at position 0. Objects are read ahead, many at a time, straight from the targets that hold them.
    Each object is verified: its length, that all bytes are of one version, and its checksum if the
    bucket has checksums. An object larger than a quarter of `prefetch_bytes` is streamed: it is
    read while it is consumed. Its checksum is compared at the end, and only then are its last bytes
    delivered; earlier bytes were delivered before. After a ``seek`` the checksum may not be
    compared. A streamed member of an archive, or the output of an ETL, has no version, so bytes of
    two reads cannot be joined: ``seek`` can go forward, by reading the bytes in between, and back
    to the first byte; any other position raises `NotSupportedError`.

    Parameters
    ----------
    source_datapipe : iterable of str
        URLs ``provider://bucket/name``, as for `AISFileLister`. Names are taken literally.
        ``/member`` after the name of an archive names a member of it. The object of an `ObjectUrl`
        must still be the one that was listed, with the same size, checksum and version.
    url : str, optional
        ``http[s]://host:port`` of a gateway of the cluster; else as configured.
    length : int, optional
        Accepted from torchdata, which ignored it too.
    config : AISConfig, optional
        How to reach the cluster. `url` takes precedence over its ``endpoint_url``.
    **options
        How to read, as `ReadOptions` describes: ``prefetch_bytes``, ``concurrency``, ``verify``,
        ``ordered``, ``on_error``, ``timeout``, ``archpath``, ``etl_name``, ``etl_args``,
        ``latest``.

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
    EndpointError
        During iteration: the target that holds the object is missing, if this process has seen it;
        or the cluster does not find the object of an `ObjectUrl` and has fewer targets than when
        the object was listed, in this or another process; or no gateway can be reached.
    ObjectNotFoundError
        During iteration: there is no such object. Or it is on a missing target, if the token may
        not see the cluster map, or if the URL is a plain `str` and this process has never seen that
        target.
    ObjectChangedError
        During iteration: the object was replaced since it was listed, or repeatedly while it was
        read.
    ObjectStoreError
        During iteration; its subclasses tell what happened, and all are `ValueError`.
    TypeError
        During iteration, for a URL that is neither `str` nor `bytes`.

    Examples
    --------
    >>> from objectpipes.iter import IterableWrapper
    >>> urls = IterableWrapper(["ais://bucket/train/"]).list_files_by_ais("http://localhost:8080")
    >>> files = urls.load_files_by_ais("http://localhost:8080")
    """

    config: AISConfig

    def __init__(
        self,
        source_datapipe: Any,
        url: str | None = None,
        length: int = -1,
        *,
        config: AISConfig | None = None,
        **options: Unpack[ReadArguments],
    ) -> None:
        super().__init__(source_datapipe, _with_url(config, url), ReadOptions(**options))
        self.length = length
