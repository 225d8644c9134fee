"""The loader of a resumable dataset."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from .. import _timing
from ..errors import ConfigError
from ._state import check_loader_state, check_order

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

    from torch import Generator
    from typing_extensions import Unpack

    from ._dataset import ResumableDataset

try:
    from torchdata.stateful_dataloader import StatefulDataLoader as _Loader

    STATEFUL = True
except ImportError:
    from torch.utils.data import DataLoader as _Loader

    STATEFUL = False

__all__ = ["STATEFUL", "LoaderArguments", "ObjectLoader"]


class LoaderArguments(TypedDict, total=False):
    """The keyword arguments of a ``DataLoader`` that fit a dataset with an order of its own.

    ``snapshot_every_n_steps`` is that of torchdata's ``StatefulDataLoader``.
    """

    batch_size: int
    num_workers: int
    collate_fn: Callable[[list[Any]], Any] | None
    pin_memory: bool
    pin_memory_device: str
    timeout: float
    worker_init_fn: Callable[[int], None] | None
    multiprocessing_context: str | BaseContext | None
    generator: Generator | None
    prefetch_factor: int | None
    persistent_workers: bool
    snapshot_every_n_steps: int | None


class ObjectLoader(_Loader):  # type: ignore[misc, unused-ignore]
    """A ``StatefulDataLoader`` (without torchdata, a ``DataLoader``) that knows its dataset.

    It refuses a state that does not fit before any worker starts, and starts anew if
    ``dataset.set_epoch()`` has chosen another epoch than that of a state.

    Parameters
    ----------
    dataset : ResumableDataset
        What to load.
    **options
        Of the class it is built on.
    """

    def __init__(self, dataset: ResumableDataset, **options: Unpack[LoaderArguments]) -> None:
        batch_size = options.setdefault("batch_size", dataset.batch_size)
        if batch_size != dataset.batch_size:
            raise ConfigError(
                f"The dataset's batches have {dataset.batch_size} samples: a loader with"
                f" batch_size={batch_size} would mix them up. Make the dataset with that size."
            )
        if dataset.transform is None:
            options.setdefault("collate_fn", list)
        with warnings.catch_warnings():
            # torchdata 0.11 calls what torch has deprecated since.
            warnings.filterwarnings("ignore", "'set_vital' is deprecated", UserWarning)
            super().__init__(dataset, **options)
        self._epoch_of_state: int | None = None

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where the state was saved, in the next iteration.

        Raises
        ------
        StateError
            It is of other data, another order, another global batch or number of workers.
        ConfigError
            There is no torchdata.
        """
        if not STATEFUL:
            raise ConfigError("Loaders have states with torchdata: install torchdata>=0.11.")
        if state_dict:
            found = check_loader_state(state_dict, self.num_workers)
            check_order(self.dataset._order_facts, {"order": found.order})
            self.dataset._check_belongs(found, any_worker=True)
            self._epoch_of_state = found.plan.place.epoch
            self.dataset.set_epoch(self._epoch_of_state)
        super().load_state_dict(state_dict)

    def __iter__(self) -> Iterator[Any]:
        if self._epoch_of_state not in (None, self.dataset.epoch):
            super().load_state_dict({})
            self.next_iter_state = None
        self._epoch_of_state = None
        iterator: Iterator[Any] = super().__iter__()
        # Without workers, the dataset itself counts what the loop waits for.
        return _Timed(iterator) if self.num_workers else iterator


class _Timed(Iterator[Any]):
    """An iterator of a loader that counts what the loop over it waits for."""

    def __init__(self, batches: Iterator[Any]) -> None:
        self._batches = batches
        self._after: float | None = None

    def __next__(self) -> Any:
        before = time.perf_counter()
        if self._after is not None:
            _timing.SECONDS["consumer"] += before - self._after
        try:
            return next(self._batches)
        finally:
            self._after = time.perf_counter()
            _timing.SECONDS["wait"] += self._after - before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batches, name)
