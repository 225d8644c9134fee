"""wrk: what the server can deliver at most, to a client that throws everything away."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence

from servers import ServerUnavailable

from .job import Measurement

_CONNECTIONS = 8

_SCRIPT = """\
local paths = {{
{paths}
}}
local requests = {{}}
local next = 0

function init()
  for i, path in ipairs(paths) do requests[i - 1] = wrk.format("GET", path) end
end

function request()
  next = (next + 1) % #paths
  return requests[next]
end

function done(summary)
  io.stderr:write(string.format(
    '{{"requests": %d, "bytes": %d, "seconds": %f, "failed": %d}}',
    summary.requests, summary.bytes, summary.duration / 1e6,
    summary.errors.connect + summary.errors.read + summary.errors.status))
end
"""


class WrkError(Exception):
    """Not all requests succeeded."""


def check_wrk() -> None:
    """Look for the program.

    Raises
    ------
    ServerUnavailable
        It is missing.
    """
    if not shutil.which("wrk"):
        raise ServerUnavailable("wrk", "install it with apt install wrk")


def run_wrk(
    endpoint: str,
    paths: Sequence[str],
    *,
    object_bytes: int | None,
    names_per_page: int,
    seconds: float,
    connections: int | None,
) -> Measurement:
    """Request paths in turn, from one thread.

    Parameters
    ----------
    endpoint
        The server's URL.
    paths
        What to request of it, with queries.
    object_bytes
        Bytes of each object, where they are large or there are many in a reply: what is under way
        at the end counts, too. None: replies are counted.
    names_per_page
        How many objects one reply counts for: 1, unless it is a page of a listing.
    seconds
        For how long.
    connections
        How many; None: eight.

    Raises
    ------
    WrkError
        A request failed.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_SCRIPT.format(paths=",\n".join(f'  "{path}"' for path in paths)))
        script.flush()
        options = ["-t1", f"-c{connections or _CONNECTIONS}", f"-d{math.ceil(seconds)}s"]
        process = subprocess.Popen(
            ["wrk", *options, "-s", script.name, endpoint],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        reported = process.stderr.read()
        _, process.returncode, usage = os.wait4(process.pid, 0)
    if process.returncode:
        raise WrkError(reported)
    summary = json.loads(reported)
    if summary["failed"]:
        raise WrkError(f"{summary['failed']} of {summary['requests']} requests failed")
    if object_bytes is None:
        objects = summary["requests"] * names_per_page
    else:
        objects = summary["bytes"] // object_bytes
    return Measurement(
        objects=objects,
        seconds=summary["seconds"],
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        all_objects=objects,
    )
