"""The AIStore pipes: list prefixes, load objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from .._ais import ReadOptions, lister, open_window
from ..ais_config import AISConfig
from ..errors import ConfigError
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

__all__ = ["AISFileListerIterDataPipe", "AISFileLoaderIterDataPipe"]


def _merge_config(config: AISConfig | None, **options: Any) -> AISConfig:
    return merge_config(config or AISConfig(), options, ("token", "token_file"))


@functional_form("list_files_by_ais")
class AISFileListerIterDataPipe(FileLister):
    """List the objects under AIStore prefixes (functional name: ``list_files_by_ais``).

    Yields ``provider://bucket/name`` for every object, in the order of the names' bytes, prefix by
    prefix. Each URL is an `ObjectUrl`, a `str` that carries ``size``, ``checksum`` and ``version``,
    and as ``targets`` how many the cluster had.

    A cluster that has lost a target lists what is left without a word; here that is an error, for
    the targets that any pipe of this process has seen. A token that may not see the cluster map
    (for which it needs the right SHOW-CLUSTER) hides them: then such a listing is as short as the
    cluster's, and a warning of the logger ``objectpipes`` says so.

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
        How to reach the cluster; an argument here that is given, neither None nor empty, takes
        precedence over it; `token` also over its `token_file`, and the other way round.
    token, token_file, ca_file, client_cert, client_key, skip_verify : optional
        As in `AISConfig`.
    start_after : str, optional
        List only names that come after this one, in the order of their bytes.
    recursive : bool, optional
        False: list only up to the next ``/``, and yield what ends in it ("folders") too.
    min_size, max_size : int, optional
        Bytes, both inclusive.
    archive_members : bool, optional
        List what is in archives, as ``ais://bucket/shard.tar/member``.
    allow_partial : bool, optional
        List what is left while a target is missing, objects move between targets, or, with
        `archive_members`, the cluster cannot read an archive.

    Raises
    ------
    ConfigError
        At construction, for an option that can never work.
    ModuleNotFoundError
        At construction, if this build has no native engine.
    EndpointError
        During iteration: the cluster cannot be reached, or has lost a target.
    ServerError
        During iteration: objects are missing from the listing for one of the reasons above.
    ObjectStoreError
        During iteration; an `InvalidURLError` for a malformed prefix. All are `ValueError`.
    TypeError
        During iteration, for a prefix that is neither `str` nor `bytes`.

    Examples
    --------
    >>> from objectpipes.iter import IterableWrapper
    >>> urls = IterableWrapper(["ais://bucket/train/"]).list_files_by_ais("http://localhost:8080")
    """

    def __init__(
        self,
        source_datapipe: Any,
        url: str | None = None,
        length: int = -1,
        *,
        masks: str | list[str] = "",
        config: AISConfig | None = None,
        token: str | None = None,
        token_file: str | None = None,
        ca_file: str | None = None,
        client_cert: str | None = None,
        client_key: str | None = None,
        skip_verify: bool | None = None,
        start_after: str = "",
        recursive: bool = True,
        min_size: int | None = None,
        max_size: int | None = None,
        archive_members: bool = False,
        allow_partial: bool = False,
    ) -> None:
        super().__init__(
            source_datapipe,
            length,
            masks,
            start_after=start_after,
            recursive=recursive,
            delimiter="/",
            min_size=min_size,
            max_size=max_size,
        )
        self.config = _merge_config(
            config,
            endpoint=url,
            token=token,
            token_file=token_file,
            ca_file=ca_file,
            client_cert=client_cert,
            client_key=client_key,
            skip_verify=skip_verify,
        )
        self.archive_members = archive_members
        self.allow_partial = allow_partial

    def _lister(self) -> Lister:
        return lister(
            self.config, archive_members=self.archive_members, allow_partial=self.allow_partial
        )


@functional_form("load_files_by_ais")
class AISFileLoaderIterDataPipe(FileLoader):
    """Load AIStore objects (functional name: ``load_files_by_ais``).

    Yields ``(url, stream)``, the URL as it was given and the object as a binary file: seekable, at
    position 0. Objects are read ahead, many at a time, straight from the targets that hold them.
    What is yielded has been checked: its length, that it is one version of the object, and its
    checksum where the bucket has them. An object larger than a quarter of `prefetch_bytes` is
    streamed: it is read on while it is consumed, and its checksum is compared when the end is
    reached: its last bytes are handed out only then, those before are not taken back. After a
    ``seek`` it may be left out. A streamed member of an archive, or output of an ETL, has no
    version by which two reads could be joined: ``seek`` goes forward, by reading what is in
    between, and back to the first byte; anywhere else back is `NotSupportedError`.

    Parameters
    ----------
    source_datapipe : iterable of str
        URLs ``provider://bucket/name``, as for `AISFileLister`. Names are taken literally; with
        ``/member`` behind that of an archive they name what is in it. The object of an `ObjectUrl`
        must still be the one that was listed: of the same size, checksum and version.
    url : str, optional
        ``http[s]://host:port`` of a gateway of the cluster; else as configured.
    length : int, optional
        Accepted from torchdata, which ignored it too.
    config : AISConfig, optional
        How to reach the cluster; an argument here that is given, neither None nor empty, takes
        precedence over it; `token` also over its `token_file`, and the other way round.
    token, token_file, ca_file, client_cert, client_key, skip_verify : optional
        As in `AISConfig`.
    etl_name : str, optional
        Have every object transformed by this ETL of the cluster.
    etl_args : mapping or str, optional
        Arguments for it, passed on as JSON or as they are.
    latest : bool, optional
        Of a remote bucket, read what is there now.
    archpath : str, optional
        Read this member of every object, each of which is an archive.
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
    EndpointError
        During iteration: the target that holds the object is missing, as far as this process has
        seen it; or the cluster does not find the object of an `ObjectUrl` and has fewer targets
        than when it was listed, here or in another process; or nobody can be reached.
    ObjectNotFoundError
        During iteration: there is no such object. It may as well be one of a target that is missing
        if the token may not see the cluster map, or if this process has never seen that target and
        the URL is a plain `str`.
    ObjectChangedError
        During iteration: the object was replaced since it was listed, or again and again meanwhile.
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

    def __init__(
        self,
        source_datapipe: Any,
        url: str | None = None,
        length: int = -1,
        *,
        config: AISConfig | None = None,
        token: str | None = None,
        token_file: str | None = None,
        ca_file: str | None = None,
        client_cert: str | None = None,
        client_key: str | None = None,
        skip_verify: bool | None = None,
        etl_name: str = "",
        etl_args: Mapping[str, Any] | str = "",
        latest: bool = False,
        archpath: str = "",
        prefetch_bytes: int = DEFAULT_PREFETCH_BYTES,
        concurrency: int = 0,
        verify: bool = True,
        ordered: bool = True,
        on_error: Literal["raise", "skip"] = "raise",
        timeout: float = DEFAULT_TIMEOUT_S,
    ) -> None:
        super().__init__(
            source_datapipe,
            prefetch_bytes=prefetch_bytes,
            concurrency=concurrency,
            verify=verify,
            ordered=ordered,
            on_error=on_error,
            timeout=timeout,
        )
        self.length = length
        self.config = _merge_config(
            config,
            endpoint=url,
            token=token,
            token_file=token_file,
            ca_file=ca_file,
            client_cert=client_cert,
            client_key=client_key,
            skip_verify=skip_verify,
        )
        if etl_args and not etl_name:
            raise ConfigError("etl_args= needs etl_name=.")
        if not isinstance(etl_args, str):
            etl_args = json.dumps(etl_args)
        self.read_options = ReadOptions(archpath, etl_name, etl_args, latest)

    def _open_window(self, **options: Any) -> _ext.ReadWindow:
        return open_window(self.config, self.read_options, **options)
