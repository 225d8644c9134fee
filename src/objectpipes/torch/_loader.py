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


class LoaderArguments(TypedDict, total=False):
    """The keyword arguments of a ``DataLoader`` that suit a dataset with its own order.

    ``snapshot_every_n_steps`` is an argument of torchdata's ``StatefulDataLoader``.
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

    It refuses a foreign state before any worker starts. If ``dataset.set_epoch()`` has chosen
    another epoch than that of a loaded state, it begins that epoch at its first sample.

    Parameters
    ----------
    dataset : ResumableDataset
        The dataset to load.
    **options
        Options of the base class.
    """

    def __init__(self, dataset: ResumableDataset, **options: Unpack[LoaderArguments]) -> None:
        batch_size = options.setdefault("batch_size", dataset.batch_size)
        if batch_size != dataset.batch_size:
            raise ConfigError(
                f"The dataset has batch_size={dataset.batch_size}, so the loader cannot have"
                f" batch_size={batch_size}. Make the dataset with that size."
            )
        if dataset.transform is None:
            options.setdefault("collate_fn", list)
        with warnings.catch_warnings():
            # torchdata 0.11 calls a function that torch has deprecated since.
            warnings.filterwarnings("ignore", "'set_vital' is deprecated", UserWarning)
            super().__init__(dataset, **options)
        self._place = 0  # number of the dataset's place when a state was loaded or workers started
        self._has_state = False

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue, in the next iteration, where the state was saved.

        Parameters
        ----------
        state_dict : dict
            The result of ``state_dict()`` of a loader with the same options.

        Raises
        ------
        StateError
            The state belongs to other data, another order, another global batch or another number
            of workers.
        ConfigError
            torchdata is not installed.
        """
        if not STATEFUL:
            raise ConfigError("A loader has a state only with torchdata: install torchdata>=0.11.")
        if state_dict:
            found = check_loader_state(state_dict, self.num_workers)
            check_order(self.dataset._order_facts, {"order": found.order})
            self.dataset._check_belongs(found, any_worker=True)
            self.dataset.set_epoch(found.plan.place.epoch)
            self._place, self._has_state = self.dataset._place_number, True
        super().load_state_dict(state_dict)

    def _get_iterator(self) -> Any:
        iterator = super()._get_iterator()
        self._place = self.dataset._place_number
        return iterator

    def __iter__(self) -> Iterator[Any]:
        # What the dataset was told last holds. It overrides a state, and an iteration that
        # state_dict() has begun. Running workers learn of it unless the place is scattered.
        early = getattr(self, "_initial_iter_for_state_dict", False)
        outdated = self._has_state or early or self.dataset._scattered
        if outdated and self._place != self.dataset._place_number:
            self._iterator = None
            self._initial_iter_for_state_dict = False
            self.next_iter_state = None
        self._has_state = False
        iterator: Iterator[Any] = super().__iter__()
        # Without workers, the dataset itself counts how long the loop waits.
        return _Timed(iterator) if self.num_workers else iterator


class _Timed(Iterator[Any]):
    """An iterator of a loader that counts how long the loop over it waits."""

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
