"""Uploading a release: to PyPI, to the conda channel, and to GitHub.

Each step skips files that are already there, so an upload that broke off is resumed by starting it
again. This program may publish, so it has few dependencies, all pinned: the group ``publish``.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from zipfile import ZipFile

from rattler_build import upload_package_to_prefix

from ci.artifacts.files import BOM_NAME, DIST, BuiltFile, built_files, row_of
from ci.command import run
from ci.release import changelog
from ci.release.feedstock import make_feedstock
from ci.release.version import project_version
from ci.table.platforms import Artifact, Table, read_table

CONDA_SERVER = "https://prefix.dev"
CONDA_CHANNEL = "objectpipes"


def missing(table: Table, files: Sequence[BuiltFile]) -> Iterator[str]:
    """Yield the rows of the table whose files are incomplete."""
    found = Counter(row_of(built, table, official=True).name for built in files)
    for row in released(table):
        if found[row.name] != file_count(row):
            yield f"{row.name}: {found[row.name]} of {file_count(row)} files are here"


def publish(files: Sequence[BuiltFile], version: str) -> None:
    """Upload all files that are not there yet. A failed upload does not undo earlier ones.

    The workflow authenticates with its identity token; there is no password.
    """
    for_pypi = [built.path for built in files if built.channel != "conda"]
    packages = [built.path for built in files if built.channel == "conda"]
    _publish_on_pypi(for_pypi)
    upload_package_to_prefix(
        [str(path) for path in packages],
        CONDA_SERVER,
        CONDA_CHANNEL,
        generate_attestation=True,
        skip_existing=True,
    )
    extracts = [*_extract_boms(for_pypi), *_make_feedstocks(for_pypi)]
    _publish_on_github(f"v{version}", [*for_pypi, *packages, *extracts])


def released(table: Table) -> list[Artifact]:
    """Return the rows of the table that are released."""
    return [row for row in table.artifacts if row.runner]


def file_count(row: Artifact) -> int:
    """Return how many files a row of the table stands for."""
    return 1 if row.channel == "sdist" else len(row.python)


def _publish_on_pypi(files: Sequence[Path]) -> None:
    attestations = {path: path.with_name(f"{path.name}.publish.attestation") for path in files}
    if unsigned := [path for path in files if not attestations[path].exists()]:
        run("pypi-attestations", "sign", *unsigned)
    run(
        *("twine", "upload", "--non-interactive", "--skip-existing", "--attestations"),
        *files,
        *attestations.values(),
    )


def _publish_on_github(tag: str, assets: Iterable[Path]) -> None:
    try:
        run("gh", "release", "view", tag)
    except subprocess.CalledProcessError:
        notes = DIST / "notes.md"
        notes.write_text(changelog.read_changelog()[0].text + "\n")
        run("gh", "release", "create", tag, "--verify-tag", "--notes-file", notes)
    run("gh", "release", "upload", tag, "--clobber", *assets)


def _extract_boms(files: Iterable[Path]) -> Iterator[Path]:
    """Copy the bills of materials out of the wheels, to publish them beside the wheels."""
    for wheel in (file for file in files if file.suffix == ".whl"):
        with ZipFile(wheel) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith(f"/{BOM_NAME}"))
            copy = wheel.with_suffix(".cdx.json")
            copy.write_bytes(archive.read(name))
            yield copy


def _make_feedstocks(files: Iterable[Path]) -> Iterator[Path]:
    """Make the recipe for conda-forge, with the URL and checksum of the source distribution."""
    for sdist in (file for file in files if file.name.endswith(".tar.gz")):
        with tempfile.TemporaryDirectory() as scratch:
            make_feedstock(sdist, Path(scratch) / "recipes" / "objectpipes")
            stem = sdist.name.removesuffix(".tar.gz")
            archive = sdist.with_name(f"{stem}-conda-forge")
            yield Path(shutil.make_archive(str(archive), "zip", scratch))


def main(arguments: list[str] | None = None) -> int:
    """Upload the files in dist/ that are not there yet; for the workflow."""
    parser = argparse.ArgumentParser(prog="ci.release.publish", description=main.__doc__)
    parser.add_argument("--tag", required=True, help="that of the release")
    tag = parser.parse_args(arguments).tag
    version, files = project_version(), built_files()
    problems = [*missing(read_table(), files)]
    if tag != f"v{version}":
        problems.append(f"the tag is {tag}, the version {version}")
    for problem in problems:
        print(f"not ready: {problem}", file=sys.stderr)
    if not problems:
        publish(files, version)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
