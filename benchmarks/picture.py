"""The picture: a panel of bars for each workload, all as shares of what wrk gets."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from .outcome import Outcome
from .workloads import LIMITS, OURS, WRK

_COLUMNS = 3
_PANEL = 330  # width
_LABELS, _BARS = 144, 112  # widths of what is left of the bars, and of the bars themselves
_TITLE, _LINE, _BAR, _GAP = 26, 18, 12, 22  # heights

_LARGE = 16 << 20  # bytes, from which on MB/s say more than objects/s

_OURS, _RIVAL, _INK, _PALE = "#0b7a4b", "#a9b4c2", "#24292f", "#57606a"


def picture(outcomes: Sequence[Outcome]) -> str:
    """Return an SVG picture of those workloads that are to be shown and have a limit."""
    shown = [outcome for outcome in outcomes if outcome.workload.shown and WRK in outcome.row]
    rows = [shown[first : first + _COLUMNS] for first in range(0, len(shown), _COLUMNS)]
    heights = [max(_height(outcome) for outcome in row) for row in rows]
    width, height = _COLUMNS * _PANEL, sum(heights) + _GAP
    svg = ElementTree.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width} {height}",
            "font-family": "system-ui, sans-serif",
            "font-size": "11",
        },
    )
    _box(svg, 0, 0, width, height, "white")
    for index, row in enumerate(rows):
        for column, outcome in enumerate(row):
            _draw_panel(svg, column * _PANEL, sum(heights[:index]), outcome)
    ElementTree.indent(svg)
    return ElementTree.tostring(svg, encoding="unicode") + "\n"


def _draw_panel(svg: ElementTree.Element, x: int, y: int, outcome: Outcome) -> None:
    shares = {name: outcome.share_of_limit(name) or 0.0 for name in _clients(outcome)}
    left = x + _LABELS
    scale = _BARS / max(1.0, *shares.values())
    top = y + _TITLE
    _text(svg, left, y + _TITLE - 8, outcome.workload.title, weight="bold")
    for number, (name, share) in enumerate(shares.items()):
        line = top + number * _LINE
        weight = "bold" if name in OURS else "normal"
        _text(svg, left - 6, line + 10, name, anchor="end", weight=weight)
        _box(svg, left, line, share * scale, _BAR, _OURS if name in OURS else _RIVAL)
        _text(svg, left + share * scale + 4, line + 10, _rate(outcome, name), weight=weight)
    limit = left + scale
    bottom = top + len(shares) * _LINE
    ElementTree.SubElement(
        svg,
        "path",
        {"d": f"M{limit:.1f} {top - 2}V{bottom}", "stroke": _PALE, "stroke-dasharray": "2 2"},
    )
    _text(svg, limit, bottom + 10, f"wrk {_rate(outcome, WRK)}", anchor="middle", fill=_PALE)


def _clients(outcome: Outcome) -> list[str]:
    return [name for name in outcome.row if name not in LIMITS]


def _height(outcome: Outcome) -> int:
    return _TITLE + len(_clients(outcome)) * _LINE + _GAP


def _rate(outcome: Outcome, name: str) -> str:
    rate, size = outcome.row[name].rate, outcome.workload.size
    return f"{rate * size / 1e6:,.0f} MB/s" if size >= _LARGE else f"{rate:,.0f}/s"


def _box(
    svg: ElementTree.Element, x: float, y: float, width: float, height: float, fill: str
) -> None:
    ElementTree.SubElement(
        svg,
        "rect",
        {
            "x": f"{x:.1f}",
            "y": f"{y:.1f}",
            "width": f"{width:.1f}",
            "height": f"{height:.1f}",
            "fill": fill,
        },
    )


def _text(
    svg: ElementTree.Element,
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    weight: str = "normal",
    fill: str = _INK,
) -> None:
    attributes = {
        "x": f"{x:.1f}",
        "y": f"{y:.1f}",
        "text-anchor": anchor,
        "font-weight": weight,
        "fill": fill,
    }
    ElementTree.SubElement(svg, "text", attributes).text = text
