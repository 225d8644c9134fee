"""A client process: one contender, one task; takes a `Job` as argument, prints a `Measurement`."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import resource
import sys
import time
from pathlib import Path

from .contenders import contender_class
from .job import Job, Measurement
from .work import Listing, Reading

_FIRST_PASS = 4  # objects
_WARM_UP_SHARE = 0.25  # of the time to measure


def main() -> None:
    """Do the job that is given on the command line."""
    print(json.dumps(dataclasses.asdict(measure(Job.from_json(sys.argv[1])))))


def measure(job: Job) -> Measurement:
    """Let a contender check its bytes and warm up, and measure it."""
    contender = contender_class(job.contender)(job.store, job.concurrency)
    work = Listing(contender, job) if job.task == "list" else Reading(contender, job)
    rss_at_start = _memory("VmRSS")
    checked = work.check()
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
        all_objects=checked + warming + objects,
    )


def _warm_up(work: Reading | Listing, seconds: float) -> tuple[int, float]:
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
    (kibibytes,) = re.findall(rf"^{field}:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.M)
    return int(kibibytes) << 10


if __name__ == "__main__":
    main()
