"""A client process: one contender at one task.

It takes a `Job` as argument, checks the contender's bytes and prints an empty line; then it
measures once for each line it is sent and prints the `Measurement`. For a cold job it imports the
contender, prints the empty line, and measures one pass, in which it also makes the contender.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import resource
import sys
import time
from pathlib import Path

from .contenders import Contender, contender_class
from .job import Job, Measurement
from .work import Listing, Members, Reading, Work

_FIRST_PASS = 1  # objects
_WARM_UP_SHARE = 0.25  # of the time to measure


def main() -> None:
    """Do the job that is given on the command line."""
    # What libraries print goes elsewhere.
    with os.fdopen(os.dup(1), "w", buffering=1) as replies:
        os.dup2(2, 1)
        job = Job.from_json(sys.argv[1])
        contender_type = contender_class(job.contender)
        if job.cold:
            replies.write("\n")
            sys.stdin.readline()
            measured = _measure_cold(contender_type, job)
            replies.write(json.dumps(dataclasses.asdict(measured)) + "\n")
            return
        work = _work(contender_type(job.store, job.concurrency), job)
        rss_at_start = _memory("VmRSS")
        work.check()
        replies.write("\n")
        for _ in sys.stdin:
            measured = _measure(work, job, rss_at_start)
            replies.write(json.dumps(dataclasses.asdict(measured)) + "\n")


def _work(contender: Contender, job: Job) -> Work:
    if job.task == "list":
        return Listing(contender, job)
    return Members(contender, job) if job.task == "members" else Reading(contender, job)


def _measure_cold(contender_type: type[Contender], job: Job) -> Measurement:
    rss_at_start = _memory("VmRSS")
    before = _usage()
    begin = time.perf_counter()
    work = _work(contender_type(job.store, job.concurrency), job)
    first = work.run_once()
    seconds = time.perf_counter() - begin
    after = _usage()
    peak = max(_memory("VmHWM"), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10)
    return Measurement(
        objects=job.count,
        seconds=seconds,
        cpu_seconds=after.cpu_seconds - before.cpu_seconds,
        peak_rss=peak,
        rss_over_start=peak - rss_at_start,
        all_objects=job.count,
        first_seconds=first - begin,
        switches=after.switches - before.switches,
    )


def _measure(work: Work, job: Job, rss_at_start: int) -> Measurement:
    warming, rate = _warm_up(work, job.seconds * _WARM_UP_SHARE)
    wanted = max(job.objects, math.ceil(rate * job.seconds))
    objects = 0
    before = _usage()
    begin = time.perf_counter()
    while (seconds := time.perf_counter() - begin) < job.seconds or objects < job.objects:
        objects += work.run(wanted)
    after = _usage()

    peak = max(_memory("VmHWM"), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10)
    return Measurement(
        objects=objects,
        seconds=seconds,
        cpu_seconds=after.cpu_seconds - before.cpu_seconds,
        peak_rss=peak,
        rss_over_start=peak - rss_at_start,
        all_objects=warming + objects,
        switches=after.switches - before.switches,
    )


def _warm_up(work: Work, seconds: float) -> tuple[int, float]:
    """Work for so long; return how many objects that were, and objects per second at its end."""
    total = 0
    objects = _FIRST_PASS
    while True:
        begin = time.perf_counter()
        done = work.run(objects)
        took = time.perf_counter() - begin
        total += done
        if took >= seconds:
            return total, done / took
        # Up to eight times as much: the first passes tell little about the rate.
        objects = math.ceil(objects * min(8.0, 1.2 * seconds / took))


@dataclasses.dataclass(frozen=True)
class _Usage:
    """What this process and its children have used so far."""

    cpu_seconds: float
    switches: int


def _usage() -> _Usage:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return _Usage(
        cpu_seconds=sum(usage.ru_utime + usage.ru_stime for usage in usages),
        switches=sum(usage.ru_nvcsw + usage.ru_nivcsw for usage in usages),
    )


def _memory(field: str) -> int:
    """Return a field of Linux's account of this process in bytes.

    getrusage() knows a peak as well, but one that begins with the memory of the parent.
    """
    status = Path("/proc/self/status").read_text()
    (kibibytes,) = re.findall(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kibibytes) << 10


if __name__ == "__main__":
    main()
