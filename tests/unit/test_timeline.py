"""The picture of a run: what its samples say, at the right time, in well-formed SVG."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from objectpipes._reports import Sample
from objectpipes.cli.timeline import _round_up, _Run, timeline

_COUNTS = ("read", "waited", "retries", "in_flight", "held_bytes", "memory")


def samples_of(
    process: int, times: list[float], **counts: Callable[[float], float]
) -> list[Sample]:
    return [
        Sample(process, t, {name: counts[name](t) if name in counts else 0.0 for name in _COUNTS})
        for t in times
    ]


def test_rates_of_processes_add_up() -> None:
    seconds = [100 + n / 10 for n in range(21)]
    first = samples_of(1, seconds, read=lambda t: 5e6 * t)
    second = samples_of(2, seconds[10:], read=lambda t: 1e6 * t)  # starts a second later
    rates = _Run(first + second).rates("read", 1e-6)
    assert rates[:9] == pytest.approx([5] * 9)
    assert rates[11:] == pytest.approx([6] * len(rates[11:]))


def test_what_was_counted_is_drawn_once_however_few_samples_there_are() -> None:
    samples = samples_of(1, [0.0, 3.0], retries=lambda t: 7 if t else 0)
    assert sum(_Run(samples).differences("retries")) == pytest.approx(7)


def test_the_order_of_samples_does_not_matter() -> None:
    samples = samples_of(1, [0.0, 1.0, 1.0, 2.0], read=lambda t: t)
    assert timeline(samples[::-1], "x") == timeline(samples, "x")


def test_a_level_is_that_of_its_time() -> None:
    samples = samples_of(1, [0.0, 1.0, 2.0], in_flight=lambda t: 10 * t)
    levels = _Run(samples).levels("in_flight")
    assert (levels[0], levels[len(levels) // 2], levels[-1]) == pytest.approx((0, 10, 20))


@pytest.mark.parametrize("times", [[5.0], [5.0, 5.01], [float(n) for n in range(4000)]])
def test_it_is_well_formed_and_of_bounded_size_whatever_the_time(times: list[float]) -> None:
    title = 's3://b/<&"\u00fc'
    picture = timeline(samples_of(1, times, read=lambda t: t, retries=lambda t: t // 2), title)
    root = ElementTree.fromstring(picture)
    assert root.attrib["aria-label"] == title
    assert len(picture) < 60_000
    assert "nan" not in picture
    numbers = [float(n) for n in re.findall(r"[ML](-?[\d.]+) ", picture)]
    assert 0 <= min(numbers) <= max(numbers) <= 720


@pytest.mark.parametrize(
    ("value", "rounded"), [(0, 1), (1, 1), (0.003, 0.004), (41, 50), (999, 1000), (1.01e9, 2e9)]
)
def test_the_scale_ends_at_a_round_number(value: float, rounded: float) -> None:
    assert _round_up(value) == pytest.approx(rounded)
