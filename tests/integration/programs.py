"""Runs programs, for behaviour that shows only in a whole process."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import objectpipes
from faults import FaultServer

CONFIG = """
import os, sys, time
from objectpipes import ObjectUrl, S3Config, Credentials

config = S3Config(endpoint_url=sys.argv[1], region="r", credentials=Credentials("a", "s"))
"""
PIPES = CONFIG + "from objectpipes.iter import S3FileLister, S3FileLoader\n"


def start(script: str, server: FaultServer, preamble: str = PIPES) -> subprocess.Popen[str]:
    """Run a script that has `config` for the server; by default the pipes, too, and thus torch."""
    package = Path(objectpipes.__file__).parent.parent
    return subprocess.Popen(
        [sys.executable, "-c", preamble + textwrap.dedent(script), server.endpoint],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(package)},
    )


def finish(process: subprocess.Popen[str], seconds: float) -> str:
    """Return what a script that must succeed has printed, with nothing on standard error."""
    try:
        output, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert errors == ""
    assert process.returncode == 0
    return output
