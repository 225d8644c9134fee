"""Progress for people: a bar on stderr where that is a terminal, and nothing anywhere else."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm

__all__ = ["progress_bar"]


def progress_bar(*, beside_output: bool = False, **options: Any) -> tqdm[Any]:
    """Return a bar that vanishes in the end.

    Parameters
    ----------
    beside_output
        Whether stdout is written to meanwhile. On a terminal that shows it, a bar would spoil it.
    **options
        tqdm's.
    """
    # Its thread would be there when a DataLoader forks its workers.
    tqdm.monitor_interval = 0
    disable = True if beside_output and sys.stdout.isatty() else None
    return tqdm(**{"disable": disable, "leave": False, "dynamic_ncols": True, **options})
