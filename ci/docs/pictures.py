"""Draws the pictures of the documentation."""

import argparse
import sys
from pathlib import Path

from ci.paths import ROOT
from objectpipes._svg import Picture

IMAGES = ROOT / "docs" / "images"

# The way of one object: each stage, its folder, and its task.
_WAY = (
    ("pipe, dataset, read_objects", "src/objectpipes", "pulls URLs, yields (url, reader)"),
    ("ReadWindow", "csrc/engine", "order, memory, concurrency: which read may start"),
    ("WholeRead or Stream", "csrc/engine", "one buffer, or chunks within an allowance; checksum"),
    ("SplitFetch, RangeFetch", "csrc/engine", "ranges, retries, resumption, one pinned version"),
    ("Transport", "csrc/s3, csrc/ais", "exactly one attempt: addresses, signs, maps errors"),
    ("HttpConnection", "csrc/transport/http", "HTTP/1.1, strictly framed"),
    ("Dialer", "csrc/net", "names, addresses, proxies, TLS; nothing blocks"),
)


def way_of_an_object() -> str:
    """Draw the stages of one object: its request goes down, its bytes come up."""
    width, height, gap = 640, 46, 16
    total = len(_WAY) * (height + gap) + 4
    picture = Picture(width, total, "The way of one object")
    for place, (name, folder, about) in enumerate(_WAY):
        top = place * (height + gap) + 2
        picture.box("box", 60, top, 520, height, radius=6)
        picture.text("name", 76, top + 19, name)
        picture.text("code", 564, top + 19, folder, anchor="end")
        picture.text("", 76, top + 37, about)
    _arrow(picture, 30, 20, total - 20, "request")
    _arrow(picture, width - 30, total - 20, 20, "bytes")
    return str(picture)


def terminal(text: str, title: str) -> str:
    """Draw a terminal with a text."""
    lines = text.rstrip().splitlines()
    width, height = round(max(map(len, lines)) * 7.3 + 32), len(lines) * 18 + 28
    picture = Picture(width, height, title)
    picture.box("screen", 0, 0, width, height, radius=8)
    for place, line in enumerate(lines):
        picture.text("typed", 16, place * 18 + 28, line.replace(" ", "\u00a0"))
    return str(picture)


def _arrow(picture: Picture, x: int, begin: int, end: int, label: str) -> None:
    tip = -8 if end > begin else 8
    picture.path(
        "arrow", f"M{x} {begin} V{end} M{x - 5} {end + tip} L{x} {end} L{x + 5} {end + tip}"
    )
    picture.text("", x - 6, (begin + end) // 2, label, anchor="middle", turned=-90)


def main(arguments: list[str] | None = None) -> int:
    """Draw the pictures of the documentation. That of the demo shows the output of a run."""
    parser = argparse.ArgumentParser(prog="ci.docs.pictures", description=main.__doc__)
    parser.add_argument("--demo", type=Path, help="file with what `objectpipes demo` printed")
    options = parser.parse_args(arguments)
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / "way-of-an-object.svg").write_text(way_of_an_object())
    if options.demo:
        shown = terminal("$ objectpipes demo\n" + options.demo.read_text(), "What the demo prints")
        (IMAGES / "demo.svg").write_text(shown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
