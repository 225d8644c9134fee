"""A client process: one contender at one task.

It takes a `Job` as argument, checks the contender's bytes and prints an empty line; then it
measures once for each line it is sent and prints the `Measurement`.
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

from .contenders import contender_class
from .job import Job, Measurement
from .work import Listing, Reading, Work

_FIRST_PASS = 1  # objects
_WARM_UP_SHARE = 0.25  # of the time to measure


def main() -> None:
    """Do the job that is given on the command line."""
    # What libraries print goes elsewhere.
    with os.fdopen(os.dup(1), "w", buffering=1) as replies:
        os.dup2(2, 1)
        job = Job.from_json(sys.argv[1])
        contender = contender_class(job.contender)(job.store, job.concurrency)
        work: Work = Listing(contender, job) if job.task == "list" else Reading(contender, job)
        rss_at_start = _memory("VmRSS")
        work.check()
        replies.write("\n")
        for _ in sys.stdin:
            measured = _measure(work, job, rss_at_start)
            replies.write(json.dumps(dataclasses.asdict(measured)) + "\n")


def _measure(work: Work, job: Job, rss_at_start: int) -> Measurement:
    warming, rate = _warm_up(work, job.seconds * _WARM_UP_SHARE)
    wanted = max(job.objects, math.ceil(rate * job.seconds))
    objects = 0
    cpu = _cpu_seconds()
    begin = time.perf_counter()
    while (seconds := time.perf_counter() - begin) < job.seconds or objects < job.objects:
        objects += work.run(wanted)
    cpu = _cpu_seconds() - cpu

    peak = max(_memory("VmHWM"), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10)
    return Measurement(
        objects=objects,
        seconds=seconds,
        cpu_seconds=cpu,
        peak_rss=peak,
        rss_over_start=peak - rss_at_start,
        all_objects=warming + objects,
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


def _cpu_seconds() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _memory(field: str) -> int:
    """Return a field of Linux's account of this process in bytes.

    getrusage() knows a peak as well, but one that begins with the memory of the parent.
    """
    status = Path("/proc/self/status").read_text()
    (kibibytes,) = re.findall(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kibibytes) << 10


if __name__ == "__main__":
    main()
