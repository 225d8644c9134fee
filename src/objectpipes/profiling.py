"""Measures what the loops over data wait for."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import _timing
from ._importing import importing
from .errors import ConfigError

__all__ = ["Profile", "WorkerProfile", "profile"]

_KINDS = ("store", "credentials", "transform", "consumer")
_COUNTS = ("objects", "bytes", "retries")


@dataclass(frozen=True)
class WorkerProfile:
    """The time of one process that read.

    Attributes
    ----------
    worker : int or None
        Number of the ``DataLoader``'s worker; None for the process with the loop.
    process : int
        Its id.
    store, credentials, transform, consumer : float
        Seconds that it waited for the store, waited for credentials, ran the dataset's transform,
        and waited for its consumer.
    objects, bytes, retries : int
        Objects and bytes read from the store, and requests that were repeated.
    """

    worker: int | None
    process: int
    store: float
    credentials: float
    transform: float
    consumer: float
    objects: int
    bytes: int
    retries: int


@dataclass
class Profile:
    """The result of `profile`. All values are 0 until the block ends.

    Attributes
    ----------
    seconds : float
        From the beginning of the block to its end.
    wait : float
        Seconds that loops in this process waited for data.
    store, credentials, transform : float
        Seconds that all reading processes together waited for the store, waited for credentials,
        and ran the dataset's transform.
    consumer : float
        Seconds that loops in this process did not wait for data.
    objects, bytes, retries : int
        What all processes read, and how many requests they repeated.
    workers : list of WorkerProfile
        One for each process that read.
    """

    seconds: float = 0.0
    wait: float = 0.0
    store: float = 0.0
    credentials: float = 0.0
    transform: float = 0.0
    consumer: float = 0.0
    objects: int = 0
    bytes: int = 0
    retries: int = 0
    workers: list[WorkerProfile] = field(default_factory=list)

    def __str__(self) -> str:
        """Return a table."""
        header = ("", *(f"{kind} s" for kind in _KINDS), "objects", "MB", "retries")
        rows: list[tuple[str, ...]] = [header]
        everyone: list[WorkerProfile | Profile] = [*self.workers, self]
        for row in everyone:
            name = "all"
            if isinstance(row, WorkerProfile):
                name = "this process" if row.worker is None else f"worker {row.worker}"
            rows.append(
                (
                    name,
                    *(f"{getattr(row, kind):.2f}" for kind in _KINDS),
                    f"{row.objects:,}",
                    f"{row.bytes / 1e6:,.1f}",
                    f"{row.retries:,}",
                )
            )
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])
            for row in rows
        ]
        share = 100 * self.wait / self.seconds if self.seconds else 0.0
        lines.append(
            f"The loop took {self.seconds:.2f} s, of which it waited {self.wait:.2f} s for data"
            f" ({share:.0f}%)."
        )
        return "\n".join(lines)

    def prometheus(self) -> str:
        """Return the profile in the text format of Prometheus."""
        lines = [
            "# HELP objectpipes_loop_seconds Time of the loops over data, by kind.",
            "# TYPE objectpipes_loop_seconds gauge",
            *(
                f'objectpipes_loop_seconds{{kind="{kind}"}} {getattr(self, name)!r}'
                for kind, name in (("total", "seconds"), ("wait", "wait"), ("consumer", "consumer"))
            ),
            "# HELP objectpipes_worker_seconds Time of a process that read data, by kind.",
            "# TYPE objectpipes_worker_seconds gauge",
        ]
        lines += [
            f'objectpipes_worker_seconds{{{_labels(row)},kind="{kind}"}} {getattr(row, kind)!r}'
            for row in self.workers
            for kind in _KINDS
        ]
        for name in _COUNTS:
            lines.append(f"# HELP objectpipes_{name} {name.capitalize()} of a process.")
            lines.append(f"# TYPE objectpipes_{name} gauge")
            lines += [
                f"objectpipes_{name}{{{_labels(row)}}} {getattr(row, name)}" for row in self.workers
            ]
        return "\n".join(lines) + "\n"

    def _record(self) -> None:
        """Add it to OpenTelemetry's counters, if that is installed."""
        try:
            with importing:
                from opentelemetry import metrics
        except ImportError:
            return
        meter = metrics.get_meter("objectpipes")
        seconds = meter.create_counter("objectpipes.seconds", unit="s")
        seconds.add(self.wait, {"kind": "wait"})
        for row in self.workers:
            worker = {} if row.worker is None else {"worker": row.worker}
            for kind in _KINDS:
                seconds.add(max(getattr(row, kind), 0.0), {"kind": kind, **worker})
            for name in _COUNTS:
                meter.create_counter(f"objectpipes.{name}").add(getattr(row, name), worker)


def _labels(row: WorkerProfile) -> str:
    return f'worker="{"main" if row.worker is None else row.worker}",process="{row.process}"'


@contextlib.contextmanager
def profile() -> Iterator[Profile]:
    """Measure what loops over pipes and over ``dataset.loader()`` wait for, including workers.

    Workers report several times a second. Workers of pipes are included if they start within the
    block, but not with the start method ``forkserver``. Profiles cannot be nested.

    Yields
    ------
    Profile
        Filled in when the block ends. If OpenTelemetry is installed, its counters get the values.

    Raises
    ------
    ConfigError
        A profile is already running in this process.

    Examples
    --------
    >>> with objectpipes.profile() as p:
    ...     for batch in loader: ...
    >>> print(p)
    """
    result = Profile()
    folder = Path(_timing.board())
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        raise ConfigError("A profile is already running, and profiles cannot be nested.") from None
    before = os.environ.get(_timing.BOARD_VARIABLE)
    os.environ[_timing.BOARD_VARIABLE] = str(folder)
    began, baseline = time.perf_counter(), _timing.counts()
    (folder / _timing.PROFILING).write_text(repr(time.time()))
    try:
        yield result
    finally:
        result.seconds = time.perf_counter() - began
        here = _timing.since(baseline, _timing.counts())
        rows = [_row({"worker": None, "process": os.getpid(), **here})]
        rows += [_row(json.loads(file.read_text())) for file in sorted(folder.glob("*.json"))]
        shutil.rmtree(folder, ignore_errors=True)
        if before is None:
            del os.environ[_timing.BOARD_VARIABLE]
        result.wait, result.consumer = here["seconds"]["wait"], here["seconds"]["consumer"]
        result.workers = [row for row in rows if row.objects or row.store or row.transform]
        for name in ("store", "credentials", "transform", *_COUNTS):
            setattr(result, name, sum(getattr(row, name) for row in rows))
        result._record()


def _row(reported: dict[str, Any]) -> WorkerProfile:
    seconds, counts = reported["seconds"], reported["counts"]
    return WorkerProfile(
        reported["worker"],
        reported["process"],
        *(seconds[kind] for kind in _KINDS),
        *(counts[name] for name in _COUNTS),
    )
