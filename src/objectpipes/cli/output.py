"""Formats the output of commands: for people on a terminal, for programs in a pipe."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Sequence

from .._redact import redact

_STYLES = {"red": 31, "green": 32, "dim": 2}


def prepare_stdout() -> None:
    """Make stdout accept any key: unchanged in a pipe, escaped if a terminal cannot show it."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        if sys.stdout.isatty():
            sys.stdout.reconfigure(errors="backslashreplace")
        else:
            sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")


def printable(text: str) -> str:
    """Escape characters that a terminal would not show, or would obey."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def one_paragraph(error: BaseException) -> str:
    """Return an exception's own text.

    A worker process adds its traceback before it and a note after it. torch adds a description of
    the pipe.
    """
    text = str(error).rpartition(f"{type(error).__qualname__}: ")[2]
    for foreign in ("\nThis exception is thrown by ", "\nWhat to do about it: "):
        text = text.partition(foreign)[0]
    return printable(redact(text.strip()))


def highlight(text: str, style: str) -> str:
    """Style a text on a terminal, unless the user disables that (no-color.org)."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"


def human_size(size: float) -> str:
    """Write a number of bytes with a binary unit and three digits: ``"1.21 GiB"``."""
    if size < 1024:
        return f"{size:.0f} B"
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        size /= 1024
        if size < 999.5 or unit == "TiB":
            break
    digits = 2 if size < 9.995 else 1 if size < 99.95 else 0
    return f"{size:,.{digits}f} {unit}"


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows of texts in columns, all but the first aligned to the right."""
    lines = [headings, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for first, *others in lines:
        cells = [text.rjust(width) for text, width in zip(others, widths[1:], strict=True)]
        print("  ".join([first.ljust(widths[0]), *cells]))
