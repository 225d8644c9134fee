"""The documented limits of what a server may send are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/explanation/guarantees.md").read_text()
UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "PiB": 1 << 50}
ROWS = re.findall(r"^\|.*\| ([\d,]+) ?(\w*) \| `(k\w+)` \|$", PAGE, re.MULTILINE)


def test_the_table_is_found() -> None:
    assert len(ROWS) == PAGE.count("| `k") > 10


@pytest.mark.parametrize(("number", "unit", "constant"), ROWS)
def test_limit(number: str, unit: str, constant: str) -> None:
    definition = re.compile(rf"\b{constant} = (?:\w+\{{)?([\d']+)\}}?(?: << (\d+))?;")
    sources = [*ROOT.glob("csrc/**/*.h"), *ROOT.glob("csrc/**/*.cc")]
    ((digits, shift),) = [m for path in sources for m in definition.findall(path.read_text())]
    value = int(digits.replace("'", "")) << int(shift or 0)
    assert value == int(number.replace(",", "")) * UNITS[unit]
