"""The tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from .outcome import Outcome
from .workloads import LIMITS

_HEADINGS = (
    "task",
    "client",
    "objects/s",
    "least to most",
    "MB/s",
    "CPU µs per object",
    "requests per object",
    "switches per object",
    "system calls per object",
    "first object, ms",
    "memory, MiB",
    "of it reading",
    "of wrk",
    "of best rival",
)
_ALIGNMENTS = ("---", "---", *["---:"] * 12)
_BARS_HEADINGS = ("task", "required", "measured", "met")
_BARS_ALIGNMENTS = ("---", "---", "---:", "---")

_TEXT = """\
# Benchmark results

<!-- Made by scripts/bench; do not edit. -->

![Objects per second, as a share of what wrk gets from the same server](results.svg)

{facts}

`wrk` throws away what it receives and marks what the server can deliver.
[README.md](../README.md) tells how everything is measured.

{table}
What objectpipes is to reach:

{bars}{not_run}"""


def results_md(
    outcomes: Sequence[Outcome], facts: Mapping[str, str], missing: Mapping[str, str]
) -> str:
    """Return the text of ``results.md``.

    Parameters
    ----------
    outcomes
        What was measured.
    facts
        What it depends on, by name.
    missing
        The servers that are not there, and why.
    """
    not_run = [*_not_run(outcomes, missing)]
    return _TEXT.format(
        facts="\n".join(f"- {name}: {fact}" for name, fact in facts.items()),
        table=_table(outcomes),
        bars=bars(outcomes),
        not_run="\n".join(["", "Not run:", "", *not_run, ""]) if not_run else "",
    )


def bars(outcomes: Iterable[Outcome]) -> str:
    """Return a Markdown table with a line for each bar of each workload."""
    lines = [_line(_BARS_HEADINGS), _line(_BARS_ALIGNMENTS)]
    for outcome in outcomes:
        for verdict in outcome.verdicts():
            met = "yes" if verdict.met else "**no**"
            lines.append(_line([outcome.workload.title, verdict.bar, verdict.measured, met]))
    return "\n".join(lines) + "\n"


def _table(outcomes: Iterable[Outcome]) -> str:
    lines = [_line(_HEADINGS), _line(_ALIGNMENTS)]
    for outcome in outcomes:
        title = f"**{outcome.workload.title}**"
        for name in outcome.row:
            lines.append(_line([title, *_cells(outcome, name)]))
            title = ""
    return "\n".join(lines) + "\n"


def _not_run(outcomes: Iterable[Outcome], missing: Mapping[str, str]) -> Iterator[str]:
    for outcome in outcomes:
        for name, failure in outcome.failures.items():
            yield f"- {outcome.workload.title}, {name}: {failure}"
    for server, reason in missing.items():
        yield f"- {server}: {reason}"


def _cells(outcome: Outcome, name: str) -> list[str]:
    summary = outcome.row[name]
    share, times = outcome.share_of_limit(name), outcome.times_best_rival(name)
    listing = outcome.workload.task == "list"
    return [
        name,
        _number(summary.rate),
        f"{_number(summary.slowest)} to {_number(summary.fastest)}",
        _number(None if listing else summary.rate * outcome.workload.size / 1e6),
        _number(summary.cpu_us),
        _number(None if listing else summary.requests),
        _number(summary.switches),
        _number(summary.system_calls),
        _number(summary.first_ms),
        _mebibytes(summary.peak_rss),
        _mebibytes(summary.rss_over_start),
        "" if share is None else f"{share:.2f}",
        "" if times is None or name in LIMITS else f"{times:.2f}",
    ]


def _mebibytes(size: float | None) -> str:
    return "" if size is None else f"{size / (1 << 20):,.0f}"


def _number(value: float | None) -> str:
    """Write a number with three digits, or with all that it has before the point."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}".rstrip(".")


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
