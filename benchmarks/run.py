"""The contenders of a workload, in turn, each in a process of its own."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .arena import Arena
from .content import sample_digests
from .job import Job, Measurement
from .outcome import Outcome
from .static_server import LISTED, PAGE
from .summary import summarize
from .workloads import ONE_CONNECTION, WRK, Workload
from .wrk import WrkError, run_wrk

_ROOT = Path(__file__).parents[1]
_PATIENCE = 120.0  # seconds, besides the ones to measure


@dataclass(frozen=True)
class Effort:
    """How much to measure.

    Attributes
    ----------
    repeats : int
        How often, in turns.
    seconds : float
        For at least so long, each time.
    objects : int
        At least so many objects, each time.
    """

    repeats: int
    seconds: float
    objects: int


class ContenderError(Exception):
    """A contender has failed."""


def run_workload(
    arena: Arena, workload: Workload, effort: Effort, report: Callable[[str], None]
) -> Outcome:
    """Let all contenders of a workload run in turn, again and again.

    Parameters
    ----------
    arena
        The servers.
    workload
        The workload.
    effort
        How much to measure.
    report
        Called with a line of text about every run.
    """
    runs: dict[str, list[Measurement]] = defaultdict(list)
    failures: dict[str, str] = {}
    for repeat in range(effort.repeats):
        for contender in workload.contenders:
            if contender in failures:
                continue
            label = f"{workload.title}: {contender}, {repeat + 1} of {effort.repeats}"
            try:
                measured = _run(arena, workload, contender, effort)
            except (ContenderError, WrkError) as error:
                failures[contender] = str(error)
                report(f"{label}: {error}")
            else:
                runs[contender].append(measured)
                report(f"{label}: {measured.rate:,.0f}/s, {measured.cpu_us:,.0f} µs")
    row = {name: summarize(runs[name]) for name in workload.contenders if name not in failures}
    return Outcome(workload, row, failures)


def _run(arena: Arena, workload: Workload, contender: str, effort: Effort) -> Measurement:
    if contender in (WRK, ONE_CONNECTION):
        return _run_wrk(arena, workload, contender, effort)
    before = arena.requests(workload)
    measured = _run_client(arena, workload, contender, effort)
    after = arena.requests(workload)
    if before is None or after is None:
        return measured
    return dataclasses.replace(measured, requests=after - before)


def _run_wrk(arena: Arena, workload: Workload, contender: str, effort: Effort) -> Measurement:
    return run_wrk(
        arena.store(workload).endpoint,
        arena.paths(workload),
        size=workload.size,
        names_per_page=PAGE if workload.bucket == LISTED else 1,
        seconds=effort.seconds,
        connections=1 if contender == ONE_CONNECTION else workload.concurrency,
    )


def _run_client(arena: Arena, workload: Workload, contender: str, effort: Effort) -> Measurement:
    listing = workload.bucket == LISTED
    job = Job(
        contender=contender,
        task=workload.task,
        concurrency=workload.concurrency,
        store=arena.store(workload),
        prefix=workload.prefix,
        count=workload.count,
        size=workload.size,
        digests={} if listing else sample_digests(workload.prefix, workload.count, workload.size),
        seconds=effort.seconds,
        objects=effort.objects,
    )
    with tempfile.TemporaryDirectory() as home:
        try:
            process = subprocess.run(
                [sys.executable, "-m", "benchmarks.client", job.to_json()],
                cwd=_ROOT,
                env=_environment(arena, workload, home),
                capture_output=True,
                text=True,
                timeout=_PATIENCE + effort.seconds,
            )
        except subprocess.TimeoutExpired as error:
            raise ContenderError(f"not done after {error.timeout:.0f} s") from error
    if process.returncode:
        last_line = process.stderr.strip().rpartition("\n")[2]
        raise ContenderError(last_line or f"ended with {process.returncode}")
    return Measurement(**json.loads(process.stdout.splitlines()[-1]))


def _environment(arena: Arena, workload: Workload, home: str) -> dict[str, str]:
    """Return the variables of a client: where the server is, and nothing of the developer's."""
    server = arena.servers[workload.server]
    return {
        "PATH": os.environ["PATH"],
        "HOME": home,
        "AWS_EC2_METADATA_DISABLED": "true",
        "S3_ENDPOINT_URL": server.endpoint,  # torchdata knows no other way
        "S3_USE_HTTPS": "0",
        **server.environment(),
    }
