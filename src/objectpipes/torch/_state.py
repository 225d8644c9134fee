"""The state of a dataset, of a loader (which holds those of its workers), and of all ranks."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import StateError
from ._order import Place, Plan, Stream

_FORMAT = 1
_MAX_COUNT = (1 << 63) - 1


@dataclass(frozen=True)
class DatasetState:
    """How much one process's copy of a dataset has delivered."""

    order: dict[str, Any]  # determines the order of samples; the same for all processes
    plan: Plan  # how that order is cut into batches
    # Whether the number of delivered batches does not determine which samples were read.
    shifts: bool
    stream: Stream  # what was delivered

    def write(self) -> dict[str, Any]:
        """Return the state as plain data."""
        plan = asdict(self.plan)
        return {
            **write_place(self.order, self.plan.place),
            **{name: plan[name] for name in ("samples", "batch_size", "ranks", "uneven")},
            "shifts": self.shifts,
            **asdict(self.stream),
        }

    @classmethod
    def read(cls, state: Mapping[str, Any]) -> DatasetState:
        """Make a state from plain data."""
        place = read_place(state)
        with _reading_fields():
            plan = Plan(
                _count(state, "samples", 1),
                _count(state, "batch_size", 1),
                _count(state, "ranks", 1),
                str(state["uneven"]),
                place,
            )
            counts = {name: _count(state, name) for name in ("rank", "worker", "taken", "inside")}
            stream = Stream(**counts, workers=_count(state, "workers", 1))
            if stream.rank >= plan.ranks or stream.worker >= stream.workers:
                raise ValueError(f"rank {stream.rank}, worker {stream.worker}")
            if not isinstance(state["shifts"], bool):
                raise ValueError(f"shifts is {state['shifts']!r}")
            return cls(dict(state["order"]), plan, state["shifts"], stream)


def write_place(order: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """Return a place in an order as plain data."""
    return {
        "objectpipes": _FORMAT,
        "order": dict(order),
        "epoch": place.epoch,
        "start": place.start,
        "extra": [*place.extra],
        "begun": [[*pair] for pair in place.begun],
    }


def read_place(state: Mapping[str, Any]) -> Place:
    """Return the place where an iteration began, or that all ranks have reached."""
    version = state.get("objectpipes") if isinstance(state, Mapping) else None
    if version is None:
        if _is_of_loader(state):
            raise StateError(
                "This is the state of a loader, not of a dataset. Pass it to the loader's"
                " load_state_dict(). Or merge the states of all ranks with merge_states(), and pass"
                " the result to the dataset."
            )
        raise StateError("This is not the state of a dataset of objectpipes.")
    with _reading_fields():
        if _count(state, "objectpipes") > _FORMAT:
            raise StateError(
                f"A newer objectpipes has written this state, in format {version}: update"
                " objectpipes."
            )
        start, extra = _count(state, "start"), tuple(state["extra"])
        if any(position <= before for before, position in itertools.pairwise((start, *extra))):
            raise ValueError(f"extra is {extra}")
        begun = tuple((int(position), int(count)) for position, count in state["begun"])
        return Place(_count(state, "epoch"), start, extra, begun)


def _count(state: Mapping[str, Any], name: str, minimum: int = 0) -> int:
    number = state[name]
    if not isinstance(number, int) or not minimum <= number <= _MAX_COUNT:
        raise ValueError(f"{name} is {number!r}")
    return number


@contextlib.contextmanager
def _reading_fields() -> Iterator[None]:
    """Report which field of a state is missing or makes no sense."""
    try:
        yield
    except StateError:
        raise
    except KeyError as error:
        raise StateError(
            f"The state has no {error}, so it is not the state of a dataset in an iteration."
        ) from None
    except (TypeError, ValueError) as error:
        raise StateError(f"The state is damaged: {error}.") from None


def check_order(expected: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Compare the data that determines the order of samples."""
    found = state.get("order")
    if not isinstance(found, Mapping):
        raise StateError(
            "The state has no 'order', so it is not the state of a dataset of objectpipes."
        )
    for name in {**expected, **found}:
        if expected.get(name) != found.get(name):
            raise StateError(
                "The state belongs to another order of samples: it was saved with"
                f" {name}={found.get(name)!r}, but this dataset has {name}={expected.get(name)!r}."
                " Make the dataset with the data and options of the run that saved the state."
            )


def merge_states(states: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge the states of all ranks into one, for a job with other ranks or workers.

    Parameters
    ----------
    states : iterable of dict
        The state of each rank's loader (or of its dataset, if it is iterated without a loader), all
        saved at the same step.

    Returns
    -------
    dict
        A state for ``dataset.load_state_dict()``: load it on every rank, before the loader starts
        its workers.

    Raises
    ------
    StateError
        The state of a rank is missing, or the states do not belong together.

    Examples
    --------
    >>> dataset.load_state_dict(merge_states([torch.load(f"rank{i}.pt") for i in range(8)]))
    """
    ranks = [_RankState.read(state) for state in states]
    if not ranks:
        raise StateError("There are no states to merge.")
    first = ranks[0].example
    for other in ranks[1:]:
        check_order(first.order, {"order": other.example.order})
        if (other.example.plan, other.example.shifts) != (first.plan, first.shifts):
            raise StateError(
                "The states do not belong together: they differ in the epoch, in where they began,"
                " or in batch_size, ranks, uneven or on_error."
            )
    found = sorted(rank.example.stream.rank for rank in ranks)
    if found != [*range(first.plan.ranks)]:
        raise StateError(
            f"merge_states() needs one state of each of the {first.plan.ranks} ranks. These are"
            f" from ranks {', '.join(map(str, found))}."
        )
    if all(rank.finished for rank in ranks):
        return write_place(first.order, Place(first.plan.place.epoch, first.plan.samples))
    if not first.shifts:
        _check_steps(ranks, first.plan)
    streams = [stream for rank in ranks for stream in rank.streams]
    return write_place(first.order, first.plan.place_after(streams))


@dataclass(frozen=True)
class _RankState:
    """How much one rank has delivered."""

    example: DatasetState  # of one of its workers
    streams: list[Stream]  # what each worker has delivered
    finished: bool  # whether its loader has reached the end of the epoch

    @classmethod
    def read(cls, state: Mapping[str, Any]) -> _RankState:
        if not _is_of_loader(state):
            found = DatasetState.read(state)
            return cls(found, [found.stream], False)
        finished = bool(state.get("_iterator_finished"))
        workers, steps, since = _unpack(state)
        example = workers[0]
        plan, rank = example.plan, example.stream.rank
        if any(
            (worker.order, worker.plan, worker.stream.rank) != (example.order, plan, rank)
            for worker in workers
        ):
            raise StateError(
                "The state of this loader is damaged: its workers' states do not belong together."
            )
        streams = [worker.stream for worker in workers]
        if since == 0:
            return cls(example, streams, finished)
        if example.shifts:
            raise StateError(
                f"This state was saved {since} steps after the loader's last snapshot. With"
                " uneven='keep' and on_error='skip', or without an index of the shards, states can"
                " be merged only at a snapshot: make the loader with snapshot_every_n_steps=1."
            )
        taken = min((steps + since) * plan.batch_size, plan.length(rank))
        return cls(example, [Stream(rank, 0, 1, taken)], finished)


def _is_of_loader(state: object) -> bool:
    return isinstance(state, Mapping) and ("_snapshot" in state or "_num_yielded" in state)


def _unpack(state: Mapping[str, Any]) -> tuple[list[DatasetState], int, int]:
    """Return the workers' states at the last snapshot, its step, and the steps since."""
    try:
        if "_snapshot" not in state:
            return [DatasetState.read(state["dataset_state"])], state["_num_yielded"], 0
        snapshot = state["_snapshot"]
        workers = snapshot["_worker_snapshots"]
        found = [
            DatasetState.read(workers[f"worker_{number}"]["dataset_state"])
            for number in range(len(workers))
        ]
        return found, snapshot["_snapshot_step"], state["_steps_since_snapshot"]
    except (KeyError, TypeError):
        raise StateError(
            "This is not the state of a loader with a dataset of objectpipes."
        ) from None


def check_loader_state(state: Mapping[str, Any], workers: int) -> DatasetState:
    """Return the state of a loader's first worker.

    The loader must have had the same number of workers, and the same kind of dataset.
    """
    found, _, _ = _unpack(state)
    saved = len(found) if "_snapshot" in state else 0
    if saved != workers:
        raise StateError(
            f"The loader that saved this state had num_workers={saved}, but this one has {workers}."
            " To continue with another number of workers, collect the states of all ranks and call"
            " dataset.load_state_dict(merge_states(states))."
        )
    return found[0]


def _check_steps(ranks: list[_RankState], plan: Plan) -> None:
    """Refuse states that were saved at different steps. A rank may end before another one."""
    taken = [(rank.streams[0].rank, sum(stream.taken for stream in rank.streams)) for rank in ranks]
    furthest = max(count for _, count in taken)
    for rank, count in taken:
        if count != furthest and count < plan.length(rank):
            raise StateError(
                f"The states do not belong together: rank {rank} has read {count} samples, but"
                f" another one {furthest}. Save them when all ranks have done the same number of"
                " steps."
            )
