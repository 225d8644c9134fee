"""The command line: run the workloads, write the results."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from servers import ServerStartError, ServerUnavailable

from .hosts import open_host
from .machine import commit, machine, versions
from .outcome import Outcome
from .picture import picture
from .report import results_md
from .run import Effort, run_workload
from .workloads import WORKLOADS, Workload
from .wrk import check_wrk

_ROOT = Path(__file__).parents[1]
_FULL = Effort(repeats=5, seconds=0.7, objects=4)
_QUICK = Effort(repeats=1, seconds=0.5, objects=4)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    options = _parse(arguments)
    effort = _QUICK if options.quick else _FULL
    workloads = [workload for workload in WORKLOADS if options.only.search(workload.title)]
    outcomes: list[Outcome] = []
    missing: dict[str, str] = {}
    try:
        check_wrk()
        facts = _facts(options, effort)
        for name, group in groupby(workloads, key=attrgetter("server")):
            try:
                outcomes += _run(name, list(group), effort)
            except ServerUnavailable as reason:
                missing[name] = str(reason)
    except (ServerStartError, ServerUnavailable) as error:
        print(error, file=sys.stderr)
        return 1
    complete = not options.quick and workloads == list(WORKLOADS)
    folder = _ROOT / ("benchmarks/results" if complete else "build/bench")
    folder.mkdir(parents=True, exist_ok=True)
    text = results_md(outcomes, facts, missing)
    (folder / "results.md").write_text(text)
    (folder / "results.svg").write_text(picture(outcomes))
    print(text)
    return 0


def _run(server: str, workloads: Sequence[Workload], effort: Effort) -> list[Outcome]:
    with open_host(server, workloads) as host:
        return [run_workload(host, workload, effort, _progress) for workload in workloads]


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measure objectpipes beside its rivals. A complete run writes "
        "benchmarks/results, any other one build/bench.",
    )
    parser.add_argument("--quick", action="store_true", help="short runs, for a first impression")
    parser.add_argument(
        "--only",
        type=re.compile,
        default=re.compile(""),
        metavar="PATTERN",
        help="tasks whose title this regular expression is found in",
    )
    return parser.parse_args(arguments)


def _facts(options: argparse.Namespace, effort: Effort) -> dict[str, str]:
    command = ["scripts/bench"]
    if options.quick:
        command.append("--quick")
    if options.only.pattern:
        command += ["--only", options.only.pattern]
    realtime = os.sched_getscheduler(0) in (os.SCHED_FIFO, os.SCHED_RR)
    return {
        "date": f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC",
        "commit": commit(),
        "command": shlex.join(command),
        "machine": machine(),
        "load before": f"{os.getloadavg()[0]:.1f}",
        "priority": "real time" if realtime else "ordinary",
        "versions": ", ".join(f"{name} {version}" for name, version in versions().items()),
        "effort": f"{effort.repeats} repeats in turns, each of {effort.seconds:g} s and "
        f"{effort.objects} objects or more; medians",
    }


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
