"""What all resumable datasets have in common; what they read is their own."""

from __future__ import annotations

import abc
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any, Protocol

from torch.utils.data import IterableDataset, get_worker_info

from .. import _timing
from .._checks import check_choice, check_count
from .._ranks import rank_and_ranks
from ..errors import ConfigError, ObjectStoreError, StateError, TransformError
from ..manifest import Manifest
from ._order import Place, Plan, Stream
from ._shared import Shared
from ._state import DatasetState, check_order, read_place

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._loader import LoaderArguments, ObjectLoader

__all__ = ["Order", "Progress", "ResumableDataset", "check_manifest", "transformed"]

_log = logging.getLogger("objectpipes")


class Order(Protocol):
    """Numbers of samples by their position in an epoch."""

    def __getitem__(self, position: int, /) -> int: ...


class Outcomes(Iterator[Any], Protocol):
    """Samples in the order they were asked for, an error in the place of one; to be closed."""

    def close(self) -> None:
        """Give up what has not been read."""


class ResumableDataset(IterableDataset[Any], abc.ABC):
    """Delivers samples in an order that any state of it leads back into.

    A subclass says how many samples there are, in which order, and how they are read.

    Parameters
    ----------
    samples
        Their number.
    order
        Plain data that the order depends on, beside the epoch: a state of another is refused.
    transform, batch_size, uneven, on_error, rank, ranks
        As in `ObjectDataset`.

    Raises
    ------
    ConfigError
        An option can never work, or there are no samples.
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
            raise ConfigError("The manifest is empty: nothing was listed, or nothing passed.")
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
        self._go_on_at: tuple[int, Place] = (0, Place())  # the place with that number
        self._used_place = 0
        self._board = ""
        self._loaded: DatasetState | None = None
        self._progress: Progress | None = None

    # --- what a subclass is ----------------------------------------------------------------------

    @abc.abstractmethod
    def _order(self, epoch: int) -> Order:
        """Return the order of an epoch."""

    @abc.abstractmethod
    def _read(self, numbers: Iterator[int]) -> Outcomes:
        """Read samples ahead: give them in order, and the error in the place of an unreadable one.

        Any other exception ends the iteration.
        """

    @abc.abstractmethod
    def _url(self, number: int) -> str:
        """Return the URL of a sample, for errors."""

    def _plan(self, place: Place, ranks: int) -> Plan:
        """Return how the order is cut into batches."""
        return Plan(self._samples, self.batch_size, ranks, self.uneven, place)

    @property
    def _shifts(self) -> bool:
        """Whether batches do not tell what was read."""
        return self.uneven == "keep" and self.on_error == "skip"

    # --- where it is -----------------------------------------------------------------------------

    @property
    def epoch(self) -> int:
        """Number of the epoch that is read next, or being read."""
        return self._shared.epoch

    @property
    def skipped(self) -> int:
        """Samples left out as unreadable since the dataset was made, by workers too."""
        return self._shared.skipped

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next iteration; reaches workers that persist.

        The epoch that a state or `resume` has set is gone on with, any other begins anew.
        Without this, all iterations have the order of epoch 0.
        """
        epoch = check_count("epoch", epoch)
        if epoch != self._shared.epoch:
            self._go_to(Place(epoch))
        self._shared.set(epochs_set=self._shared.epochs_set + 1)

    def resume(self, epoch: int, samples: int) -> None:
        """Go on in the middle of an epoch, of which nothing is known but how much was read.

        Parameters
        ----------
        epoch : int
            Its number.
        samples : int
            Samples read of it by all ranks together: a multiple of the global batch.

        Raises
        ------
        ConfigError
            There are no such epoch and place.
        """
        batch = self.batch_size * self._rank_and_ranks()[1]
        whole_epoch = -(-self._samples // batch) * batch
        epoch = check_count("epoch", epoch)
        whole = isinstance(samples, int) and not samples % batch
        if not whole or not 0 <= samples <= whole_epoch:
            raise ConfigError(
                f"resume(epoch={epoch}, samples={samples}) must name samples of all ranks: a"
                f" multiple of the global batch of {batch}, up to {whole_epoch}."
            )
        self._go_to(Place(epoch, min(samples, self._samples)))

    def state_dict(self) -> dict[str, Any]:
        """Return where this process is in iterating over the dataset, as small plain data.

        A loader that is stateful asks its workers for this; ask the loader for theirs.
        """
        if self._progress is not None:
            return self._progress.state.write()
        return (self._loaded or self._state(self._next_place(), 0)).write()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was saved, in the next iteration.

        Parameters
        ----------
        state : dict
            What `merge_states` or `state_dict` has returned.

        Raises
        ------
        StateError
            It is of other data or of another order; or `state_dict` of another global batch, or
            another worker, has returned it.
        """
        place = read_place(state)
        check_order(self._order_facts, state)
        if max(place.start, *place.extra, 0) > self._samples:
            raise StateError(
                f"The state is damaged: it is at {place.start} of {self._samples} samples."
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
        """Refuse the state of another global batch or, unless told otherwise, another worker."""
        here = self._state(loaded.plan.place, 0)
        if loaded.plan != here.plan or loaded.shifts != here.shifts:
            saved = loaded.plan
            raise StateError(
                f"The state was saved with batch_size={saved.batch_size} on {saved.ranks} ranks and"
                f" uneven={saved.uneven!r}; here it is batch_size={self.batch_size} on"
                f" {here.plan.ranks} and uneven={self.uneven!r}. dataset.load_state_dict("
                "merge_states([the states of all ranks])) goes on with any of them."
            )
        theirs, ours = loaded.stream, here.stream
        if loaded.shifts and theirs.rank != ours.rank:
            raise StateError(f"The state is that of rank {theirs.rank}, this is rank {ours.rank}.")
        if not any_worker and (theirs.worker, theirs.workers) != (ours.worker, ours.workers):
            raise StateError(
                f"The state is that of worker {theirs.worker} of {theirs.workers}, this is worker"
                f" {ours.worker} of {ours.workers}. dataset.load_state_dict(merge_states([the"
                " states of all ranks])) goes on with any number of workers."
            )

    def _go_to(self, place: Place) -> None:
        """Have the next iteration begin there, in workers too; only that one."""
        number = self._shared.place + 1
        self._go_on_at = (number, place)
        self._loaded = None
        self._progress = None
        self._shared.set(epoch=place.epoch, start=place.start, place=number, seed_of_place=0)

    def _next_place(self) -> Place:
        shared = self._shared
        if self._used_place == shared.place:
            return Place(shared.epoch)
        info = get_worker_info()
        # Workers of one iteration have one base seed: those of the next find the place used.
        if info is not None and shared.seed_of_place not in (0, _base_seed(info)):
            return Place(shared.epoch)
        number, place = self._go_on_at
        return place if number == shared.place else Place(shared.epoch, shared.start)

    def _begin(self) -> DatasetState:
        """Decide where an iteration begins."""
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
        if get_worker_info() is not None:
            _timing.join(self._board)
        state = self._begin()
        plan = state.plan
        if self.uneven == "drop" and self._samples < plan.ranks:
            raise ConfigError(
                f"{self._samples} samples are not enough for {plan.ranks} ranks: with"
                " uneven='drop' none would be left. Use uneven='pad' or 'keep', or fewer ranks."
            )
        if plan.total == 0 and plan.unread == self._samples:
            _log.warning(
                "No batch is left: %d samples are less than a global batch of %d, and"
                " uneven='drop'",
                self._samples,
                plan.global_batch,
            )
        self._progress = Progress(state)
        return self._iterate(self._progress)

    def _iterate(self, progress: Progress) -> Iterator[Any]:
        plan, stream = progress.state.plan, progress.state.stream
        order = self._order(plan.place.epoch)

        def numbers_of(batch: range) -> list[int]:
            return [order[plan.position(number)] for number in batch]

        ahead: deque[int] = deque()  # what is being read

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
                    yield made.pop()  # and nothing of it is kept here

    def _transformed(self, outcome: Any, number: int) -> Any:
        """Return what the user gets, or the error if the sample cannot be read."""
        if isinstance(outcome, ObjectStoreError):
            return outcome
        try:
            return transformed(self.transform, outcome, lambda: self._url(number))
        except TransformError:
            raise
        except ObjectStoreError as error:  # a streamed object is read only here
            return error

    def _count_skipped(self, error: ObjectStoreError) -> None:
        if self.on_error == "raise":
            raise error
        info = get_worker_info()
        self._shared.count_skipped(-1 if info is None else info.id)
        _log.warning("skipped: %s", error)

    def _replacement(self, batch: list[int], index: int, error: ObjectStoreError) -> Any:
        """Read the sample before an unreadable one in its batch, or the next one."""
        for number in (*batch[:index][::-1], *batch[index + 1 :]):
            with closing(self._read(iter([number]))) as outcomes:
                sample = self._transformed(next(outcomes), number)
            if not isinstance(sample, ObjectStoreError):
                return sample
        raise error

    def loader(self, **options: Unpack[LoaderArguments]) -> ObjectLoader:
        """Make the loader that fits: a ``StatefulDataLoader`` where torchdata is installed.

        Parameters
        ----------
        **options
            As of that class or, without torchdata, of ``torch.utils.data.DataLoader``. Samples
            that no transform has changed come as lists.

        Returns
        -------
        ObjectLoader
            Gives batches.

        Raises
        ------
        ConfigError
            An option contradicts the dataset.
        """
        from ._loader import ObjectLoader

        return ObjectLoader(self, **options)

    def __getstate__(self) -> dict[str, Any]:
        """Take along what a worker that is spawned cannot find out; not where an iteration is."""
        state = {**self.__dict__, "_progress": None, "_board": _timing.board()}
        if self._given_ranks is None:
            state["_ranks_of_parent"] = self._rank_and_ranks()
        return state


class Progress:
    """An iteration under way."""

    def __init__(self, state: DatasetState) -> None:
        self._began = state
        self.taken = state.stream.taken
        self.inside = state.stream.inside

    @property
    def state(self) -> DatasetState:
        began = self._began
        stream = began.stream
        return DatasetState(
            began.order,
            began.plan,
            began.shifts,
            Stream(stream.rank, stream.worker, stream.workers, self.taken, self.inside),
        )


def check_manifest(manifest: object) -> None:
    """Raise `TypeError` for what is no manifest, such as a list of URLs."""
    if not isinstance(manifest, Manifest):
        raise TypeError(
            f"manifest must be a Manifest, not {type(manifest).__name__}: Manifest.from_urls(urls)"
            " makes one of URLs."
        )


def _checked_ranks(rank: int | None, ranks: int | None) -> tuple[int, int] | None:
    if rank is None and ranks is None:
        return None
    if rank is None or ranks is None:
        raise ConfigError(f"rank and ranks go together: they are {rank!r} and {ranks!r}.")
    ranks = check_count("ranks", ranks, minimum=1)
    return check_count("rank", rank, maximum=ranks - 1), ranks


def transformed(transform: Callable[[Any], Any] | None, sample: Any, url: Callable[[], str]) -> Any:
    """Return what `transform` makes of a sample.

    Raises
    ------
    TransformError
        It raised; names the URL.
    ObjectStoreError
        The sample could not be read.
    """
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


def _base_seed(info: Any) -> int:
    return int(info.seed) - int(info.id)
