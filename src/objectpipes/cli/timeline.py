"""Draws a run over time from samples of its processes."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from .._svg import Picture

if TYPE_CHECKING:
    from .._reports import Sample

_WIDTH, _LEFT, _RIGHT = 720, 64, 16
_TOP, _PANEL, _GAP, _BOTTOM = 40, 84, 34, 30
_MAX_STEPS = 120
_MIN_STEP_S = 0.1  # how often samples are taken


def timeline(samples: Sequence[Sample], title: str) -> str:
    """Return an SVG picture of throughput, reads in flight, waiting, retries and memory.

    The samples of all processes come in any order.
    """
    run = _Run(samples)
    panels = [
        _Panel("MB/s", "area", run.rates("read", 1e-6)),
        _Panel("reads in flight, including waits before retries", "area", run.levels("in_flight")),
        _Panel("% of time waiting for data", "area", run.rates("waited", 100 / run.processes)),
        _Panel("retries", "bar", run.differences("retries")),
        _Panel(
            "MB read ahead, per process", "area", run.levels("held_bytes", 1e-6 / run.processes)
        ),
        _Panel("MB of memory, per process", "area", run.levels("memory", 1e-6 / run.processes)),
    ]
    height = _TOP + len(panels) * (_PANEL + _GAP) + _BOTTOM
    picture = Picture(_WIDTH, height, title)
    picture.text("name", _LEFT, 20, title)
    for number, panel in enumerate(panels):
        _draw(picture, _TOP + number * (_PANEL + _GAP) + _GAP - 8, panel)
    _draw_seconds(picture, height - _BOTTOM + 6, run.seconds)
    return str(picture)


class _Panel(NamedTuple):
    title: str
    kind: str
    values: list[float]


class _Process(NamedTuple):
    """The samples of one process: their times, and its counts at each."""

    times: list[float]
    counts: list[dict[str, float]]

    def value_at(self, time: float, name: str) -> float:
        """Interpolate a count between two samples."""
        after = bisect_right(self.times, time)
        if after in (0, len(self.times)):
            return self.counts[0 if after == 0 else -1][name]
        begin, end = self.times[after - 1 : after + 1]
        first, second = self.counts[after - 1][name], self.counts[after][name]
        return first + (time - begin) / (end - begin) * (second - first)


class _Run:
    """The counts of all processes at regular times."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        by_process = defaultdict(list)
        for sample in sorted(samples, key=lambda sample: sample.time):
            by_process[sample.process].append(sample)
        self._processes = [
            _Process([one.time for one in some], [one.counts for one in some])
            for some in by_process.values()
        ]
        begin = min(process.times[0] for process in self._processes)
        end = max(process.times[-1] for process in self._processes)
        self.seconds = max(end - begin, _MIN_STEP_S)
        self.processes = len(self._processes)
        steps = min(_MAX_STEPS, math.ceil(self.seconds / _MIN_STEP_S))
        self._step = self.seconds / steps
        self._times = [begin + number * self._step for number in range(steps + 1)]

    def levels(self, name: str, unit: float = 1.0) -> list[float]:
        """Return the sum over processes at each time."""
        return [
            unit * sum(process.value_at(time, name) for process in self._processes)
            for time in self._times
        ]

    def differences(self, name: str, unit: float = 1.0) -> list[float]:
        """Return the increase between each time and the next."""
        levels = self.levels(name, unit)
        return [max(after - before, 0.0) for before, after in itertools.pairwise(levels)]

    def rates(self, name: str, unit: float = 1.0) -> list[float]:
        """Return the increase per second."""
        return self.differences(name, unit / self._step)


def _draw(picture: Picture, top: float, panel: _Panel) -> None:
    """Draw one panel: its title, two lines of a grid with their values, and the values."""
    right, bottom = _WIDTH - _RIGHT, top + _PANEL
    maximum = _round_up(max(panel.values))
    picture.text("", _LEFT, top - 6, panel.title)
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * _PANEL
        picture.line("grid", [(_LEFT, y), (right, y)])
        picture.text("pale", _LEFT - 6, y + 4, f"{share * maximum:,.4g}", anchor="end")
    if not any(panel.values):
        return
    step = (right - _LEFT) / max(len(panel.values) - (panel.kind == "area"), 1)
    heights = [value / maximum * _PANEL for value in panel.values]
    if panel.kind == "bar":
        for number, height in enumerate(heights):
            if height:
                picture.box("bar", _LEFT + number * step, bottom - height, max(step, 2), height)
        return
    points = [(_LEFT + number * step, bottom - height) for number, height in enumerate(heights)]
    picture.line("area", [(_LEFT, bottom), *points, (points[-1][0], bottom)])


def _draw_seconds(picture: Picture, y: float, seconds: float) -> None:
    step = _round_up(seconds / 8)
    width = _WIDTH - _LEFT - _RIGHT
    for number in range(math.floor(seconds / step) + 1):
        x = _LEFT + number * step / seconds * width
        picture.text("pale", x, y, f"{number * step:g} s", anchor="middle")


def _round_up(value: float) -> float:
    """Return the next 1, 2, 4, 5 or 10 times a power of ten; 1 for nothing."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(n * power for n in (1, 2, 4, 5, 10, 20) if n * power >= value * (1 - 1e-9))
