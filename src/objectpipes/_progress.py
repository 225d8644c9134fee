"""Progress for people: a bar on stderr where that is a terminal, and nothing anywhere else."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any, Protocol

__all__ = ["Progress", "progress_bar"]


class Progress(Protocol):
    """What is told how far something has got."""

    def update(self, count: int = 1, /) -> object:
        """Count so many more."""

    def set_description(self, text: str, /, refresh: bool = True) -> None:
        """Say what is under way."""

    def set_postfix_str(self, text: str, /, refresh: bool = True) -> None:
        """Say more of it."""


class _NoBar:
    """Without tqdm there is no bar."""

    def update(self, count: int = 1, /) -> None: ...
    def set_description(self, text: str, /, refresh: bool = True) -> None: ...
    def set_postfix_str(self, text: str, /, refresh: bool = True) -> None: ...


@contextlib.contextmanager
def progress_bar(*, beside_output: bool = False, **options: Any) -> Iterator[Progress]:
    """Show a bar that vanishes in the end, if tqdm is installed.

    Parameters
    ----------
    beside_output
        Whether stdout is written to meanwhile. On a terminal that shows it, a bar would spoil it.
    **options
        tqdm's.
    """
    try:
        from tqdm import tqdm
    except ImportError:
        yield _NoBar()
        return
    # Its thread would be there when a DataLoader forks its workers.
    tqdm.monitor_interval = 0
    disable = True if beside_output and sys.stdout.isatty() else None
    with tqdm(**{"disable": disable, "leave": False, "dynamic_ncols": True, **options}) as bar:
        yield bar
