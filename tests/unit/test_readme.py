"""The README as a package index shows it: everything is rendered, and every link leads somewhere."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
OURS = re.compile(
    r"https://(?:github\.com/[\w.-]+/objectpipes/(?:blob|tree)|raw\.githubusercontent\.com/[\w.-]+/objectpipes)"
    r"/main/(?P<path>[^#?]+)"
)


def rendered() -> str:
    markdown = pytest.importorskip("readme_renderer.markdown")
    warnings = io.StringIO()
    html = markdown.render(README, stream=warnings)
    assert html is not None, warnings.getvalue()
    assert warnings.getvalue() == ""
    return str(html)


def test_every_link_and_picture_is_absolute() -> None:
    targets = re.findall(r'(?:href|src)="([^"]+)"', rendered())
    assert targets
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []


def test_what_links_into_the_repository_is_there() -> None:
    targets = re.findall(r'(?:href|src)="([^"]+)"', rendered())
    paths = [match["path"] for match in map(OURS.match, targets) if match]
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_it_shows_pictures_and_fits_on_two_screens() -> None:
    assert rendered().count("<img") >= 3
    assert len(README.splitlines()) <= 100
