"""The address of the repository: defined in pyproject.toml, repeated in links of documents."""

import argparse
import re
import sys
from pathlib import Path

import tomli

from ci.command import output
from ci.paths import ROOT

_LINK = re.compile(r"https://github\.com/([\w.-]+)/objectpipes\b")
_PAGES = re.compile(r"https://([\w-]+)\.github\.io/objectpipes\b")
_ERRORS = "src/objectpipes/errors.py"  # errors link to their pages
_TEAM = re.compile(r"(?m)@([\w-]+)(?=/(?:maintainers|release)\b)")


def owner() -> str:
    """Return the account that owns the repository, as pyproject.toml names it."""
    project = tomli.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = _LINK.fullmatch(project["urls"]["Repository"])
    if found is None:
        raise ValueError("project.urls.Repository in pyproject.toml is not on github.com")
    return found[1]


def with_owner(text: str, name: str) -> str:
    """Return a document whose links to the repository, its pages and its teams have this owner."""
    text = _LINK.sub(f"https://github.com/{name}/objectpipes", text)
    text = _PAGES.sub(f"https://{name}.github.io/objectpipes", text)
    return _TEAM.sub(f"@{name}", text)


def _documents() -> list[Path]:
    suffixes = {".md", ".toml", ".yml", ".yaml", ".cff"}
    return [
        ROOT / name
        for name in output("git", "ls-files", cwd=ROOT).splitlines()
        if Path(name).suffix in suffixes or name.endswith("CODEOWNERS") or name == _ERRORS
    ]


def main(arguments: list[str] | None = None) -> int:
    """Compare all links to the repository with pyproject.toml, or write them for a new owner."""
    parser = argparse.ArgumentParser(prog="ci.table.repository", description=main.__doc__)
    parser.add_argument("--owner", help="the new owner; pyproject.toml is changed, too")
    options = parser.parse_args(arguments)
    name = options.owner or owner()
    stale = 0
    for path in _documents():
        text = path.read_text()
        if (renamed := with_owner(text, name)) == text:
            continue
        if options.owner:
            path.write_text(renamed)
        else:
            stale += 1
            shown = path.relative_to(ROOT)
            print(f"{shown} links to another repository than pyproject.toml", file=sys.stderr)
    return int(stale > 0)


if __name__ == "__main__":
    sys.exit(main())
