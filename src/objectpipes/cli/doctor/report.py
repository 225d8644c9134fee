"""Prints the results of checks: for people one by one, for programs as JSON."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterable
from dataclasses import asdict

from ..output import highlight, printable
from .chain import Finding

_STYLES = {"ok": "green", "failed": "red", "skipped": "dim"}


def print_findings(findings: Iterable[Finding], width: int) -> bool:
    """Print a line for each finding as it comes, and at the end what to do.

    `width` is the length of the longest name. Return whether no check failed.
    """
    failed: Finding | None = None
    for finding in findings:
        _print_link(finding, width)
        if finding.outcome == "failed":
            failed = finding
    if failed and failed.remedy:
        columns = min(shutil.get_terminal_size().columns, 100)
        print("\n" + textwrap.fill(f"What to do: {printable(failed.remedy)}", columns))
    if failed and failed.help_url:
        print(f"\nMore about such errors: {failed.help_url}")
    return failed is None


def print_json(findings: Iterable[Finding]) -> bool:
    """Print ``{"ok": bool, "links": [...]}``, and return whether no check failed."""
    links = [asdict(finding) for finding in findings]
    ok = all(link["outcome"] != "failed" for link in links)
    print(json.dumps({"ok": ok, "links": links}, indent=2))
    return ok


def _print_link(finding: Finding, width: int) -> None:
    first, *others = finding.text.splitlines() or [""]
    label = highlight(finding.outcome.ljust(len("skipped")), _STYLES[finding.outcome])
    print(f"{finding.link.ljust(width)}  {label}  {printable(first)}".rstrip(), flush=True)
    for line in others:
        print(f"{'':{width}}  {'':7}  {printable(line)}")
