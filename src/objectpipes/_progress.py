"""Shows progress as a bar on stderr if that is a terminal."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import cast

from ._importing import importing


class Progress:
    """The methods of tqdm that we use; they do nothing if it is not installed."""

    def update(self, count: int = 1, /) -> object: ...
    def set_description(self, text: str, /, refresh: bool = True) -> None: ...
    def set_postfix_str(self, text: str, /, refresh: bool = True) -> None: ...


@contextlib.contextmanager
def progress_bar(
    *,
    unit: str,
    desc: str | None = None,
    total: int | None = None,
    unit_scale: bool = False,
    beside_output: bool = False,
) -> Iterator[Progress]:
    """Show a bar that disappears at the end, if tqdm is installed; the options are tqdm's.

    With `beside_output` the program writes to stdout meanwhile: no bar if that is a terminal.
    """
    try:
        with importing:
            from tqdm import tqdm
    except ImportError:
        yield Progress()
        return
    # A DataLoader would fork its workers while this thread runs.
    tqdm.monitor_interval = 0
    disable = True if beside_output and sys.stdout.isatty() else None
    with tqdm(
        desc=desc,
        total=total,
        unit=unit,
        unit_scale=unit_scale,
        disable=disable,
        leave=False,
        dynamic_ncols=True,
    ) as bar:
        yield cast(Progress, bar)
