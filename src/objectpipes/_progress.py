"""Progress for people: a bar on stderr where that is a terminal, and nothing anywhere else."""

from __future__ import annotations

from typing import Any

from tqdm import tqdm

__all__ = ["progress_bar"]


def progress_bar(**options: Any) -> tqdm[Any]:
    """Return a bar that vanishes in the end; `options` are tqdm's."""
    # Its thread would be there when a DataLoader forks its workers.
    tqdm.monitor_interval = 0
    return tqdm(**{"disable": None, "leave": False, "dynamic_ncols": True, **options})
