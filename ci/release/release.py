"""Checks before a release, and its rehearsal.

A tag starts the workflow, which checks, builds, tests and publishes (`ci.release.publish`). All but
the last can be rehearsed on any machine, with the artifacts that it can build.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence

from ci.artifacts import test_artifacts
from ci.artifacts.files import BuiltFile, artifact_files, built_files, row_of
from ci.command import run
from ci.markdown import markdown_table
from ci.paths import ROOT
from ci.release import changelog, vulnerabilities
from ci.release.publish import CONDA_CHANNEL, CONDA_SERVER, file_count, released
from ci.release.version import project_version
from ci.table import agreement, generated
from ci.table.platforms import Table, read_table

_DESTINATIONS = {
    "conda": f"{CONDA_SERVER}/{CONDA_CHANNEL}, GitHub",
    "sdist": "PyPI, GitHub",
    "wheel": "PyPI, GitHub",
}


def problems_of(version: str, tag: str) -> list[str]:
    """Return why the checkout cannot be released."""
    problems = [] if tag == f"v{version}" else [f"the tag is {tag}, the version {version}"]
    problems += changelog.problems_of(version, changelog.read_changelog())
    for what, failed in {
        "a generated file is stale": generated.main(["--check"]),
        "the platform table and the rest disagree": agreement.main([]),
        "a library has a known vulnerability": vulnerabilities.main([]),
    }.items():
        problems += [what] if failed else []
    return problems


def plan(table: Table, files: Sequence[BuiltFile]) -> str:
    """Return a table of the files that a release uploads, and of those that are here.

    What programs in scripts/ built stands in for what a workflow builds, and is itself never
    uploaded: it has rows of its own.
    """
    here: dict[str, list[str]] = {row.name: [] for row in table.artifacts}
    for built in files:
        here[row_of(built, table).name].append(built.path.name)
    uploaded = {row.name: row for row in released(table)}
    rows = [
        (f"{name}, {file_count(row)} files", _DESTINATIONS[row.channel], _list(here[name]))
        for name, row in uploaded.items()
    ]
    rows += [
        (name, "nowhere, built for the rehearsal", _list(found))
        for name, found in here.items()
        if found and name not in uploaded
    ]
    return markdown_table(("from", "to", "here"), rows)


def build() -> None:
    """Build what this machine can build, into an empty dist/, wheels twice to compare them."""
    for path in artifact_files():
        path.unlink()
    run(ROOT / "scripts" / "build-wheel", "--twice")
    run(ROOT / "scripts" / "build-conda")
    run(sys.executable, "-m", "ci.artifacts.sdist")


def _list(names: Sequence[str]) -> str:
    return "<br>".join(names) or "none"


def _rehearse(problems: list[str], *, reuse: bool) -> int:
    """Build and test what this machine can, and print what a release would upload."""
    if not reuse:
        build()
    tested = test_artifacts.main([])
    print(plan(read_table(), built_files()))
    print("Nothing was uploaded.")
    if tested:
        problems = [*problems, "an artifact does not pass its tests"]
    return _report(problems)


def _report(problems: Iterable[str]) -> int:
    found = list(problems)
    for problem in found:
        print(f"not ready: {problem}", file=sys.stderr)
    return int(bool(found))


def main(arguments: list[str] | None = None) -> int:
    """Check or rehearse the release of this checkout's version."""
    version = project_version()
    parser = argparse.ArgumentParser(prog="scripts/release", description=main.__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="only what can be read")
    what.add_argument("--dry-run", action="store_true", help="everything up to the upload")
    parser.add_argument("--reuse", action="store_true", help="rehearse with what is in dist/")
    parser.add_argument("--tag", default=f"v{version}", help="default: that of the version")
    options = parser.parse_args(arguments)
    problems = problems_of(version, options.tag)
    if options.dry_run:
        return _rehearse(problems, reuse=options.reuse)
    return _report(problems)


if __name__ == "__main__":
    sys.exit(main())
