"""What the pipes of all stores have in common."""

from __future__ import annotations

import abc
import dataclasses
import importlib.util
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from torch.utils.data import IterDataPipe
from torch.utils.data.datapipes.utils.common import StreamWrapper, match_masks

from ..errors import ConfigError, ObjectStoreError
from ._hand_over import hand_over_through_shared_memory
from ._read_ahead import read_ahead

if TYPE_CHECKING:
    from .. import _ext
    from .._connection import StoreConfig
    from .._reads import Lister

__all__ = [
    "DEFAULT_PREFETCH_BYTES",
    "DEFAULT_TIMEOUT_S",
    "FileLister",
    "FileLoader",
    "merge_config",
]

_Config = TypeVar("_Config", bound="StoreConfig")

DEFAULT_PREFETCH_BYTES = 256 << 20
DEFAULT_TIMEOUT_S = 300.0

_log = logging.getLogger("objectpipes")


def merge_config(
    config: _Config, arguments: Mapping[str, Any], alternatives: tuple[str, str]
) -> _Config:
    """Lay the arguments of a pipe over the configuration it was given.

    Parameters
    ----------
    config
        Has what no argument says.
    arguments
        By the name of the option; None and the empty string are not given.
    alternatives
        Two options of which only one can hold: that of `config` gives way to an argument.

    Returns
    -------
    StoreConfig
        Of the class of `config`.

    Raises
    ------
    ConfigError
        An option has a value that can never work, or both alternatives are given.
    """
    given = {name: value for name, value in arguments.items() if value not in (None, "")}
    for chosen, other in (alternatives, alternatives[::-1]):
        if given.get(chosen):
            given.setdefault(other, getattr(type(config), other))
    return dataclasses.replace(config, **given)


class FileLister(IterDataPipe[str]):
    """Lists prefixes, one after the other."""

    def __init__(
        self,
        source_datapipe: Any,
        length: int,
        masks: str | list[str],
        *,
        start_after: str,
        recursive: bool,
        delimiter: str,
        min_size: int | None,
        max_size: int | None,
        modified_after: datetime | float | None = None,
    ) -> None:
        super().__init__()
        _require_engine()
        if not recursive and not delimiter:
            raise ConfigError("recursive=False needs a delimiter.")
        self.source_datapipe = source_datapipe
        self.length = length
        self.masks = masks
        self.start_after = start_after
        self.delimiter = "" if recursive else delimiter
        self.min_size = min_size
        self.max_size = max_size
        self.modified_after = _posix_seconds(modified_after)

    @abc.abstractmethod
    def _lister(self) -> Lister:
        """Decide what the configuration leaves open, and return what starts a listing."""

    def __iter__(self) -> Iterator[str]:
        """List every prefix anew."""
        open_listing = self._lister()
        native_masks, other_masks = _split_masks(self.masks)
        for prefix in self.source_datapipe:
            listing = open_listing(
                prefix,
                delimiter=self.delimiter,
                start_after=self.start_after,
                masks=native_masks,
                min_size=self.min_size,
                max_size=self.max_size,
                modified_after=self.modified_after,
            )
            try:
                while (page := listing.next_page()) is not None:
                    if other_masks:
                        page = [url for url in page if match_masks(url, other_masks)]
                    yield from page
            finally:
                listing.close()

    def __len__(self) -> int:
        """Return the nominal length."""
        if self.length == -1:
            raise TypeError(f"{type(self).__name__} instance doesn't have valid length")
        return self.length


class FileLoader(IterDataPipe[tuple[str, StreamWrapper]]):
    """Loads objects, some way ahead of the consumer."""

    def __init__(
        self,
        source_datapipe: Any,
        *,
        prefetch_bytes: int,
        concurrency: int,
        verify: bool,
        ordered: bool,
        on_error: Literal["raise", "skip"],
        timeout: float,
    ) -> None:
        super().__init__()
        _require_engine()
        if on_error not in ("raise", "skip"):
            raise ConfigError(f"on_error must be 'raise' or 'skip', not {on_error!r}.")
        if prefetch_bytes < 1 or concurrency < 0 or not timeout > 0:
            raise ConfigError(
                "prefetch_bytes and timeout must be greater than 0, concurrency not negative: "
                f"{prefetch_bytes}, {timeout}, {concurrency}."
            )
        self.source_datapipe = source_datapipe
        self.prefetch_bytes = prefetch_bytes
        self.concurrency = concurrency
        self.verify = verify
        self.ordered = ordered
        self.on_error = on_error
        self.timeout = timeout
        self.skipped = 0

    @abc.abstractmethod
    def _open_window(self, **options: Any) -> _ext.ReadWindow:
        """Open a window of reads ahead, with the options of `_reads.open_window`."""

    def __iter__(self) -> Iterator[tuple[str, StreamWrapper]]:
        """Load every object anew."""
        hand_over_through_shared_memory()
        window = self._open_window(
            prefetch_bytes=self.prefetch_bytes,
            concurrency=self.concurrency,
            ordered=self.ordered,
            verify=self.verify,
            timeout=self.timeout,
        )
        for url, reader in read_ahead(iter(self.source_datapipe), window, self._on_failure):
            yield url, StreamWrapper(reader, name=url)

    def __len__(self) -> int:
        """Return the length of the source."""
        return len(self.source_datapipe)

    def _on_failure(self, error: ObjectStoreError) -> None:
        if self.on_error == "raise":
            raise error
        self.skipped += 1
        _log.warning("skipped: %s", error)


def _require_engine() -> None:
    """Raise where the engine is missing; it is not loaded."""
    if importlib.util.find_spec("objectpipes._ext") is None:
        raise ModuleNotFoundError(
            "The native engine of objectpipes is missing; see `objectpipes doctor --install`."
            " What torchdata said of that: TorchData must be built with BUILD_S3=1 to use this"
            " datapipe."
        )


def _posix_seconds(moment: datetime | float | None) -> float | None:
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise ConfigError("modified_after needs a time zone (datetime.timezone.utc).")
        return moment.timestamp()
    return moment


def _split_masks(masks: str | Sequence[str]) -> tuple[list[str], list[str]]:
    """Tell masks the engine matches exactly as `fnmatch` does from those it must leave to Python.

    Masks are alternatives, so one for Python takes the others with it.
    """
    if not masks:
        return [], []
    import os

    given = [masks] if isinstance(masks, str) else list(masks)
    native = os.path.normcase("A") == "A" and not any(set("?[") & set(mask) for mask in given)
    return (given, []) if native else ([], given)
