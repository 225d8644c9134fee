"""The options for reading and listing, for all pipes, functions and commands.

The name, type, default and valid values of each option are defined only here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypedDict

from ._checks import check_choice, check_count, check_flag, check_seconds
from .errors import ConfigError

__all__ = ["ListArguments", "ListFilters", "ReadArguments", "ReadOptions"]

_MAX_CONCURRENCY = 1 << 16
_MAX_TIMEOUT_S = 1e9  # 30 years: no limit


class ReadArguments(TypedDict, total=False):
    """The keyword arguments that `ReadOptions` describes."""

    prefetch_bytes: int
    concurrency: int
    verify: bool
    ordered: bool
    on_error: Literal["raise", "skip"]
    timeout: float
    archpath: str
    etl_name: str
    etl_args: Mapping[str, Any] | str
    latest: bool


class ListArguments(TypedDict, total=False):
    """The keyword arguments that `ListFilters` describes, but for `masks`."""

    start_after: str
    recursive: bool
    delimiter: str
    min_size: int | None
    max_size: int | None
    modified_after: datetime | float | None
    archive_members: bool
    allow_partial: bool


@dataclass(frozen=True, kw_only=True)
class _Options:
    def _check_count(self, name: str, **limits: int) -> None:
        object.__setattr__(self, name, check_count(name, getattr(self, name), **limits))

    def _check_flags(self, *names: str) -> None:
        for name in names:
            object.__setattr__(self, name, check_flag(name, getattr(self, name)))

    def _check_texts(self, *names: str) -> None:
        for name in names:
            if not isinstance(getattr(self, name), (str, bytes)):
                kind = type(getattr(self, name)).__name__
                raise ConfigError(f"{name} must be a str, not {kind}.")


@dataclass(frozen=True, kw_only=True)
class ReadOptions(_Options):
    """How to read objects.

    Parameters
    ----------
    prefetch_bytes : int, optional
        How many bytes to hold ahead of the consumer. All readers of a process share the largest
        value. Each worker of a `DataLoader` is a process of its own. In addition, the objects that
        all workers together hand over take up to 256 MiB of shared memory. An object larger than a
        quarter of this is streamed.
    concurrency : int, optional
        How many objects to request at once; 0: adapt to the latency of the store.
    verify : bool, optional
        Compare checksums.
    ordered : bool, optional
        True: yield objects in the order of their URLs. False: yield them as they arrive.
    on_error : {"raise", "skip"}, optional
        ``"skip"`` logs an object that cannot be read as a warning of the logger ``objectpipes``,
        and continues. If a streamed object fails after it was yielded, its ``read()`` raises an
        error anyway.
    timeout : float, optional
        The longest time for one object in seconds; for a streamed object, the longest time without
        progress. ``math.inf``: no limit.
    archpath : str, optional
        AIStore: read this member of each object, which must be an archive.
    etl_name : str, optional
        AIStore: transform each object by this ETL of the cluster.
    etl_args : mapping or str, optional
        AIStore: arguments of the ETL. A mapping is sent as JSON, a string as it is.
    latest : bool, optional
        AIStore: read the current version in the remote bucket, not a cached one.

    Raises
    ------
    ConfigError
        An option has a value that can never work.
    """

    prefetch_bytes: int = 256 << 20
    concurrency: int = 0
    verify: bool = True
    ordered: bool = True
    on_error: Literal["raise", "skip"] = "raise"
    timeout: float = 300.0
    archpath: str = ""
    etl_name: str = ""
    etl_args: Mapping[str, Any] | str = ""
    latest: bool = False

    def __post_init__(self) -> None:
        self._check_count("prefetch_bytes", minimum=1)
        self._check_count("concurrency", maximum=_MAX_CONCURRENCY)
        object.__setattr__(self, "timeout", check_seconds("timeout", self.timeout, endless=True))
        self._check_flags("verify", "ordered", "latest")
        self._check_texts("archpath", "etl_name")
        check_choice("on_error", self.on_error, ("raise", "skip"))
        object.__setattr__(self, "etl_args", _arguments_text(self.etl_args))
        if self.etl_args and not self.etl_name:
            raise ConfigError("etl_args is given without etl_name, which names the ETL to call.")

    @property
    def timeout_ms(self) -> int:
        """The timeout in milliseconds, for the engine."""
        return math.ceil(min(self.timeout, _MAX_TIMEOUT_S) * 1000)


def _arguments_text(arguments: Mapping[str, Any] | str) -> str:
    if isinstance(arguments, str):
        return arguments
    try:
        text = json.dumps(dict(arguments), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"etl_args must be a str, or a mapping that can be written as JSON: {error}."
        ) from None
    return text if arguments else ""


@dataclass(frozen=True, kw_only=True)
class ListFilters(_Options):
    """Which objects to list.

    Parameters
    ----------
    masks : str or sequence of str, optional
        Patterns of `fnmatch`, one of which must match the whole URL; empty: all URLs match.
    start_after : str, optional
        List only names after this one, in the order of their bytes.
    recursive : bool, optional
        False: list only up to the next `delimiter`, and also yield the "folders", which end in it.
    delimiter : str, optional
        Used with ``recursive=False``. AIStore accepts only ``/``.
    min_size, max_size : int, optional
        Bytes, both inclusive.
    modified_after : datetime.datetime or float, optional
        S3: list only objects modified after this time (with a time zone, or in POSIX seconds).
    archive_members : bool, optional
        AIStore: also list the members of archives, as ``ais://bucket/shard.tar/member``.
    allow_partial : bool, optional
        AIStore: accept an incomplete listing while a target is missing, while objects move between
        targets, or (with `archive_members`) if the cluster cannot read an archive.

    Raises
    ------
    ConfigError
        A filter has a value that can never work.
    """

    masks: str | Sequence[str] = ()
    start_after: str = ""
    recursive: bool = True
    delimiter: str = "/"
    min_size: int | None = None
    max_size: int | None = None
    modified_after: datetime | float | None = None
    archive_members: bool = False
    allow_partial: bool = False

    def __post_init__(self) -> None:
        for name in ("min_size", "max_size"):
            if getattr(self, name) is not None:
                self._check_count(name)
        self._check_flags("recursive", "archive_members", "allow_partial")
        self._check_texts("start_after", "delimiter")
        if not self.recursive and not self.delimiter:
            raise ConfigError("recursive=False needs a delimiter.")
        masks = tuple(filter(None, [self.masks])) if isinstance(self.masks, str) else self.masks
        masks = tuple(masks) if isinstance(masks, Iterable) else (None,)
        if not all(isinstance(mask, str) for mask in masks):
            raise ConfigError(f"masks must be a str or a sequence of str, not {self.masks!r}.")
        object.__setattr__(self, "masks", masks)
        object.__setattr__(self, "modified_after", _posix_seconds(self.modified_after))


def _posix_seconds(moment: datetime | float | None) -> float | None:
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise ConfigError("modified_after needs a time zone (datetime.timezone.utc).")
        return moment.timestamp()
    if moment is None:
        return None
    # Text is refused, although float() would parse it.
    if hasattr(moment, "__float__") and not isinstance(moment, bool):
        with suppress(OverflowError, TypeError, ValueError):
            if math.isfinite(seconds := float(moment)):
                return seconds
    raise ConfigError(
        f"modified_after must be a datetime or a number of POSIX seconds, not {moment!r}."
    )
