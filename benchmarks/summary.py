"""What several measurements of one contender come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from .job import Measurement


@dataclass(frozen=True)
class Summary:
    """Medians over the repeats.

    Attributes
    ----------
    rate, slowest, fastest : float
        Objects per second, in the median and at the extremes.
    cpu_us : float
        Microseconds of the client's processor time per object.
    peak_rss, rss_over_start : float or None
        Memory of its largest process in bytes, and how much of it came with the first read; None
        where that is not measured.
    requests : float or None
        Requests per object; None where the server does not count them.
    first_ms : float or None
        Milliseconds to the first object of a cold pass.
    switches : float or None
        Context switches per object.
    system_calls : float or None
        System calls per object, where they were counted.
    """

    rate: float
    slowest: float
    fastest: float
    cpu_us: float
    peak_rss: float | None = None
    rss_over_start: float | None = None
    requests: float | None = None
    first_ms: float | None = None
    switches: float | None = None
    system_calls: float | None = None


def summarize(runs: Sequence[Measurement]) -> Summary:
    """Summarize the repeats of one contender, of which there is at least one."""
    rates = [run.rate for run in runs]
    return Summary(
        rate=median(rates),
        slowest=min(rates),
        fastest=max(rates),
        cpu_us=median(run.cpu_us for run in runs),
        peak_rss=_median([run.peak_rss for run in runs]),
        rss_over_start=_median([run.rss_over_start for run in runs]),
        requests=_median(
            [None if run.requests is None else run.requests / run.all_objects for run in runs]
        ),
        first_ms=_median(
            [None if run.first_seconds is None else run.first_seconds * 1e3 for run in runs]
        ),
        switches=_median(
            [None if run.switches is None else run.switches / run.objects for run in runs]
        ),
        system_calls=_median(
            [None if run.system_calls is None else run.system_calls / run.objects for run in runs]
        ),
    )


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
