"""A chain of checks, which ends at the first one that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ..._redact import redact
from ...errors import ObjectStoreError

# A name, and a function that checks it. It returns what it found, perhaps in several lines.
Link = tuple[str, Callable[[], str]]


class Broken(Exception):  # noqa: N818 - a finding, not a fault of ours
    """A check failed: what is wrong, and what to do about it, in sentences.

    The remedy is empty if the finding says it.
    """

    def __init__(self, finding: str, remedy: str) -> None:
        super().__init__(finding, remedy)
        self.finding = finding
        self.remedy = remedy


class NotNeeded(Exception):  # noqa: N818
    """A check does not apply, for the given reason."""


@dataclass(frozen=True)
class Finding:
    """The result of one check, without secrets."""

    link: str  # name of the check
    outcome: str  # "ok", "failed" or "skipped", as all checks after a failed one are
    text: str = ""  # perhaps several lines
    remedy: str = ""  # what to do about it; empty if there is nothing to do, or if the text says it
    help_url: str = ""  # page about such errors; empty if there is none


def walk(links: Sequence[Link]) -> Iterator[Finding]:
    """Run the checks in order, until one fails; yield one finding for each.

    A check that raises `Broken` or an `ObjectStoreError` fails, and later ones are skipped. One
    that raises `NotNeeded` is skipped.
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
