"""Threads share the engine, with a GIL and without."""

from __future__ import annotations

import subprocess
import sys


def test_threads_list_and_read_at_once() -> None:
    subprocess.run([sys.executable, "-m", "artifact.threads"], check=True)
