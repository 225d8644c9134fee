"""Every sample of an epoch goes to one rank and one batch, whoever reads it and whoever goes on."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from objectpipes.torch._order import Place, Plan, Stream

UNEVEN = st.sampled_from(["drop", "pad", "keep"])
SMALL = st.integers(1, 5)


def streams_of(plan: Plan, rank: int, workers: int, taken: int = 0) -> list[Stream]:
    """Return what a loader's workers have delivered after so many samples of its rank."""
    counts = [0] * workers
    for number in range(plan.batches(rank)):
        part = min(len(plan.batch(rank, number)), taken)
        counts[number % workers] += part
        taken -= part
    return [Stream(rank, worker, workers, count) for worker, count in enumerate(counts)]


def deliver(plan: Plan, rank: int, workers: int) -> Iterator[list[int]]:
    """Yield the positions of each batch, as a DataLoader collects them from its workers."""
    rests = [plan.rest(stream) for stream in streams_of(plan, rank, workers)]
    for rest in itertools.cycle(rests):
        found = next(rest, None)
        if found is None:
            return
        yield [plan.position(number) for number in found[0]]


@given(st.integers(1, 60), SMALL, SMALL, UNEVEN)
def test_every_position_goes_to_one_rank(
    samples: int, batch_size: int, ranks: int, uneven: str
) -> None:
    plan = Plan(samples, batch_size, ranks, uneven)
    found = sorted(
        position for rank in range(ranks) for batch in deliver(plan, rank, 1) for position in batch
    )
    everything = [*range(samples)]
    if uneven == "keep":
        assert found == everything
    elif uneven == "drop":
        assert found == everything[: samples // plan.global_batch * plan.global_batch]
    else:
        missing = -samples % plan.global_batch
        padding = itertools.islice(itertools.cycle(everything), missing)
        assert found == sorted([*everything, *padding])


@given(st.integers(1, 60), SMALL, SMALL, UNEVEN)
def test_ranks_are_equal(samples: int, batch_size: int, ranks: int, uneven: str) -> None:
    plan = Plan(samples, batch_size, ranks, uneven)
    batches = [[*deliver(plan, rank, 1)] for rank in range(ranks)]
    lengths = [[len(batch) for batch in of_rank] for of_rank in batches]
    assert [sum(of_rank) for of_rank in lengths] == [plan.length(rank) for rank in range(ranks)]
    if uneven == "keep":
        assert len(lengths[0]) - len(lengths[-1]) in (0, 1)
    else:
        assert lengths == [[batch_size] * len(lengths[0])] * ranks


@given(st.integers(1, 60), SMALL, SMALL, UNEVEN, st.integers(1, 4))
def test_workers_change_nothing(
    samples: int, batch_size: int, ranks: int, uneven: str, workers: int
) -> None:
    plan = Plan(samples, batch_size, ranks, uneven)
    for rank in range(ranks):
        assert [*deliver(plan, rank, workers)] == [*deliver(plan, rank, 1)]


@given(st.integers(1, 100), st.sampled_from([(4, 1), (2, 2), (1, 4)]), UNEVEN)
def test_global_batches_are_the_same_on_any_number_of_ranks(
    samples: int, shape: tuple[int, int], uneven: str
) -> None:
    def global_batches(batch_size: int, ranks: int) -> list[list[int]]:
        plan = Plan(samples, batch_size, ranks, uneven)
        of_ranks = [deliver(plan, rank, 1) for rank in range(ranks)]
        return [
            [*itertools.chain(*batches)]
            for batches in itertools.zip_longest(*of_ranks, fillvalue=[])
        ]

    assert global_batches(*shape) == global_batches(4, 1)


def test_going_on_with_other_ranks_and_workers() -> None:
    """Nothing twice and nothing missing, however often and wherever a job is stopped."""
    numbers = random.Random(0)
    for _ in range(200):
        samples = numbers.randrange(1, 300)
        place = Place()
        read: list[int] = []
        for _ in range(numbers.randrange(4)):
            ranks, workers = numbers.choice([(1, 0), (1, 3), (2, 2), (4, 1), (3, 2)])
            plan = Plan(samples, numbers.randrange(1, 6), ranks, "keep", place)
            steps = numbers.randrange(plan.batches(0) + 1)
            for rank in range(ranks):
                read += itertools.chain(*itertools.islice(deliver(plan, rank, workers or 1), steps))
            place = plan.place_after(
                stream
                for rank in range(ranks)
                for stream in streams_of(plan, rank, workers or 1, steps * plan.batch_size)
            )
            assert place.extra == ()
        plan = Plan(samples, 3, 2, "keep", place)
        for rank in range(2):
            read += itertools.chain(*deliver(plan, rank, 2))
        assert sorted(read) == [*range(samples)]


@given(st.data())
def test_workers_that_are_not_in_step(data: st.DataObject) -> None:
    """Whatever each of them has taken, what is left is read once; also of a place like that."""
    samples = data.draw(st.integers(1, 60))
    place, read = Place(), set[int]()
    for _ in range(3):
        ranks, workers = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
        plan = Plan(samples, data.draw(SMALL), ranks, "keep", place)
        streams = []
        for rank, worker in itertools.product(range(ranks), range(workers)):
            everything = [
                plan.position(number)
                for batch, _ in plan.rest(Stream(rank, worker, workers, 0))
                for number in batch
            ]
            taken = data.draw(st.integers(0, len(everything)))
            assert read.isdisjoint(everything)
            read.update(everything[:taken])
            streams.append(Stream(rank, worker, workers, taken))
        place = plan.place_after(streams)
        assert read == {*range(place.start), *place.extra}


@given(st.integers(1, 60), SMALL, SMALL, st.integers(0, 20))
def test_padding_begins_at_the_start_of_the_epoch(
    samples: int, batch_size: int, ranks: int, start: int
) -> None:
    """Also when an epoch is gone on with; and one that is over is not padded."""
    plan = Plan(samples, batch_size, ranks, "pad", Place(0, min(start, samples)))
    found = [plan.position(number) for number in range(plan.total)]
    assert found[: plan.unread] == [*range(plan.place.start, samples)]
    assert found[plan.unread :] == [i % samples for i in range(plan.total - plan.unread)]
    if plan.unread == 0:
        assert found == []


def test_going_on_costs_the_same_anywhere() -> None:
    """No step walks over what was read."""
    samples = 10**15
    plan = Plan(samples, 64, 8, "drop", Place(0, samples // 2 * 1))
    stream = Stream(3, 1, 4, 64 * 10**10 + 5)
    batch, offset = next(plan.rest(stream))
    assert (len(batch), offset) == (64, 5)
    assert plan.place_after([Stream(rank, 0, 1, 64 * 10**11) for rank in range(8)]) == Place(
        0, samples // 2 + 8 * 64 * 10**11
    )
