"""Argument types that several commands share."""

from __future__ import annotations

import argparse
import re

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def count(text: str) -> int:
    """Parse a whole number that is not negative."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 on, not {text!r}")
    return int(text)


def byte_count(text: str) -> int:
    """Parse a number of bytes greater than 0, such as ``"64M"``."""
    parts = re.fullmatch(r"([0-9]+)([kmg]?)(i?b)?", text.lower())
    size = int(parts[1]) * _UNITS[parts[2]] if parts else 0
    if not size:
        raise argparse.ArgumentTypeError(f"expected a number of bytes such as 64M, not {text!r}")
    return size
