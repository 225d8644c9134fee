"""The part that all resumable datasets share: places, states, ranks, the loop over samples."""

from __future__ import annotations

import abc
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from torch.utils.data import IterableDataset, get_worker_info

from .. import _timing
from .._checks import check_choice, check_count
from .._importing import importing
from .._ranks import rank_and_ranks
from ..errors import ConfigError, ObjectStoreError, StateError, TransformError
from ..manifest import Manifest
from ._order import Place, Plan, Stream
from ._shared import Shared
from ._state import DatasetState, check_order, read_place

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._loader import LoaderArguments, ObjectLoader

_log = logging.getLogger("objectpipes")


class Order(Protocol):
    """Numbers of samples by their position in an epoch."""

    def __getitem__(self, position: int, /) -> int: ...


class Outcomes(Iterator[Any], Protocol):
    """Samples in the order of the request, or the error of one. The caller closes it."""

    def close(self) -> None:
        """Cancel the remaining reads."""


class ResumableDataset(IterableDataset[Any], abc.ABC):
    """Delivers samples in an order that can be resumed at any sample.

    A subclass says how many samples an epoch has, in which order they come, and how to read them.
    `order` is plain data that determines the order, apart from the epoch. A state with other data
    is refused. All other options are those of `ObjectDataset`.
    """

    def __init__(
        self,
        samples: int,
        order: Mapping[str, Any],
        transform: Callable[[Any], Any] | None,
        *,
        batch_size: int,
        uneven: str,
        on_error: str,
        rank: int | None,
        ranks: int | None,
    ) -> None:
        super().__init__()
        if samples < 1:
            raise ConfigError("There are no samples: the manifest, or every shard in it, is empty.")
        check_choice("uneven", uneven, ("drop", "pad", "keep"))
        check_choice("on_error", on_error, ("raise", "skip"))
        if transform is not None and not callable(transform):
            raise ConfigError(f"transform must be callable, not {type(transform).__name__}.")
        self.transform = transform
        self.batch_size = check_count("batch_size", batch_size, minimum=1)
        self.uneven = uneven
        self.on_error = on_error
        self._samples = samples
        self._order_facts = dict(order)
        self._given_ranks = _checked_ranks(rank, ranks)
        self._ranks_of_parent: tuple[int, int] | None = None
        self._shared = Shared()
        self._next_start: tuple[int, Place] = (0, Place())  # number of a place, and the place
        self._used_place = 0  # number of the last place at which an iteration began here
        self._board = ""
        self._loaded: DatasetState | None = None
        self._progress: Progress | None = None

    # --- for subclasses --------------------------------------------------------------------------

    @abc.abstractmethod
    def _order(self, epoch: int) -> Order:
        """Return the order of an epoch."""

    @abc.abstractmethod
    def _read(self, numbers: Iterator[int]) -> Outcomes:
        """Read samples ahead. Yield each in order, or its `ObjectStoreError` if it is unreadable.

        Any other exception ends the iteration.
        """

    @abc.abstractmethod
    def _url(self, number: int) -> str:
        """Return the URL of a sample, for errors."""

    def _plan(self, place: Place, ranks: int) -> Plan:
        """Return how to cut the order into batches."""
        return Plan(self._samples, self.batch_size, ranks, self.uneven, place)

    @property
    def _shifts(self) -> bool:
        """Whether the number of delivered batches does not determine which samples were read."""
        return self.uneven == "keep" and self.on_error == "skip"

    # --- epochs and states -----------------------------------------------------------------------

    @property
    def epoch(self) -> int:
        """Number of the current epoch, or of the next one if none is being read."""
        return self._shared.epoch

    @property
    def _place_number(self) -> int:
        """A number that changes when the next iteration is told to begin somewhere else."""
        return self._shared.place

    @property
    def _scattered(self) -> bool:
        """Whether running workers cannot get all of the place where the next iteration begins."""
        return bool(self._shared.scattered)

    @property
    def skipped(self) -> int:
        """Number of unreadable samples since the dataset was made, in workers too."""
        return self._shared.skipped

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, and so the order, of the next iteration, in persistent workers too.

        If a state or `resume` has set the same epoch, it is continued. Any other epoch begins at
        its first sample. Without this call, all iterations have the order of epoch 0.

        Parameters
        ----------
        epoch : int
            Its number, from 0 on.

        Raises
        ------
        ConfigError
            It is not such a number.
        """
        epoch = check_count("epoch", epoch)
        if epoch != self._shared.epoch:
            self._go_to(Place(epoch))
        self._shared.set(epochs_set=self._shared.epochs_set + 1)

    def resume(self, epoch: int, samples: int) -> None:
        """Resume in the middle of an epoch without a state, from a count of samples.

        Parameters
        ----------
        epoch : int
            Number of the epoch.
        samples : int
            How many of its samples all ranks together have read: a multiple of the global batch.

        Raises
        ------
        ConfigError
            The epoch is not a number from 0 on, or `samples` is not such a multiple, or is more
            than an epoch has.
        """
        batch = self.batch_size * self._rank_and_ranks()[1]
        whole_epoch = -(-self._samples // batch) * batch
        epoch = check_count("epoch", epoch)
        number: int | None = None
        with suppress(ConfigError):
            number = check_count("samples", samples, maximum=whole_epoch)
        if number is None or number % batch:
            raise ConfigError(
                f"resume(epoch={epoch}, samples={samples}) must name samples of all ranks: a"
                f" multiple of the global batch of {batch}, up to {whole_epoch}."
            )
        self._go_to(Place(epoch, min(number, self._samples)))

    def state_dict(self) -> dict[str, Any]:
        """Return how far this process has iterated over the dataset, as small plain data.

        With a loader, call the loader's ``state_dict()`` instead: it collects those of its workers.
        """
        if self._progress is not None:
            return self._progress.state.write()
        return (self._loaded or self._state(self._next_place(), 0)).write()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue, in the next iteration, where a state was saved.

        Parameters
        ----------
        state : dict
            The result of `merge_states` or `state_dict`. Load it before the loader starts workers.

        Raises
        ------
        StateError
            The state belongs to other data or another order. Or it is a result of `state_dict`
            with another global batch or in another worker.
        """
        place = read_place(state)
        check_order(self._order_facts, state)
        last = (place.start, *place.extra)[-1]  # they ascend
        if last > self._samples:
            raise StateError(
                f"The state is damaged: it names sample {last}, and there are {self._samples}."
            )
        if "taken" not in state:
            self._go_to(place)
            return
        loaded = DatasetState.read(state)
        self._check_belongs(loaded)
        if get_worker_info() is None:
            self._go_to(place)
        self._loaded = loaded

    def _check_belongs(self, loaded: DatasetState, *, any_worker: bool = False) -> None:
        """Refuse the state of another global batch or, unless `any_worker`, of another worker."""
        here = self._state(loaded.plan.place, 0)
        if loaded.plan != here.plan or loaded.shifts != here.shifts:
            raise StateError(
                f"The state was saved with {_settings(loaded)}, but this dataset has"
                f" {_settings(here)}. To continue with other settings, collect the states of all"
                " ranks and call dataset.load_state_dict(merge_states(states))."
            )
        saved, ours = loaded.stream, here.stream
        if loaded.shifts and saved.rank != ours.rank:
            raise StateError(f"The state is from rank {saved.rank}, but this is rank {ours.rank}.")
        if not any_worker and (saved.worker, saved.workers) != (ours.worker, ours.workers):
            raise StateError(
                f"The state is from worker {saved.worker} of {saved.workers}, but this is worker"
                f" {ours.worker} of {ours.workers}. To continue with another number of workers,"
                " collect the states of all ranks and call"
                " dataset.load_state_dict(merge_states(states))."
            )

    def _go_to(self, place: Place) -> None:
        """Make the next iteration, and only that one, begin at a place, in workers too."""
        number = self._shared.place + 1
        self._next_start = (number, place)
        self._loaded = None
        self._progress = None
        self._shared.set(
            epoch=place.epoch,
            start=place.start,
            scattered=bool(place.extra or place.begun),
            place=number,
            seed_of_place=0,
        )

    def _next_place(self) -> Place:
        shared, info = self._shared, get_worker_info()
        # The workers of one iteration have the same base seed. Anyone else finds the place used.
        used_by = shared.seed_of_place
        if self._used_place == shared.place or used_by not in (0, info and _base_seed(info)):
            return Place(shared.epoch)
        number, place = self._next_start
        if number == shared.place:
            return place
        if shared.scattered:
            raise StateError(
                "dataset.load_state_dict() was called while the workers of this loader were"
                " already running. Load the state before the first iteration, or make a new loader."
            )
        return Place(shared.epoch, shared.start)

    def _begin(self) -> DatasetState:
        """Decide where an iteration begins, and note that its place is used."""
        loaded, self._loaded = self._loaded, None
        shared, info = self._shared, get_worker_info()
        if loaded is not None:
            epoch = loaded.plan.place.epoch
            if info is None or epoch == shared.epoch or not shared.epochs_set:
                self._check_belongs(loaded)
                self._used_place = shared.place
                return self._state(loaded.plan.place, loaded.stream.taken, loaded.stream.inside)
        place = self._next_place()
        self._used_place = shared.place
        if info is not None and not shared.seed_of_place:
            shared.set(seed_of_place=_base_seed(info))
        return self._state(place, 0)

    def _state(self, place: Place, taken: int, inside: int = 0) -> DatasetState:
        rank, ranks = self._rank_and_ranks()
        info = get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        stream = Stream(rank, worker, workers, taken, inside)
        return DatasetState(self._order_facts, self._plan(place, ranks), self._shifts, stream)

    def _rank_and_ranks(self) -> tuple[int, int]:
        if self._given_ranks is not None:
            return self._given_ranks
        if self._ranks_of_parent is not None and get_worker_info() is not None:
            return self._ranks_of_parent
        return rank_and_ranks()

    # --- reading ---------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Return how many samples of an epoch this rank delivers."""
        return self._state(Place(), 0).plan.length(self._rank_and_ranks()[0])

    def __iter__(self) -> Iterator[Any]:
        in_worker = get_worker_info() is not None
        if in_worker:
            _timing.join(self._board)
        try:
            state = self._begin()
            self._check_batches(state.plan)
        except ObjectStoreError as error:
            if not in_worker:
                raise
            return _raising(error)  # torch catches an error here in the first epoch only
        self._progress = Progress(state)
        return self._iterate(self._progress)

    def _check_batches(self, plan: Plan) -> None:
        if self.uneven == "drop" and self._samples < plan.ranks:
            raise ConfigError(
                f"{self._samples} samples are too few for {plan.ranks} ranks: uneven='drop' would"
                " drop them all. Use uneven='pad' or 'keep', or fewer ranks."
            )
        if plan.total == 0 and plan.unread == self._samples:
            _log.warning(
                "There is no batch: %d samples are fewer than a global batch of %d, and"
                " uneven='drop' drops them",
                self._samples,
                plan.global_batch,
            )

    def _iterate(self, progress: Progress) -> Iterator[Any]:
        plan, stream = progress.state.plan, progress.state.stream
        order = self._order(plan.place.epoch)

        def numbers_of(batch: range) -> list[int]:
            return [order[plan.position(number)] for number in batch]

        ahead: deque[int] = deque()  # numbers of the samples that are being read

        def wanted() -> Iterator[int]:
            for batch, offset in plan.rest(stream):
                for number in batch[offset:]:
                    ahead.append(order[plan.position(number)])
                    yield ahead[-1]

        with closing(self._read(wanted())) as reads, closing(_timing.timed(reads)) as outcomes:
            for batch, offset in plan.rest(stream):
                for index in range(offset, len(batch)):
                    made = [self._transformed(next(outcomes), ahead.popleft())]
                    if isinstance(made[0], ObjectStoreError):
                        self._count_skipped(made[0])
                        if self.uneven == "keep":
                            progress.taken += 1
                            continue
                        made = [self._replacement(numbers_of(batch), index, made[0])]
                    progress.taken += 1
                    yield made.pop()  # no variable keeps the sample while the consumer has it

    def _transformed(self, outcome: Any, number: int) -> Any:
        """Return the transformed sample, or the error if the sample cannot be read."""
        if self.transform is None or isinstance(outcome, ObjectStoreError):
            return outcome
        try:
            return transformed(self.transform, outcome, lambda: self._url(number))
        except TransformError:
            raise
        except ObjectStoreError as error:  # the transform reads a streamed object
            return error

    def _count_skipped(self, error: ObjectStoreError) -> None:
        if self.on_error == "raise":
            raise error
        info = get_worker_info()
        self._shared.count_skipped(-1 if info is None else info.id)
        _log.warning("skipped: %s", error)

    def _replacement(self, batch: list[int], index: int, error: ObjectStoreError) -> Any:
        """Return the readable sample before an unreadable one in its batch, else the next one."""
        for number in (*batch[:index][::-1], *batch[index + 1 :]):
            with closing(self._read(iter([number]))) as outcomes:
                sample = self._transformed(next(outcomes), number)
            if not isinstance(sample, ObjectStoreError):
                return sample
        raise error

    def loader(self, **options: Unpack[LoaderArguments]) -> ObjectLoader:
        """Make a loader for this dataset: a ``StatefulDataLoader`` if torchdata is installed.

        Parameters
        ----------
        **options
            Options of that class or, without torchdata, of ``torch.utils.data.DataLoader``. If the
            dataset has no transform, the default ``collate_fn`` is ``list``.

        Returns
        -------
        ObjectLoader
            An iterable of batches.

        Raises
        ------
        ConfigError
            ``batch_size`` is not that of the dataset.
        """
        with importing:
            from ._loader import ObjectLoader

        return ObjectLoader(self, **options)

    def __getstate__(self) -> dict[str, Any]:
        """Add what a spawned worker cannot find out; leave out the current iteration."""
        state = {**self.__dict__, "_progress": None, "_board": _timing.board()}
        if self._given_ranks is None:
            state["_ranks_of_parent"] = self._rank_and_ranks()
        return state


class Progress:
    """How far an iteration has come."""

    def __init__(self, state: DatasetState) -> None:
        self._began = state
        self.taken = state.stream.taken
        self.inside = state.stream.inside

    @property
    def state(self) -> DatasetState:
        stream = replace(self._began.stream, taken=self.taken, inside=self.inside)
        return replace(self._began, stream=stream)


def _raising(error: ObjectStoreError) -> Iterator[Any]:
    yield from ()
    raise error


def check_manifest(manifest: object) -> None:
    """Raise `TypeError` for anything but a manifest, such as a list of URLs."""
    if not isinstance(manifest, Manifest):
        raise TypeError(
            f"manifest must be a Manifest, not {type(manifest).__name__}. Manifest.from_urls(urls)"
            " makes one from URLs."
        )


def _checked_ranks(rank: int | None, ranks: int | None) -> tuple[int, int] | None:
    if rank is None and ranks is None:
        return None
    if rank is None or ranks is None:
        raise ConfigError(f"Give both rank and ranks, or neither: they are {rank!r} and {ranks!r}.")
    ranks = check_count("ranks", ranks, minimum=1)
    return check_count("rank", rank, maximum=ranks - 1), ranks


def transformed(transform: Callable[[Any], Any] | None, sample: Any, url: Callable[[], str]) -> Any:
    """Apply `transform` to a sample. The error names the URL."""
    if transform is None:
        return sample
    begun = time.perf_counter()
    try:
        return transform(sample)
    except ObjectStoreError:
        raise
    except Exception as error:
        raise TransformError(
            f"The transform raised {type(error).__name__}: {error}", url=url()
        ) from error
    finally:
        _timing.count_transform(time.perf_counter() - begun)


def _settings(state: DatasetState) -> str:
    plan = state.plan
    skips = ", on_error='skip' or no index" if state.shifts else ""
    return f"batch_size={plan.batch_size}, ranks={plan.ranks}, uneven={plan.uneven!r}{skips}"


def _base_seed(info: Any) -> int:
    return int(info.seed) - int(info.id)
