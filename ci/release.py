"""The release of a version: what is checked before, and what goes where.

A tag starts the workflow, which checks, builds, tests and publishes. The same can be rehearsed on
any machine up to the upload, with the artifacts that it can build.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from zipfile import ZipFile

from rattler_build import upload_package_to_prefix

from ci import agreement, changelog, generated, test_artifacts, vulnerabilities
from ci.artifacts import DIST, BuiltFile, built_files, row_of
from ci.command import run
from ci.markdown import markdown_table
from ci.paths import ROOT
from ci.platforms import Artifact, Table, read_table
from ci.sbom import FILE_NAME
from ci.version import project_version

_CONDA_SERVER = "https://prefix.dev"
_CONDA_CHANNEL = "objectpipes"
_DESTINATIONS = {
    "conda": f"{_CONDA_SERVER}/{_CONDA_CHANNEL}, GitHub",
    "sdist": "PyPI, GitHub",
    "wheel": "PyPI, GitHub",
}


def problems_of(version: str, tag: str) -> list[str]:
    """Return what keeps the checkout from being released.

    Parameters
    ----------
    version
        Its version.
    tag
        The tag of the release.
    """
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
    """Return a table of what a release uploads where, and of what is here of it.

    Parameters
    ----------
    table
        The platform table.
    files
        The artifacts that are here.
    """
    rows = []
    for row in _released(table):
        here = [built.path.name for built in files if row_of(built, table, official=True) == row]
        name = f"{row.name}, {_file_count(row)} files"
        rows.append((name, _DESTINATIONS[row.channel], "<br>".join(here) or "none"))
    return markdown_table(("from", "to", "here"), rows)


def missing(table: Table, files: Sequence[BuiltFile]) -> Iterator[str]:
    """Say of which rows of the table there are not all files.

    Parameters
    ----------
    table
        The platform table.
    files
        The artifacts that are here.

    Yields
    ------
    str
        What is missing.
    """
    found = Counter(row_of(built, table, official=True).name for built in files)
    for row in _released(table):
        if found[row.name] != _file_count(row):
            yield f"{row.name}: {found[row.name]} of {_file_count(row)} files are here"


def build() -> None:
    """Build what this machine can build, into an empty dist/.

    Raises
    ------
    subprocess.CalledProcessError
        If something cannot be built.
    """
    for built in built_files():
        built.path.unlink()
    run(ROOT / "scripts" / "build-wheel")
    run(ROOT / "scripts" / "build-conda")
    run(sys.executable, "-m", "ci.sdist")


def publish(files: list[BuiltFile], version: str) -> None:
    """Upload everything: to PyPI with attestations, to the conda channel, and to GitHub.

    The workflow proves who it is by its identity token; there is no password.

    Parameters
    ----------
    files
        The artifacts.
    version
        Their version.

    Raises
    ------
    subprocess.CalledProcessError
        If an upload fails. Those before it have happened.
    """
    for_pypi = [built.path for built in files if built.channel != "conda"]
    packages = [built.path for built in files if built.channel == "conda"]
    run("pypi-attestations", "sign", *for_pypi)
    attestations = [path.with_name(f"{path.name}.publish.attestation") for path in for_pypi]
    run("twine", "upload", "--non-interactive", "--attestations", *for_pypi, *attestations)
    upload_package_to_prefix(
        [str(path) for path in packages], _CONDA_SERVER, _CONDA_CHANNEL, generate_attestation=True
    )
    notes = DIST / "notes.md"
    notes.write_text(changelog.read_changelog()[0].text + "\n")
    assets = [*for_pypi, *packages, *_extract_boms(for_pypi)]
    run("gh", "release", "create", f"v{version}", "--verify-tag", "--notes-file", notes, *assets)


def _released(table: Table) -> list[Artifact]:
    return [row for row in table.artifacts if row.runner]


def _file_count(row: Artifact) -> int:
    return 1 if row.channel == "sdist" else len(row.python)


def _extract_boms(files: Iterable[Path]) -> list[Path]:
    """Copy the bills of materials out of the wheels, for those who look before they install."""
    copies = []
    for wheel in (file for file in files if file.suffix == ".whl"):
        with ZipFile(wheel) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith(f"/{FILE_NAME}"))
            copy = wheel.with_suffix(".cdx.json")
            copy.write_bytes(archive.read(name))
            copies.append(copy)
    return copies


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
    """Check, rehearse or publish the release of this checkout's version."""
    version = project_version()
    parser = argparse.ArgumentParser(prog="ci/release", description=main.__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="only what can be read")
    what.add_argument("--dry-run", action="store_true", help="everything up to the upload")
    what.add_argument("--publish", action="store_true", help="upload dist/; for the workflow")
    parser.add_argument("--reuse", action="store_true", help="rehearse with what is in dist/")
    parser.add_argument("--tag", default=f"v{version}", help="default: that of the version")
    options = parser.parse_args(arguments)
    problems = problems_of(version, options.tag)
    if options.dry_run:
        return _rehearse(problems, reuse=options.reuse)
    if options.publish:
        problems += missing(read_table(), built_files())
    if options.check or problems:
        return _report(problems)
    publish(built_files(), version)
    return 0


if __name__ == "__main__":
    sys.exit(main())
