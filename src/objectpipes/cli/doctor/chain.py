"""A chain of checks: walked until the first link that is broken."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Sequence

from ...errors import ObjectStoreError
from ..output import highlight, printable

__all__ = ["Broken", "Link", "NotNeeded", "walk"]

# A name, and what checks it: returns what it found, which may have several lines.
Link = tuple[str, Callable[[], str]]

_STYLES = {"ok": "green", "failed": "red", "skipped": "dim"}


class Broken(Exception):  # noqa: N818 - a finding, not a fault of ours
    """A link does not hold.

    Parameters
    ----------
    finding : str
        What is wrong, in a line.
    remedy : str
        What to do about it, in sentences; empty if the finding says it.
    """

    def __init__(self, finding: str, remedy: str) -> None:
        super().__init__(finding, remedy)
        self.finding = finding
        self.remedy = remedy


class NotNeeded(Exception):  # noqa: N818
    """A link is not part of this chain; says why."""


def walk(links: Sequence[Link]) -> bool:
    """Check link by link, and print what is found and what to do about it.

    Parameters
    ----------
    links
        In the order of the way to the store. A check may raise `Broken` or an `ObjectStoreError`,
        and the links behind it are skipped; or `NotNeeded`.

    Returns
    -------
    bool
        Whether every link holds.
    """
    width = max(len(name) for name, _ in links)
    remedy: str | None = None
    for name, check in links:
        outcome, finding = "skipped", ""
        if remedy is None:
            try:
                outcome, finding = "ok", check()
            except NotNeeded as reason:
                finding = str(reason)
            except Broken as broken:
                outcome, finding, remedy = "failed", broken.finding, broken.remedy
            except ObjectStoreError as error:
                outcome, (finding, remedy) = "failed", _take_apart(error)
        _print_link(name.ljust(width), outcome, finding)
    if remedy:
        columns = min(shutil.get_terminal_size().columns, 100)
        print("\n" + textwrap.fill(f"What to do: {printable(remedy)}", columns))
    return remedy is None


def _take_apart(error: ObjectStoreError) -> tuple[str, str]:
    """Return what happened with the facts about it, and what to do."""
    if not error.advice:
        return str(error), ""
    message, _, facts = str(error).partition(error.advice)
    return f"{message}\n{facts.strip()}", error.advice


def _print_link(name: str, outcome: str, finding: str) -> None:
    first, *others = finding.splitlines() or [""]
    label = highlight(outcome.ljust(len("skipped")), _STYLES[outcome])
    print(f"{name}  {label}  {printable(first)}".rstrip(), flush=True)
    for line in others:
        print(f"{'':{len(name)}}  {'':7}  {printable(line)}")
