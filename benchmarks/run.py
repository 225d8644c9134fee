"""The contenders of a workload, in turn."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from servers import Server

from .client_process import ClientProcess, ContenderError
from .content import sample_digests
from .hosts import Host
from .job import Job, Measurement
from .outcome import Outcome
from .static_server import PAGE
from .summary import summarize
from .workloads import ONE_CONNECTION, WRK, Workload
from .wrk import WrkError, run_wrk

_COUNTING_S = 5.0

Run = Callable[[], Measurement]
"""Measures a contender once."""


@dataclass(frozen=True)
class Contestant:
    """A contender that is ready.

    Attributes
    ----------
    measure : Run
        Measures it.
    count : Run or None
        Measures it slowly, and counts its system calls; None where that cannot be.
    """

    measure: Run
    count: Run | None = None


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


def run_workload(
    host: Host[Server], workload: Workload, effort: Effort, report: Callable[[str], None]
) -> Outcome:
    """Let all contenders of a workload run in turn, again and again.

    Parameters
    ----------
    host
        The server, with the objects.
    workload
        The workload.
    effort
        How much to measure.
    report
        Called with a line of text about every run.
    """
    measured: dict[str, list[Measurement]] = defaultdict(list)
    failures: dict[str, str] = {}
    with contextlib.ExitStack() as running:
        contenders: dict[str, Contestant] = {}
        for name in workload.contenders:
            try:
                contenders[name] = _prepare(running, host, workload, name, effort)
            except ContenderError as error:
                failures[name] = str(error)
                report(f"{workload.title}: {name}: {error}")
        repeats = 1 if workload.once else effort.repeats
        for repeat in range(repeats):
            for name in [name for name in contenders if name not in failures]:
                label = f"{workload.title}: {name}, {repeat + 1} of {repeats}"
                try:
                    run = contenders[name].measure()
                except (ContenderError, WrkError) as error:
                    failures[name] = str(error)
                    report(f"{label}: {error}")
                else:
                    measured[name].append(run)
                    report(f"{label}: {run.rate:,.0f}/s, {run.cpu_us:,.0f} µs")
        if workload.counted:
            for name, runs in measured.items():
                _count_system_calls(contenders[name], runs, f"{workload.title}: {name}", report)
    row = {name: summarize(measured[name]) for name in contenders if name not in failures}
    return Outcome(workload, row, failures)


def _count_system_calls(
    contestant: Contestant, runs: list[Measurement], label: str, report: Callable[[str], None]
) -> None:
    """Enter into the last run what another, counted one took per object."""
    if contestant.count is None:
        return
    try:
        counted = contestant.count()
    except ContenderError as error:
        report(f"{label}: {error}")
        return
    calls = (counted.system_calls or 0) / counted.objects
    runs[-1] = dataclasses.replace(runs[-1], system_calls=round(calls * runs[-1].objects))
    report(f"{label}: {calls:.2f} system calls per object")


def _prepare(
    running: contextlib.ExitStack, host: Host[Server], workload: Workload, name: str, effort: Effort
) -> Contestant:
    """Return a contender that runs until the end of `running`."""
    if name in (WRK, ONE_CONNECTION):
        return Contestant(_wrk(host, workload, name, effort))
    job = Job(
        contender=name,
        task=workload.task,
        concurrency=workload.concurrency,
        store=host.store(workload),
        prefix=workload.prefix,
        count=workload.count,
        size=workload.size,
        digests={}
        if workload.task in ("list", "members")
        else sample_digests(workload.prefix, workload.count, workload.size),
        seconds=effort.seconds * workload.length,
        objects=workload.objects or effort.objects,
        cold=workload.cold,
        ca_file=str(host.server.ca_file) if host.server.ca_file else None,
    )
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_EC2_METADATA_DISABLED": "true",
        **host.environment(),
    }
    if workload.cold:
        return Contestant(lambda: _measure_cold(job, environment))
    client = running.enter_context(ClientProcess(job, environment))
    client.wait_ready()

    def run() -> Measurement:
        asked_before = host.requests()
        measured = client.measure()
        asked = host.requests()
        if asked_before is None or asked is None:
            return measured
        return dataclasses.replace(measured, requests=asked - asked_before)

    return Contestant(run, client.count_system_calls)


def _measure_cold(job: Job, environment: Mapping[str, str]) -> Measurement:
    with ClientProcess(job, environment) as client:
        client.wait_ready()
        return client.measure()


def _wrk(host: Host[Server], workload: Workload, name: str, effort: Effort) -> Run:
    endpoint, paths = host.limit(workload)

    def run() -> Measurement:
        return run_wrk(
            endpoint,
            paths,
            object_bytes=workload.object_bytes if workload.in_pieces else None,
            names_per_page=PAGE if workload.task == "list" else 1,
            seconds=effort.seconds * workload.length,
            connections=1 if name == ONE_CONNECTION else workload.concurrency,
        )

    return run
