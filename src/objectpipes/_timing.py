"""Measures where the time of a process goes. Workers report it while it is profiled.

While the main process profiles, it keeps a file in a folder, the board. Workers know its path from
the environment or from their dataset, and each keeps a file with its counts there.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, TypeVar

from ._engine import stats

_T = TypeVar("_T")

KINDS = ("wait", "store", "credentials", "transform", "consumer")
SECONDS = dict.fromkeys(KINDS, 0.0)

BOARD_VARIABLE = "OBJECTPIPES_PROFILE"
PROFILING = "profiling"
_INTERVAL_S = 0.1

_board = ""
_process = os.getpid()
_worker: int | None = None
_born = 0.0
_due = 0.0
_baseline: dict[str, Any] = {}  # of the current profile
_profile_began = 0.0


def board() -> str:
    """Return the folder for reports to this process. It may not exist."""
    global _board
    if not _board:
        name = f"objectpipes-profile-{os.getpid()}-{secrets.token_hex(4)}"
        _board = os.environ.get(BOARD_VARIABLE) or str(Path(tempfile.gettempdir()) / name)
    return _board


def join(path: str) -> None:
    """Report to the process that reads this board from now on, if there is one."""
    global _board
    if path:
        _board = path


def begin() -> bool:
    """Begin an iteration; return whether this process is a worker of a ``DataLoader``."""
    global _process, _worker, _born
    info = sys.modules["torch.utils.data"].get_worker_info()
    _worker = None if info is None else info.id
    if _process != os.getpid() or not _born:
        if _process != os.getpid():  # forked: the counts are the parent's
            SECONDS.update(dict.fromkeys(KINDS, 0.0))
        _process, _born = os.getpid(), time.time()
    report(now=True)
    return _worker is not None


def counts() -> dict[str, Any]:
    """Return the seconds and counts of this process so far."""
    return {"seconds": dict(SECONDS), "counts": stats()}


def since(baseline: dict[str, Any], current: dict[str, Any]) -> dict[str, Any]:
    """Return the difference to a baseline, which may be empty."""
    return {
        part: {
            name: value - baseline.get(part, {}).get(name, 0)
            for name, value in current[part].items()
        }
        for part in ("seconds", "counts")
    }


def report(*, now: bool = False) -> None:
    """Write the counts to the board several times a second, if this is a profiled worker."""
    global _due, _baseline, _profile_began
    if _worker is None or not (now or time.monotonic() > _due):
        return
    _due = time.monotonic() + _INTERVAL_S
    folder = Path(board())
    try:
        began = float((folder / PROFILING).read_text())
    except (OSError, ValueError):
        return
    current = counts()
    if began != _profile_began:
        _profile_began, _baseline = began, {} if _born >= began else current
    row = {"worker": _worker, "process": os.getpid(), **since(_baseline, current)}
    new = folder / f"{os.getpid()}.new"
    try:
        new.write_text(json.dumps(row))
        new.replace(folder / f"{os.getpid()}.json")
    except OSError:  # the profile has just ended
        return


def count_transform(seconds: float) -> None:
    """Count the time of a transform. `timed` would count it as the consumer's."""
    SECONDS["transform"] += seconds
    SECONDS["consumer"] -= seconds
    if _worker is None:
        SECONDS["wait"] += seconds


@contextlib.contextmanager
def obtaining_credentials() -> Iterator[None]:
    """Count the time of the block as waiting for credentials."""
    begun = time.perf_counter()
    try:
        yield
    finally:
        SECONDS["credentials"] += time.perf_counter() - begun


def timed(items: Iterator[_T]) -> Generator[_T, None, None]:
    """Yield items, and count the waiting as the store's time, the rest as the consumer's."""
    in_worker = begin()
    # An iterator that is never closed may end after this module, when the interpreter ends.
    clock, seconds, end = time.perf_counter, SECONDS, report
    asked = clock()
    try:
        while True:
            credentials = seconds["credentials"]
            box = [next(items, _END)]
            arrived = clock()
            waited = arrived - asked
            seconds["store"] += waited - (seconds["credentials"] - credentials)
            if in_worker:
                report()
            else:
                seconds["wait"] += waited
            if box[0] is _END:
                return
            try:
                yield box.pop()  # no variable keeps the item while the consumer has it
            finally:
                asked = clock()
                seconds["consumer"] += asked - arrived
    finally:
        end(now=True)


_END: Any = object()
