"""Small pictures as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

# White behind everything: a page that shows the picture may be dark.
_STYLE = """\
<style>
  text { font-family: system-ui, sans-serif; font-size: 13px; fill: #24292f }
  .name { font-weight: 600 } .pale { fill: #57606a; font-size: 11px }
  .code { fill: #57606a; font-family: ui-monospace, monospace; font-size: 11px }
  .box { fill: #eef2ff; stroke: #6366f1 } .arrow { stroke: #6366f1; stroke-width: 1.5; fill: none }
  .grid { stroke: #d0d7de; fill: none } .bar { fill: #cf222e }
  .area { fill: #c7d2fe; stroke: #4f46e5; stroke-width: 1.2 }
  .line { stroke: #0b7a4b; stroke-width: 1.5; fill: none }
  .screen { fill: #1e1e2e }
  .typed { fill: #cdd6f4; font-family: ui-monospace, monospace; font-size: 12px }
</style>"""


class Picture:
    """A picture that grows shape by shape, with sizes in pixels; `str` gives the file.

    The title says what it shows, for those who cannot see it.
    """

    def __init__(self, width: float, height: float, title: str) -> None:
        shown = escape(title, {'"': "&quot;"})
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}"'
            f' width="{width:g}" role="img" aria-label="{shown}"><title>{shown}</title>'
            '<rect width="100%" height="100%" fill="#ffffff"/>',
            _STYLE,
        ]

    def __str__(self) -> str:
        return "\n".join([*self._parts, "</svg>\n"])

    def box(
        self, kind: str, x: float, y: float, width: float, height: float, radius: float = 0
    ) -> None:
        """Draw a rectangle."""
        self._parts.append(
            f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
            f' rx="{radius:g}"/>'
        )

    def text(
        self, kind: str, x: float, y: float, text: str, anchor: str = "start", turned: float = 0
    ) -> None:
        """Write a line; `turned` by so many degrees around its place."""
        turn = f' transform="rotate({turned:g} {x:g} {y:g})"' if turned else ""
        self._parts.append(
            f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}"{turn}>'
            f"{escape(text)}</text>"
        )

    def path(self, kind: str, data: str) -> None:
        """Draw a path in SVG's own notation."""
        self._parts.append(f'<path class="{kind}" d="{data}"/>')

    def line(self, kind: str, points: Sequence[tuple[float, float]]) -> None:
        """Draw straight from point to point."""
        self.path(kind, "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points))
