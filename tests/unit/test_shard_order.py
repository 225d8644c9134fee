"""The shuffled order of samples in shards has every sample once, and is the same from anywhere."""

from __future__ import annotations

import itertools
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from objectpipes.torch._shard_order import ShardOrder

COUNTS = st.lists(st.integers(0, 20), min_size=1, max_size=12).filter(any)


@settings(deadline=None)
@given(COUNTS, st.integers(1, 5), st.integers(1, 8), st.integers(0, 3))
def test_every_sample_once_within_its_window(
    counts: list[int], window: int, run: int, seed: int
) -> None:
    order = ShardOrder(counts, window, run, seed)
    numbers = [order[position] for position in range(sum(counts))]
    assert sorted(numbers) == [*range(sum(counts))]
    firsts = [*itertools.accumulate(counts, initial=0)]
    begin = 0
    for at in range(0, len(counts), window):
        mixed = order._shards[at : at + window]
        of_window = {n for shard in mixed for n in range(firsts[shard], firsts[shard + 1])}
        assert {*numbers[begin : begin + len(of_window)]} == of_window
        begin += len(of_window)


@settings(deadline=None)
@given(COUNTS, st.integers(1, 5), st.integers(1, 8), st.randoms())
def test_any_position_can_be_asked_for_first(
    counts: list[int], window: int, run: int, draw: random.Random
) -> None:
    in_order = ShardOrder(counts, window, run, "key")
    numbers = [in_order[position] for position in range(sum(counts))]
    positions = [*range(sum(counts))]
    draw.shuffle(positions)
    jumping = ShardOrder(counts, window, run, "key")
    assert [jumping[position] for position in positions] == [numbers[at] for at in positions]
