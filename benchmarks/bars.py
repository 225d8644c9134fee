"""What objectpipes is to reach."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import dataclass

from typing_extensions import override

from .summary import Summary

Row = Mapping[str, Summary]
"""The contenders of one workload, by name."""


@dataclass(frozen=True)
class Verdict:
    """A bar, and whether it was met.

    Attributes
    ----------
    bar : str
        What was to be reached.
    measured : str
        What was.
    met : bool
        Whether that is enough.
    """

    bar: str
    measured: str
    met: bool


class Bar(abc.ABC):
    """Something to reach."""

    @abc.abstractmethod
    def judge(self, ours: Summary, row: Row) -> Verdict | None:
        """Compare with what was measured; None where something for that is missing."""


@dataclass(frozen=True)
class AtLeast(Bar):
    """So many times the rate of another contender."""

    times: float
    of: str

    @override
    def judge(self, ours: Summary, row: Row) -> Verdict | None:
        if self.of not in row:
            return None
        ratio = ours.rate / row[self.of].rate
        return Verdict(f"≥ {self.times:.2f} of {self.of}", f"{ratio:.2f}", ratio >= self.times)


@dataclass(frozen=True)
class AtLeastBest(Bar):
    """So many times the rate of the best of several contenders."""

    times: float
    of: tuple[str, ...]
    called: str

    @override
    def judge(self, ours: Summary, row: Row) -> Verdict | None:
        rates = [row[name].rate for name in self.of if name in row]
        if not rates:
            return None
        ratio = ours.rate / max(rates)
        bar = f"≥ {self.times:.2f} of the best of {self.called}"
        return Verdict(bar, f"{ratio:.2f}", ratio >= self.times)


@dataclass(frozen=True)
class ShareOfLatencyLimit(Bar):
    """So much of what a number of connections allows, given the round trip of a single one."""

    share: float
    connections: int
    single: str

    @override
    def judge(self, ours: Summary, row: Row) -> Verdict | None:
        if self.single not in row:
            return None
        round_trip = 1 / row[self.single].rate
        share = ours.rate * round_trip / self.connections
        bar = f"≥ {self.share:.2f} of {self.connections} ÷ {round_trip * 1e3:.1f} ms"
        return Verdict(bar, f"{share:.2f}", share >= self.share)


@dataclass(frozen=True)
class CpuAtMost(Bar):
    """So many microseconds of processor time per object."""

    microseconds: float

    @override
    def judge(self, ours: Summary, row: Row) -> Verdict | None:
        met = ours.cpu_us <= self.microseconds
        bar = f"≤ {self.microseconds:.0f} µs of CPU per object"
        return Verdict(bar, f"{ours.cpu_us:.0f} µs", met)


@dataclass(frozen=True)
class FirstAtMost(Bar):
    """The first object of a cold pass within so many milliseconds."""

    milliseconds: float

    @override
    def judge(self, ours: Summary, row: Row) -> Verdict | None:
        if ours.first_ms is None:
            return None
        met = ours.first_ms <= self.milliseconds
        bar = f"≤ {self.milliseconds:.0f} ms to the first object"
        return Verdict(bar, f"{ours.first_ms:.0f} ms", met)


@dataclass(frozen=True)
class CpuPerGigabyteAtMost(Bar):
    """So many seconds of processor time for 10^9 bytes."""

    seconds: float
    size: int

    @override
    def judge(self, ours: Summary, row: Row) -> Verdict | None:
        per_gigabyte = ours.cpu_us / 1e6 / self.size * 1e9
        bar = f"≤ {self.seconds:.2f} s of CPU per GB"
        return Verdict(bar, f"{per_gigabyte:.2f} s", per_gigabyte <= self.seconds)


@dataclass(frozen=True)
class MemoryAtMost(Bar):
    """So many MiB more than before the first read."""

    mebibytes: float

    @override
    def judge(self, ours: Summary, row: Row) -> Verdict | None:
        if ours.rss_over_start is None:
            return None
        used = ours.rss_over_start / (1 << 20)
        bar = f"≤ {self.mebibytes:.0f} MiB of memory over start"
        return Verdict(bar, f"{used:.0f} MiB", used <= self.mebibytes)


@dataclass(frozen=True)
class RequestsAtMost(Bar):
    """So many requests per object; more than a hundredth above is too much."""

    count: float

    @override
    def judge(self, ours: Summary, row: Row) -> Verdict | None:
        if ours.requests is None:
            return None
        met = ours.requests <= self.count * 1.01
        return Verdict(f"{self.count:.0f} request per object", f"{ours.requests:.2f}", met)
