"""The version of a nightly build, as PyPI and as conda write it.

``main`` carries the version that is released next. A nightly is a development release of it, so
that it sorts after every release that is out and before the one to come.

A nightly is built of a checkout that this program has written its version into: wheels, sdist and
conda package take it from the same two places as they take that of a release.
"""

import argparse
import datetime
import os
import re
import sys
from pathlib import Path

from packaging.version import Version

from ci.paths import ROOT

_PYPROJECT_VERSION = re.compile(r'(?m)^version = "(.*)"$')
_RECIPE_VERSION = re.compile(r'(?m)^  version: "(.*?)"')


def nightly_version(next_release: str, day: datetime.date) -> str:
    """Return the version of a day's nightly, such as ``"0.3.0.dev20261122"``; the day is in UTC."""
    return f"{Version(next_release).base_version}.dev{day:%Y%m%d}"


def conda_version(version: str) -> str:
    """Return a version spelt so that conda sorts it where PEP 440 does.

    Conda compares dot by dot: it would read ``.dev1`` as a part of its own, after the ``0rc1`` of
    another version. Without the dot, ``dev`` sorts before every pre-release, as it should.
    """
    parsed = Version(version)
    if parsed.local:
        raise ValueError(f"{version} has a local part, which no channel takes")
    return str(parsed).replace(".dev", "dev")


def project_version(root: Path = ROOT) -> str:
    """Return the version of the checkout."""
    return _found(_PYPROJECT_VERSION, root / "pyproject.toml")[1]


def recipe_version(root: Path = ROOT) -> str:
    """Return the version of the checkout's conda recipe."""
    return _found(_RECIPE_VERSION, _recipe(root))[1]


def write_version(version: str, root: Path = ROOT) -> None:
    """Make a version that of the checkout, for PyPI and for conda."""
    for path, pattern, spelling in [
        (_recipe(root), _RECIPE_VERSION, conda_version(version)),
        (root / "pyproject.toml", _PYPROJECT_VERSION, version),
    ]:
        start, end = _found(pattern, path).span(1)
        text = path.read_text()
        path.write_text(text[:start] + spelling + text[end:])


def _recipe(root: Path) -> Path:
    return root / "recipes" / "objectpipes" / "recipe.yaml"


def _found(pattern: re.Pattern[str], path: Path) -> re.Match[str]:
    found = pattern.search(path.read_text())
    if not found:
        raise LookupError(f"there is no version in {path}")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Print the version of this checkout, write another one into it, or tell the nightly's."""
    parser = argparse.ArgumentParser(prog="ci.release.version", description=main.__doc__)
    change = parser.add_mutually_exclusive_group()
    change.add_argument(
        "--nightly",
        action="store_true",
        help='print that of today\'s nightly: in a workflow, also as output "version" of its step',
    )
    change.add_argument("--set", metavar="VERSION", help="make it this version")
    options = parser.parse_args(arguments)
    if options.set:
        write_version(options.set)
    version = project_version()
    if options.nightly:
        today = datetime.datetime.now(datetime.timezone.utc).date()
        version = nightly_version(version, today)
        if step_output := os.environ.get("GITHUB_OUTPUT"):
            with Path(step_output).open("a") as file:
                print(f"version={version}", file=file)
    print(version)
    return 0


if __name__ == "__main__":
    sys.exit(main())
