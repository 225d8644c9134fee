"""Shuffled orders are permutations, even, and the same everywhere."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectpipes._permutation import Permutation


@given(st.integers(0, 3000), st.integers())
def test_every_number_once(size: int, seed: int) -> None:
    order = Permutation(size, "test", seed)
    assert len(order) == size
    assert sorted(order[i] for i in range(size)) == [*range(size)]


@given(st.integers(1, 10**15), st.data())
def test_no_table_is_needed_for_any_size(size: int, data: st.DataObject) -> None:
    order = Permutation(size, "large")
    indexes = data.draw(st.sets(st.integers(0, size - 1), max_size=50))
    found = {order[index] for index in indexes}
    assert len(found) == len(indexes)
    assert all(0 <= number < size for number in found)


def test_the_order_is_part_of_the_format_of_states() -> None:
    """A state saved by one release is read by the next, so the order must never change."""
    order = Permutation(12, "epoch", 7, 3)
    assert [order[i] for i in range(12)] == FIRST_RELEASE
    other = Permutation(12, "epoch", 7, 4)
    assert [other[i] for i in range(12)] != FIRST_RELEASE


FIRST_RELEASE = [10, 6, 7, 3, 4, 1, 11, 2, 0, 5, 8, 9]


@pytest.mark.parametrize("size", [2, 3, 4])
def test_small_orders_are_equally_likely(size: int) -> None:
    """Chi-squared, with a limit that a fair shuffle exceeds once in millions."""
    seeds = 1200
    counts = Counter(
        tuple(order[i] for i in range(size))
        for order in (Permutation(size, seed) for seed in range(seeds))
    )
    orders = {2: 2, 3: 6, 4: 24}[size]
    expected = seeds / orders
    assert len(counts) == orders
    chi_squared = sum((count - expected) ** 2 / expected for count in counts.values())
    assert chi_squared < orders + 7 * (2 * orders) ** 0.5


@pytest.mark.parametrize("index", [-1, 5])
def test_outside_of_the_order(index: int) -> None:
    with pytest.raises(IndexError):
        Permutation(5, "test")[index]
