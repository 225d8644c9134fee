"""The pictures of the documentation, drawn from texts."""

import argparse
import sys
from pathlib import Path
from xml.sax.saxutils import escape

from ci.paths import ROOT

IMAGES = ROOT / "docs" / "images"

# The way of one object: what is passed, where it is, and what happens there.
_WAY = (
    ("pipe, dataset, read_objects", "src/objectpipes", "pulls URLs, yields (url, reader)"),
    ("ReadWindow", "csrc/engine", "order, memory, concurrency: which read may start"),
    ("WholeRead or Stream", "csrc/engine", "one buffer, or chunks within an allowance; checksum"),
    ("SplitFetch, RangeFetch", "csrc/engine", "ranges, retries, resumption, one pinned version"),
    ("Transport", "csrc/s3, csrc/ais", "exactly one attempt: addresses, signs, maps errors"),
    ("HttpConnection", "csrc/transport/http", "HTTP/1.1, strictly framed"),
    ("Dialer", "csrc/net", "names, addresses, proxies, TLS; nothing blocks"),
)

_STYLE = """\
<style>
  text { font-family: system-ui, sans-serif; font-size: 13px; fill: #24292f }
  .name { font-weight: 600 }
  .place { fill: #57606a; font-family: ui-monospace, monospace; font-size: 11px }
  .box { fill: #eef2ff; stroke: #6366f1 } .arrow { stroke: #6366f1; stroke-width: 1.5; fill: none }
  .screen { fill: #1e1e2e }
  .line { fill: #cdd6f4; font-family: ui-monospace, monospace; font-size: 12px }
</style>"""


def way_of_an_object() -> str:
    """Return a picture of what an object passes: the request on its way down, the bytes up."""
    width, height, gap = 640, 46, 16
    total = len(_WAY) * (height + gap) + 4
    parts = [_open(width, total, "The way of one object"), _STYLE]
    for place, (name, folder, about) in enumerate(_WAY):
        top = place * (height + gap) + 2
        parts.append(f'<rect class="box" x="60" y="{top}" width="520" height="{height}" rx="6"/>')
        parts.append(f'<text class="name" x="76" y="{top + 19}">{escape(name)}</text>')
        parts.append(
            f'<text class="place" x="564" y="{top + 19}" text-anchor="end">{escape(folder)}</text>'
        )
        parts.append(f'<text x="76" y="{top + 37}">{escape(about)}</text>')
    parts.append(_arrow(30, 20, total - 20, "request"))
    parts.append(_arrow(width - 30, total - 20, 20, "bytes"))
    return "\n".join([*parts, "</svg>\n"])


def terminal(text: str, title: str) -> str:
    """Return a picture of a terminal that shows a text.

    Parameters
    ----------
    text
        What is on it.
    title
        What it shows, for those who cannot see it.
    """
    lines = text.rstrip().splitlines()
    width = max(map(len, lines)) * 7.3 + 32
    parts = [_open(round(width), len(lines) * 18 + 28, title), _STYLE]
    parts.append('<rect class="screen" width="100%" height="100%" rx="8"/>')
    for place, line in enumerate(lines):
        shown = escape(line).replace(" ", "\u00a0")
        parts.append(f'<text class="line" x="16" y="{place * 18 + 28}">{shown}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _open(width: int, height: int, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>'
        f'<rect width="100%" height="100%" fill="#ffffff"/>'
    )


def _arrow(x: int, begin: int, end: int, label: str) -> str:
    tip = -8 if end > begin else 8
    middle = (begin + end) // 2
    return (
        f'<path class="arrow" d="M{x} {begin} V{end}'
        f' M{x - 5} {end + tip} L{x} {end} L{x + 5} {end + tip}"/>'
        f'<text x="{x}" y="{middle}" text-anchor="middle" transform="rotate(-90 {x} {middle})"'
        f' dy="-6">{escape(label)}</text>'
    )


def main(arguments: list[str] | None = None) -> int:
    """Draw the pictures of the documentation; the demo's is made of what it printed."""
    parser = argparse.ArgumentParser(prog="ci.docs.pictures", description=main.__doc__)
    parser.add_argument("--demo", type=Path, help="file with what `scripts/demo` printed")
    options = parser.parse_args(arguments)
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / "way-of-an-object.svg").write_text(way_of_an_object())
    if options.demo:
        shown = terminal("$ scripts/demo\n" + options.demo.read_text(), "What the demo prints")
        (IMAGES / "demo.svg").write_text(shown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
