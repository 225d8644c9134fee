"""Reads CHANGELOG.md."""

import re
from dataclasses import dataclass
from pathlib import Path

from ci.paths import ROOT

CHANGELOG = ROOT / "CHANGELOG.md"

_HEADING = re.compile(r"(?m)^## \[(?P<version>[^]\s]+)\](?: - (?P<date>\d{4}-\d\d-\d\d))?$")


@dataclass(frozen=True)
class Entry:
    """A version of the changelog."""

    version: str  # PEP 440, or "Unreleased"
    date: str  # empty if it was not released
    text: str  # Markdown


def read_changelog(path: Path = CHANGELOG) -> list[Entry]:
    """Return the versions of the changelog, newest first."""
    text = path.read_text()
    headings = list(_HEADING.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    return [
        Entry(heading["version"], heading["date"] or "", text[heading.end() : end].strip())
        for heading, end in zip(headings, ends, strict=True)
    ]


def problems_of(version: str, entries: list[Entry]) -> list[str]:
    """Return why a version cannot be released."""
    if not entries or entries[0].version != version:
        return [f"the first version in the changelog is not {version}"]
    newest = entries[0]
    problems = []
    if not newest.date:
        problems.append(f"the changelog has no date for {version}")
    if not newest.text:
        problems.append(f"the changelog has no entry for {version}")
    return problems
