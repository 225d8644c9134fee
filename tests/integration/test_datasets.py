"""Datasets deliver each sample once, and continue exactly where they were stopped."""

from __future__ import annotations

import copy
import functools
import importlib.util
import io
import itertools
import json
import logging
import multiprocessing
import multiprocessing.reduction
import pickle
import random
import weakref
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy
import pytest
import torch
from torch.utils.data import DataLoader, DistributedSampler, WeightedRandomSampler

from faults import FaultServer, kinds
from integration.pipes import config_for
from objectpipes import Manifest, ObjectUrl
from objectpipes.errors import (
    ConfigError,
    ObjectChangedError,
    ObjectNotFoundError,
    StateError,
    TransformError,
)
from objectpipes.torch import ObjectDataset, ObjectMapDataset, merge_states

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    # A warning of DataLoader on a machine with fewer processors than workers.
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
    # Of StatefulDataLoader with a newer torch.
    pytest.mark.filterwarnings("ignore:'set_vital' is deprecated:UserWarning"),
]

needs_states = pytest.mark.skipif(
    importlib.util.find_spec("torchdata") is None
    or importlib.util.find_spec("torchdata.nodes") is None,
    reason="there is no torchdata >= 0.11",
)
METHODS = [
    method
    for method in ("fork", "spawn", "forkserver")
    if method in multiprocessing.get_all_start_methods()
]
if "forkserver" in METHODS:
    multiprocessing.set_forkserver_preload(["torch"])  # else every worker loads it anew

SAMPLES = 103
CONTENT = {f"{i:03}": bytes([i]) * (i * 10 + 1) for i in range(SAMPLES)}
LARGE = random.Random(0).randbytes(3 << 20)


@pytest.fixture(scope="module")
def store() -> Iterator[FaultServer]:
    content = {"bucket": CONTENT, "large": {f"{i}": LARGE for i in range(4)}}
    with FaultServer(content, checksum="CRC32C", page_size=25) as running:
        yield running


@pytest.fixture
def server(store: FaultServer) -> Iterator[FaultServer]:
    yield store
    store.faults.clear()


@pytest.fixture
def manifest(server: FaultServer) -> Manifest:
    return Manifest.list("s3://bucket/", config=config_for(server))


def number_of(reader: Any) -> int:
    """Check the content, and return which object it is."""
    number = int(reader.url[-3:])
    assert reader.read() == CONTENT[f"{number:03}"]
    return number


class Sample:
    """Something that can be referred to weakly."""

    def __init__(self, reader: Any) -> None:
        self.content = reader.read()


def make(manifest: Manifest, server: FaultServer, **options: Any) -> ObjectDataset:
    defaults: dict[str, Any] = {
        "batch_size": 4,
        "shuffle": True,
        "seed": 1,
        "config": config_for(server),
    }
    transform = options.pop("transform", number_of)
    return ObjectDataset(manifest, transform, **(defaults | options))


def batches(loader: Any) -> list[list[int]]:
    return [batch.tolist() for batch in loader]


def test_nothing_holds_a_sample_that_the_consumer_has_dropped(
    manifest: Manifest, server: FaultServer
) -> None:
    """Its memory is free while the dataset waits for the consumer."""
    samples = iter(make(manifest, server, shuffle=False, transform=Sample))
    for _ in range(3):
        dropped = weakref.ref(next(samples))
        assert dropped() is None


def test_an_empty_batch_is_empty(manifest: Manifest, server: FaultServer) -> None:
    assert ObjectMapDataset(manifest, config=config_for(server)).__getitems__([]) == []


def stop_after(loader: Any, steps: int) -> tuple[list[list[int]], dict[str, Any]]:
    """Return the first batches of an iteration, and the saved state of the loader then."""
    iterator = iter(loader)
    found = [batch.tolist() for batch in itertools.islice(iterator, steps)]
    file = io.BytesIO()
    torch.save(loader.state_dict(), file)
    assert file.tell() < 10_000
    file.seek(0)
    return found, torch.load(file, weights_only=True)


# --- the map dataset -------------------------------------------------------------------------------


def test_map_dataset_reads_a_batch_at_once(manifest: Manifest, server: FaultServer) -> None:
    dataset = ObjectMapDataset(manifest, config=config_for(server))
    assert len(dataset) == SAMPLES
    assert dataset[-1].read() == CONTENT["102"]
    readers = dataset.__getitems__([*range(50, 100), 3])
    assert [number_of(reader) for reader in readers] == [*range(50, 100), 3]


@pytest.mark.parametrize("workers", [0, 2])
def test_map_dataset_with_any_sampler(
    manifest: Manifest, server: FaultServer, workers: int
) -> None:
    dataset = ObjectMapDataset(manifest, number_of, config=config_for(server))

    def load(**options: Any) -> list[int]:
        return torch.cat([*DataLoader(dataset, num_workers=workers, **options)]).tolist()

    assert load(batch_size=10) == [*range(SAMPLES)]
    assert sorted(load(batch_size=10, shuffle=True)) == [*range(SAMPLES)]
    halves: list[Any] = [DistributedSampler(dataset, 2, rank, shuffle=False) for rank in range(2)]
    assert load(batch_size=5, sampler=halves[1]) == [*range(1, SAMPLES, 2), 0]
    weights = [0.0] * 50 + [1.0] * (SAMPLES - 50)
    found = load(batch_size=5, sampler=WeightedRandomSampler(weights, 20))
    assert len(found) == 20
    assert min(found) >= 50
    assert load(batch_sampler=[[5, 1], [2]]) == [5, 1, 2]


def test_map_dataset_of_large_objects(server: FaultServer) -> None:
    """Streams can be read after their batch."""
    manifest = Manifest.list("s3://large/", config=config_for(server))
    readers = ObjectMapDataset(manifest, config=config_for(server)).__getitems__([3, 1])
    assert [reader.read() for reader in readers] == [LARGE, LARGE]


# --- the order -------------------------------------------------------------------------------------


@pytest.mark.parametrize("uneven", ["drop", "pad", "keep"])
def test_every_sample_once_on_all_ranks(
    manifest: Manifest, server: FaultServer, uneven: str
) -> None:
    ranks = [
        batches(make(manifest, server, uneven=uneven, rank=rank, ranks=3).loader())
        for rank in range(3)
    ]
    counts = Counter(itertools.chain(*itertools.chain(*ranks)))
    assert max(counts.values()) <= (2 if uneven == "pad" else 1)
    assert sum(counts.values()) == {"drop": 96, "pad": 108, "keep": 103}[uneven]
    if uneven != "drop":
        assert len(counts) == SAMPLES
    if uneven != "keep":
        assert [len(rank) for rank in ranks] == [len(ranks[0])] * 3


@pytest.mark.parametrize(("method", "workers"), [(None, 0), *itertools.product(METHODS, [3])])
def test_batches_are_the_same_for_any_workers_and_either_loader(
    manifest: Manifest, server: FaultServer, method: str | None, workers: int
) -> None:
    dataset = make(manifest, server, uneven="keep")
    samples = [*dataset]
    assert sorted(samples) == [*range(SAMPLES)]
    expected = [samples[i : i + 4] for i in range(0, SAMPLES, 4)]
    options: dict[str, Any] = {"num_workers": workers, "multiprocessing_context": method}
    assert batches(dataset.loader(**options)) == expected
    assert batches(DataLoader(dataset, batch_size=4, **options)) == expected
    assert len(dataset) == SAMPLES
    assert len(dataset.loader(**options)) == len(expected)


@pytest.mark.parametrize("method", METHODS)
def test_set_epoch_reaches_workers_that_persist(
    manifest: Manifest, server: FaultServer, method: str
) -> None:
    dataset = make(manifest, server)
    loader = dataset.loader(num_workers=2, persistent_workers=True, multiprocessing_context=method)
    orders = []
    for epoch in (0, 1, 0):
        dataset.set_epoch(epoch)
        orders.append(batches(loader))
    assert orders[0] == orders[2] != orders[1]
    assert orders[1] == batches(_in_epoch(make(manifest, server), 1).loader())


def _in_epoch(dataset: ObjectDataset, epoch: int) -> ObjectDataset:
    dataset.set_epoch(epoch)
    return dataset


def test_without_shuffle_the_order_is_the_manifests(
    manifest: Manifest, server: FaultServer
) -> None:
    dataset = make(manifest[::-1], server, shuffle=False, uneven="keep")
    assert [*dataset] == [*range(SAMPLES)][::-1]
    dataset.set_epoch(3)
    assert [*dataset] == [*range(SAMPLES)][::-1]


@pytest.mark.parametrize("workers", [0, 2])
def test_samples_without_a_transform(manifest: Manifest, server: FaultServer, workers: int) -> None:
    dataset = ObjectDataset(manifest[:8], batch_size=4, config=config_for(server))
    found = [
        [number_of(reader) for reader in batch] for batch in dataset.loader(num_workers=workers)
    ]
    assert found == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_launchers_tell_the_rank(
    manifest: Manifest, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before torch.distributed is initialised, the launcher's variables tell the rank."""
    dataset = make(manifest, server, shuffle=False)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert batches(dataset.loader())[0] == [4, 5, 6, 7]
    assert batches(dataset.loader(num_workers=1, multiprocessing_context="spawn"))[0] == [
        4,
        5,
        6,
        7,
    ]
    monkeypatch.setenv("RANK", "2")
    with pytest.raises(ConfigError, match="RANK='2'"):
        iter(dataset)


# --- states ----------------------------------------------------------------------------------------


@needs_states
@pytest.mark.parametrize(
    ("method", "workers", "persistent", "every"),
    [
        (None, 0, False, 1),
        ("fork", 1, False, 1),
        ("fork", 2, True, 1),
        ("fork", 3, False, 4),
        ("fork", 2, False, None),
        ("spawn", 2, True, 1),
        ("forkserver", 2, False, 3),
    ],
)
def test_exact_resumption(
    manifest: Manifest,
    server: FaultServer,
    method: str | None,
    workers: int,
    persistent: bool,
    every: int | None,
) -> None:
    if method and method not in METHODS:
        pytest.skip(f"this platform has no {method}")

    def loader() -> Any:
        return _in_epoch(make(manifest, server), 2).loader(
            num_workers=workers,
            persistent_workers=persistent,
            multiprocessing_context=method,
            snapshot_every_n_steps=every,
        )

    expected = batches(loader())
    for steps in (0, 1, 13, len(expected)) if method in (None, "fork") else (13,):
        begun, state = stop_after(loader(), steps)
        resumed = loader()
        resumed.load_state_dict(state)
        assert begun + batches(resumed) == expected
        assert batches(resumed) == expected  # the epoch after that is whole


@needs_states
@pytest.mark.parametrize("method", METHODS)
def test_resuming_in_the_second_epoch_of_persistent_workers(
    manifest: Manifest, server: FaultServer, method: str
) -> None:
    def loader() -> Any:
        return make(manifest, server).loader(
            num_workers=2, persistent_workers=True, multiprocessing_context=method
        )

    first = loader()
    batches(first)
    first.dataset.set_epoch(1)
    begun, state = stop_after(first, 13)
    resumed = loader()
    resumed.load_state_dict(state)
    assert begun + batches(resumed) == batches(_in_epoch(make(manifest, server), 1).loader())
    resumed.dataset.set_epoch(2)
    assert batches(resumed) == batches(_in_epoch(make(manifest, server), 2).loader())


@needs_states
def test_users_own_loader_picks_up_the_state(manifest: Manifest, server: FaultServer) -> None:
    from torchdata.stateful_dataloader import StatefulDataLoader

    def loader() -> Any:
        return StatefulDataLoader(make(manifest, server), batch_size=4, num_workers=2)

    begun, state = stop_after(loader(), 7)
    resumed = loader()
    resumed.load_state_dict(state)
    assert begun + batches(resumed) == batches(loader())


@needs_states
def test_state_of_a_resumed_loader(manifest: Manifest, server: FaultServer) -> None:
    """The loader is stopped again and again, also in the steps after a snapshot."""

    def loader() -> Any:
        return make(manifest, server, uneven="keep").loader(num_workers=2, snapshot_every_n_steps=3)

    expected = batches(loader())
    found: list[list[int]] = []
    state: dict[str, Any] = {}
    for steps in (2, 5, 1, 0, 7, 100):
        resumed = loader()
        resumed.load_state_dict(state)
        begun, state = stop_after(resumed, steps)
        found += begun
    assert found == expected


@needs_states
def test_resuming_reads_nothing_that_was_consumed(manifest: Manifest, server: FaultServer) -> None:
    _, state = stop_after(make(manifest, server).loader(), 20)
    with FaultServer({"bucket": CONTENT}, checksum="CRC32C") as other:
        resumed = make(manifest, other).loader()
        resumed.load_state_dict(state)
        rest = [number for batch in resumed for number in batch.tolist()]
        read = [request.key for request in other.requests]
    assert sorted(read) == sorted(f"{number:03}" for number in rest)


@needs_states
def test_another_epoch_than_that_of_the_state_begins_anew(
    manifest: Manifest, server: FaultServer
) -> None:
    for workers in (0, 1):
        dataset = make(manifest, server)
        whole = [batches(_in_epoch(dataset, epoch).loader()) for epoch in range(3)]
        loader = _in_epoch(dataset, 1).loader(num_workers=workers)
        _, state = stop_after(loader, 5)
        for epoch, first in ((1, 5), (2, 0), (0, 0)):
            loader.load_state_dict(state)
            dataset.set_epoch(epoch)
            assert batches(loader) == whole[epoch][first:]
        dataset.set_epoch(2)
        loader.load_state_dict(state)
        assert batches(loader) == whole[1][5:]  # what was said last holds


@needs_states
@pytest.mark.parametrize(("workers", "persistent"), [(0, False), (2, False), (2, True)])
def test_a_state_that_was_saved_before_the_first_batch_binds_nothing(
    manifest: Manifest, server: FaultServer, workers: int, persistent: bool
) -> None:
    """state_dict() starts the workers; set_epoch() and resume() after it still count."""

    def loader(dataset: ObjectDataset) -> Any:
        return dataset.loader(num_workers=workers, persistent_workers=persistent)

    whole = batches(loader(_in_epoch(make(manifest, server), 3)))
    for first in (0, 5):
        dataset = make(manifest, server)
        early = loader(dataset)
        early.state_dict()
        if first:
            dataset.resume(3, 4 * first)
        else:
            dataset.set_epoch(3)
        assert batches(early) == whole[first:]
        assert batches(early) == whole
    _, state = stop_after(early, 5)
    resumed = loader(make(manifest, server))
    resumed.load_state_dict(state)
    resumed.state_dict()  # as a trainer does that saves its first checkpoint at once
    assert batches(resumed) == whole[5:]


@needs_states
def test_a_merged_state_is_not_lost_on_workers_that_already_run(
    manifest: Manifest, server: FaultServer
) -> None:
    """They cannot learn which samples behind the first unread one were read.

    Our loader starts others. In those of another loader, the dataset raises an error.
    """
    begun: list[int] = []
    states = []
    for rank in range(2):
        half = make(manifest, server, rank=rank, ranks=2)
        begun += itertools.islice(half, 2)  # of a batch of 4
        states.append(half.state_dict())
    merged = merge_states(states)
    assert merged["extra"]
    dataset = make(manifest, server, uneven="keep")
    loader = dataset.loader(num_workers=2, persistent_workers=True)
    assert sorted(itertools.chain(*batches(loader))) == [*range(SAMPLES)]
    in_worker = pickle.loads(multiprocessing.reduction.ForkingPickler.dumps(dataset))
    dataset.load_state_dict(merged)
    with pytest.raises(StateError, match="already running"):
        iter(in_worker)
    theirs = DataLoader(dataset, batch_size=4, num_workers=1, persistent_workers=True)
    next(iter(theirs))
    dataset.load_state_dict(merged)
    with pytest.raises(StateError, match=r"DataLoader worker process 0(.|\n)*already running"):
        next(iter(theirs))
    assert sorted([*begun, *itertools.chain(*batches(loader))]) == [*range(SAMPLES)]
    assert sorted(itertools.chain(*batches(loader))) == [*range(SAMPLES)]


def test_a_place_that_workers_have_used_is_used(manifest: Manifest, server: FaultServer) -> None:
    dataset = make(manifest, server)
    whole = [*dataset]
    dataset.resume(0, 20)
    assert batches(dataset.loader(num_workers=1)) != []
    assert [*dataset] == whole


@needs_states
def test_elastic_with_simulated_ranks(manifest: Manifest, server: FaultServer) -> None:
    """2 ranks x 2 workers, stopped anywhere: 1 x 0, 1 x 3 and 4 x 1 go on, all with 8 at once."""
    numbers = random.Random(3)

    def run(
        ranks: int, workers: int, merged: Any = None, steps: int = 1000
    ) -> tuple[list[set[int]], list[Any]]:
        found: list[set[int]] = []
        states = []
        for rank in range(ranks):
            dataset = make(manifest, server, batch_size=8 // ranks, rank=rank, ranks=ranks)
            if merged:
                dataset.load_state_dict(merged)
            begun, state = stop_after(dataset.loader(num_workers=workers), steps)
            states.append(state)
            found += [set() for _ in begun[len(found) :]]
            for batch, part in zip(found, begun, strict=True):
                batch.update(part)
        return found, states

    expected, _ = run(1, 0)
    assert {len(batch) for batch in expected} == {8}
    for ranks, workers in ((1, 0), (1, 3), (4, 1), (2, 2)):
        begun, states = run(2, 2, steps=numbers.randrange(len(expected) + 1))
        merged = merge_states(states)
        rest, _ = run(ranks, workers, merged)
        assert begun + rest == expected


@needs_states
def test_elastic_with_another_global_batch(manifest: Manifest, server: FaultServer) -> None:
    """States are merged again and again: no sample comes twice, none is missing."""
    merged: Any = None
    found: list[int] = []
    for ranks, batch_size, workers, steps in (
        (2, 3, 1, 4),
        (1, 5, 2, 3),
        (3, 2, 0, 1),
        (1, 7, 0, 99),
    ):
        states = []
        for rank in range(ranks):
            dataset = make(
                manifest, server, batch_size=batch_size, rank=rank, ranks=ranks, uneven="keep"
            )
            if merged:
                dataset.load_state_dict(merged)
            begun, state = stop_after(dataset.loader(num_workers=workers), steps)
            found += itertools.chain(*begun)
            states.append(state)
        merged = merge_states(states)
    assert sorted(found) == [*range(SAMPLES)]
    dataset = make(manifest, server)
    dataset.load_state_dict(merged)
    assert [*dataset] == []  # the epoch is over, and the next one is whole
    assert len([*_in_epoch(dataset, 1)]) == 100


@pytest.mark.parametrize("workers", [0, 2])
def test_resume_by_a_step_counter(manifest: Manifest, server: FaultServer, workers: int) -> None:
    whole = [batches(_in_epoch(make(manifest, server), epoch).loader()) for epoch in (3, 4)]
    dataset = make(manifest, server)
    dataset.resume(3, 20)
    loader = DataLoader(dataset, batch_size=4, num_workers=workers)
    dataset.set_epoch(3)  # as the loop over epochs does
    assert batches(loader) == whole[0][5:]
    assert batches(loader) == whole[0]
    dataset.resume(3, 20)
    dataset.set_epoch(4)
    assert batches(loader) == whole[1]


@pytest.mark.parametrize("samples", [3, 6, -4, 108, 4.0, None, torch.tensor([4, 8])])
def test_resume_refuses_what_is_no_step(
    manifest: Manifest, server: FaultServer, samples: Any
) -> None:
    dataset = make(manifest, server)
    with pytest.raises(ConfigError, match="global batch of 4"):
        dataset.resume(0, samples)


def test_dataset_without_a_loader(manifest: Manifest, server: FaultServer) -> None:
    """Also in the middle of a batch."""
    expected = [*make(manifest, server)]
    dataset = make(manifest, server)
    samples = iter(dataset)
    begun = [next(samples) for _ in range(7)]
    state = dataset.state_dict()
    other = make(manifest, server)
    other.load_state_dict(pickle.loads(pickle.dumps(state)))
    assert other.state_dict() == state
    assert [*begun, *other] == expected
    other.load_state_dict(merge_states([state]))
    rest = [*other]
    assert rest[: len(expected) - 7] == expected[7:]
    assert len(rest) == SAMPLES - 7  # one batch more, as those left fill it


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_go_their_own_way(manifest: Manifest, server: FaultServer, duplicate: Any) -> None:
    dataset = _in_epoch(make(manifest, server), 1)
    twin = duplicate(dataset)
    assert [*twin] == [*dataset]
    twin.set_epoch(2)
    assert dataset.epoch == 1


def _states(manifest: Manifest, server: FaultServer, steps: int = 2, **options: Any) -> list[Any]:
    states = []
    for rank in range(2):
        dataset = make(manifest, server, rank=rank, ranks=2, **options)
        states.append(stop_after(dataset.loader(), steps)[1])
    return states


@needs_states
def test_states_that_do_not_belong_together(manifest: Manifest, server: FaultServer) -> None:
    states = _states(manifest, server)
    for others, message in (
        ([], "no states"),
        (states[:1], "each of the 2 ranks"),
        ([states[0], states[0]], "each of the 2 ranks"),
        ([states[0], _states(manifest, server, seed=2)[1]], "saved with seed=2"),
        ([states[0], _states(manifest[:50], server)[1]], "manifest"),
        ([states[0], _states(manifest, server, batch_size=2)[1]], "batch_size"),
        ([states[0], _states(manifest, server, steps=3)[1]], "rank 0 has read 8"),
        ([states[0], {"_num_yielded": 1}], "not the state of a loader"),
        ([states[0], {"model": 1}], "not the state of a dataset"),
    ):
        with pytest.raises(StateError, match=message):
            merge_states(others)


@needs_states
def test_states_of_something_else(manifest: Manifest, server: FaultServer) -> None:
    [state, _] = _states(manifest, server)
    two: dict[str, Any] = {"rank": 0, "ranks": 2}
    for options, message in (
        ({"seed": 5, **two}, "saved with seed=1, but this dataset has seed=5"),
        ({"shuffle": False, **two}, "saved with seed=1, but this dataset has seed=None"),
        ({"batch_size": 2, **two}, "merge_states"),
        ({"rank": 0, "ranks": 1}, "merge_states"),
        ({"uneven": "pad", **two}, "uneven"),
    ):
        with pytest.raises(StateError, match=message):
            make(manifest, server, **options).loader().load_state_dict(state)
    with pytest.raises(StateError, match="manifest"):
        make(manifest[1:], server, **two).loader().load_state_dict(state)
    with pytest.raises(StateError, match="num_workers=0, but this one has 2"):
        make(manifest, server, **two).loader(num_workers=2).load_state_dict(state)
    with pytest.raises(StateError, match="state of a loader"):
        make(manifest, server, **two).load_state_dict(state)
    newer = make(manifest, server).state_dict() | {"objectpipes": 2}
    with pytest.raises(StateError, match="newer"):
        make(manifest, server).load_state_dict(newer)
    # A training may keep only rank 0's state and give it to all ranks.
    loader = make(manifest, server, rank=1, ranks=2).loader()
    loader.load_state_dict(state)
    assert batches(loader) == batches(make(manifest, server, rank=1, ranks=2).loader())[2:]


def test_a_seed_of_numpy_is_kept_as_plain_data(manifest: Manifest, server: FaultServer) -> None:
    numpy = pytest.importorskip("numpy")
    file = io.BytesIO()
    torch.save(make(manifest, server, seed=numpy.int64(1)).state_dict(), file)
    file.seek(0)
    make(manifest, server).load_state_dict(torch.load(file, weights_only=True))


@pytest.mark.parametrize(
    "damage",
    [
        {"start": -1},
        {"start": "4"},
        {"start": SAMPLES + 1},
        {"epoch": None},
        {"extra": [3, 2]},
        {"extra": 7},
        {"begun": [1]},
        {"order": None},
        {"objectpipes": "1"},
        {"batch_size": 0},
        {"ranks": -1},
        {"rank": 1},
        {"workers": 0},
        {"taken": 1.5},
        {"epoch": 1 << 63},
        {"objectpipes": torch.tensor([1, 2])},
        {"shifts": torch.tensor([1, 2])},
    ],
)
def test_a_damaged_state(manifest: Manifest, server: FaultServer, damage: dict[str, Any]) -> None:
    dataset = make(manifest, server)
    with pytest.raises(StateError):
        dataset.load_state_dict(dataset.state_dict() | damage)


def test_a_state_without_one_of_its_fields(manifest: Manifest, server: FaultServer) -> None:
    dataset = make(manifest, server)
    state = dataset.state_dict()
    for field in state.keys() - {"taken"}:  # which a merged state does not have
        with pytest.raises(StateError):
            dataset.load_state_dict({name: state[name] for name in state if name != field})


@needs_states
def test_states_of_a_loader_of_ones_own_are_refused_too(
    manifest: Manifest, server: FaultServer
) -> None:
    """Its workers raise the same error."""
    from torchdata.stateful_dataloader import StatefulDataLoader

    loader = StatefulDataLoader(make(manifest, server), batch_size=4, num_workers=1)
    _, state = stop_after(loader, 2)
    other = StatefulDataLoader(make(manifest, server, batch_size=5), batch_size=5, num_workers=1)
    other.load_state_dict(state)
    with pytest.raises(StateError, match="merge_states"):
        iter(other)


# --- what cannot be read ---------------------------------------------------------------------------


def missing(*numbers: int) -> Any:
    keys = {f"{number:03}" for number in numbers}
    return lambda request: request.key in keys


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_names_the_object(manifest: Manifest, server: FaultServer, workers: int) -> None:
    server.faults.add(kinds.NoSuchKey(), match=missing(17))
    with pytest.raises(ObjectNotFoundError) as caught:
        batches(make(manifest, server, uneven="pad").loader(num_workers=workers))
    assert caught.value.url == "s3://bucket/017"


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("uneven", ["drop", "pad"])
def test_skipped_samples_are_replaced_within_their_batch(
    manifest: Manifest,
    server: FaultServer,
    uneven: str,
    workers: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.faults.add(kinds.NoSuchKey(), match=missing(0, 1, 9, 10, 102))
    dataset = make(manifest, server, shuffle=False, uneven=uneven, on_error="skip")
    found = batches(dataset.loader(num_workers=workers))
    assert found[0] == [2, 2, 2, 3]
    assert found[2] == [8, 8, 8, 11]
    assert {len(batch) for batch in found} == {4}
    if uneven == "drop":
        assert dataset.skipped == 4
    else:
        assert found[-1] == [100, 101, 101, 101]  # without 102, and 0 as padding
        assert dataset.skipped == 6


def test_a_batch_without_any_readable_sample_raises(
    manifest: Manifest, server: FaultServer
) -> None:
    server.faults.add(kinds.NoSuchKey(), match=missing(4, 5, 6, 7))
    with pytest.raises(ObjectNotFoundError):
        [*make(manifest, server, shuffle=False, on_error="skip")]


@needs_states
@pytest.mark.parametrize("workers", [0, 2])
def test_kept_batches_move_up_and_still_merge_exactly(
    manifest: Manifest, server: FaultServer, workers: int
) -> None:
    server.faults.add(kinds.NoSuchKey(), match=missing(0, 1, 5, 17, 40))
    options: dict[str, Any] = {"uneven": "keep", "on_error": "skip"}
    readable = {*range(SAMPLES)} - {0, 1, 5, 17, 40}
    for steps in (1, 4, 9, 100):
        dataset = make(manifest, server, **options)
        begun, state = stop_after(dataset.loader(num_workers=workers), steps)
        rest = make(manifest, server, **options)
        rest.load_state_dict(merge_states([state]))
        found = [*itertools.chain(*begun), *itertools.chain(*batches(rest.loader(num_workers=1)))]
        assert sorted(found) == sorted(readable)


def test_an_object_that_was_replaced(manifest: Manifest, server: FaultServer) -> None:
    stale = [
        ObjectUrl(url, size=url.size, etag="0" * 32) if "010" in url else url for url in manifest
    ]
    dataset = make(Manifest.from_urls(stale), server, shuffle=False)
    with pytest.raises(ObjectChangedError, match="Make the manifest again") as caught:
        batches(dataset.loader())
    assert caught.value.url == "s3://bucket/010"


def _fails_at_20(reader: Any) -> int:
    number = number_of(reader)
    if number == 20:
        raise KeyError("label")
    return number


@pytest.mark.parametrize("workers", [0, 2])
def test_a_transform_that_raises(manifest: Manifest, server: FaultServer, workers: int) -> None:
    """The error is not that of an unreadable object, and names the URL."""
    for dataset in (
        ObjectDataset(
            manifest, _fails_at_20, batch_size=4, on_error="skip", config=config_for(server)
        ),
        ObjectMapDataset(manifest, _fails_at_20, config=config_for(server)),
    ):
        with pytest.raises(TransformError, match="KeyError: 'label'") as caught:
            batches(DataLoader(dataset, batch_size=4, num_workers=workers))
        assert caught.value.url == "s3://bucket/020"


def test_fewer_samples_than_ranks(
    manifest: Manifest, server: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ConfigError, match="too few for 4 ranks"):
        iter(make(manifest[:3], server, rank=3, ranks=4))
    assert len([*make(manifest[:3], server, uneven="pad", rank=3, ranks=4)]) == 4
    assert [*make(manifest[:3], server, uneven="keep", rank=3, ranks=4)] == []
    with caplog.at_level(logging.WARNING, "objectpipes"):
        assert [*make(manifest[:3], server)] == []
    assert "There is no batch" in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 2.5}, "batch_size"),
        ({"seed": 1.5}, "seed"),
        ({"uneven": "raise"}, "uneven"),
        ({"on_error": "ignore"}, "on_error"),
        ({"rank": 1}, "rank"),
        ({"rank": 2, "ranks": 2}, "rank"),
        ({"rank": 0, "ranks": 0}, "ranks"),
        ({"rank": "0", "ranks": 2}, "rank"),
        ({"rank": 0, "ranks": torch.tensor([1, 2])}, "ranks"),
        ({"batch_size": torch.tensor([1, 2])}, "batch_size"),
        ({"seed": torch.tensor(1.5)}, "seed"),
        ({"shuffle": "no"}, "shuffle"),
        ({"shuffle": torch.tensor([1, 2])}, "shuffle"),
        ({"uneven": torch.tensor([1, 2])}, "uneven"),
        ({"on_error": torch.tensor([1, 2])}, "on_error"),
        ({"transform": 1}, "transform"),
    ],
    ids=str,
)
def test_options_that_can_never_work(
    manifest: Manifest, server: FaultServer, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        make(manifest, server, **options)


def test_numbers_of_numpy_and_torch_are_numbers(manifest: Manifest, server: FaultServer) -> None:
    """A state is plain data all the same."""
    two: list[Any] = [torch.tensor(2), numpy.int64(2)]
    for number in two:
        dataset = make(
            manifest, server, batch_size=number, seed=number, rank=number - 1, ranks=number
        )
        dataset.set_epoch(number)
        assert dataset.epoch == 2
        assert json.loads(json.dumps(dataset.state_dict()))["batch_size"] == 2
        dataset.resume(number, 4 * number)
        assert json.loads(json.dumps(dataset.state_dict()))["start"] == 8


def test_other_things_that_can_never_work(manifest: Manifest, server: FaultServer) -> None:
    with pytest.raises(ConfigError, match="empty"):
        make(manifest[:0], server)
    with pytest.raises(ConfigError, match="batch_size=8"):
        make(manifest, server).loader(batch_size=8)
    with pytest.raises(ConfigError, match="epoch must be"):
        make(manifest, server).set_epoch(1.5)  # type: ignore[arg-type]
    kinds_of_dataset: list[Any] = [ObjectMapDataset, functools.partial(ObjectDataset, batch_size=4)]
    for kind in kinds_of_dataset:
        with pytest.raises(TypeError, match=r"Manifest\.from_urls"):
            kind(["s3://bucket/000"])
    with pytest.raises(ConfigError, match=r"epoch must be .* at least 0, not -1"):
        make(manifest, server).set_epoch(-1)


# --- nodes -----------------------------------------------------------------------------------------


@needs_states
def test_node(manifest: Manifest, server: FaultServer) -> None:
    from torchdata.nodes import Batcher, Loader, Prefetcher

    from objectpipes.torch import ObjectNode

    def loader() -> Any:
        node = Prefetcher(Batcher(ObjectNode(make(manifest, server)), 4), 2)
        return Loader(node)

    expected = [*loader()]
    assert [*itertools.chain(*expected)] == [*make(manifest, server)]
    begun = loader()
    found = [*itertools.islice(iter(begun), 7)]
    state = begun.state_dict()
    resumed = loader()
    resumed.load_state_dict(state)
    assert [*found, *resumed] == expected
    assert [*resumed] == expected
