"""A chain of checks: walked until the first link that is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ..._redact import redact
from ...errors import ObjectStoreError

__all__ = ["Broken", "Finding", "Link", "NotNeeded", "walk"]

# A name, and what checks it: returns what it found, which may have several lines.
Link = tuple[str, Callable[[], str]]


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


@dataclass(frozen=True)
class Finding:
    """What became of one link; shows no secret.

    Attributes
    ----------
    link : str
        Its name.
    outcome : {"ok", "failed", "skipped"}
        Whether it holds; links behind a broken one are skipped.
    text : str
        What was found, perhaps in several lines.
    remedy : str
        What to do about it; empty if there is nothing to do, or if the text says it.
    help_url : str
        Page about such errors; empty if there is none.
    """

    link: str
    outcome: str
    text: str = ""
    remedy: str = ""
    help_url: str = ""


def walk(links: Sequence[Link]) -> Iterator[Finding]:
    """Check link by link, in the order of the way to the store, until one is broken.

    Parameters
    ----------
    links
        A check may raise `Broken` or an `ObjectStoreError`, and the links behind it are skipped; or
        `NotNeeded`.

    Yields
    ------
    Finding
        One for each link.
    """
    broken = False
    for name, check in links:
        finding = Finding(name, "skipped") if broken else _check(name, check)
        broken = broken or finding.outcome == "failed"
        yield replace(finding, text=redact(finding.text), remedy=redact(finding.remedy))


def _check(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, "ok", check())
    except NotNeeded as reason:
        return Finding(name, "skipped", str(reason))
    except Broken as broken:
        return Finding(name, "failed", broken.finding, broken.remedy)
    except ObjectStoreError as error:
        return Finding(name, "failed", *_take_apart(error), error.help_url)


def _take_apart(error: ObjectStoreError) -> tuple[str, str]:
    """Return what happened with the facts about it, and what to do."""
    if not error.advice:
        return str(error), ""
    message, _, facts = str(error).partition(error.advice)
    return f"{message}\n{facts.strip()}", error.advice
