"""Tests artifacts as users get them: installed, and without access to the sources."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from ci.artifacts import results
from ci.artifacts.environments import NotRunnableError, make_environment
from ci.artifacts.files import (
    DIST,
    BuiltFile,
    UnknownArtifactError,
    artifact_files,
    describe,
    row_of,
)
from ci.artifacts.results import Line, Result
from ci.cache import cache_folder
from ci.local.pythons import NoSuchPythonError
from ci.local.roots import smoke_test
from ci.paths import ROOT
from ci.table.platforms import Artifact, Table, check_matrix, has_test_packages, read_table

# Everything that the suite needs of the checkout. The conformance tests need torch.
_SUITE = ("artifact", "conformance", "faults", "servers", "conftest.py", "not_run.py")


def check_file(path: Path, table: Table, *, official: bool, brief: bool) -> tuple[Line, str]:
    """Test an artifact, and return the name of its row of the platform table, too.

    If a workflow built it (`official`), every cell of the matrix must be run that the table does
    not except.
    """
    try:
        built = describe(path.absolute())
        row = row_of(built, table, official=official)
    except UnknownArtifactError as error:
        return Line(path.name, [Result("artifact", "name", "failed", str(error))]), ""
    line = install_and_test(built, row, table, brief=brief)
    # A package without libraries cannot be checked for its libraries.
    excepted = row.untested if row.dependencies == "vendored" else [*row.untested, "vendored"]
    return (results.without_gaps(line, excepted) if official else line), row.name


def install_and_test(built: BuiltFile, row: Artifact, table: Table, *, brief: bool) -> Line:
    """Install an artifact into an empty environment and run its tests there.

    `brief` leaves out the conformance tests, which take most of the time.
    """
    name = f"{row.name} {built.python}".rstrip()
    with tempfile.TemporaryDirectory(prefix="objectpipes-artifact-") as scratch:
        found = [*_test_here(built, row, table, Path(scratch), brief=brief)]
        # A workflow builds on the system that it builds for.
        return Line(name, found if row.runner else [*found, *smoke_test(built)])


def expected(built: BuiltFile, row: Artifact, table: Table) -> dict[str, object]:
    """Return the arguments of the suite's `artifact.expected.Expected`."""
    return {
        "version": built.version,
        "transports": row.transports,
        "all_transports": row.channel != "sdist",
        "vendored": row.dependencies == "vendored",
        "cells": [(server.name, transport) for server, transport in check_matrix(table, row)],
    }


def untested_rows(table: Table, tested: Iterable[str]) -> Iterator[Line]:
    """Return a line for each row of the table of which no artifact was given."""
    for row in table.artifacts:
        if row.name not in tested:
            yield results.not_run(row.name, f"none was given; {row.command} makes it")


def _test_here(
    built: BuiltFile, row: Artifact, table: Table, scratch: Path, *, brief: bool
) -> Iterator[Result]:
    try:
        python = make_environment(built, scratch / "environment")
    except (NotRunnableError, NoSuchPythonError) as error:
        yield Result("installation", "tests/artifact", "not run", str(error))
        return
    except subprocess.CalledProcessError as error:
        yield Result("installation", "install", "failed", str(error))
        return
    suite = _copy_suite(scratch / "suite")
    (suite / "expected.json").write_text(json.dumps(expected(built, row, table)))
    if has_test_packages(built.python):
        yield from _run_suite(suite, python, brief=brief)
    else:
        yield from _run_programs(suite, python)


def _copy_suite(folder: Path) -> Path:
    folder.mkdir()
    shutil.copy(ROOT / "pyproject.toml", folder)  # pytest's settings
    for name in _SUITE:
        source = ROOT / "tests" / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / "tests" / name)
    return folder


def _run_suite(suite: Path, python: Path, *, brief: bool) -> Iterator[Result]:
    yield from _run_pytest(suite, python, "tests/artifact", "--expected=expected.json")
    has_torch = not subprocess.run([python, "-c", "import torch"], capture_output=True).returncode
    if brief:
        yield Result("conformance", "tests/conformance", "not run", "--brief was given")
    elif has_torch:
        yield from _run_pytest(suite, python, "tests/conformance")
    else:
        reason = "there is no torch for this Python in $WHEELHOUSE or at $TORCH_INDEX_URL"
        yield Result("conformance", "tests/conformance", "not run", reason)


def _run_programs(suite: Path, python: Path) -> Iterator[Result]:
    """Run the tests that need nothing but Python and the artifact."""
    for name in ("smoke", "threads"):
        code = subprocess.run(
            [python, "-m", f"artifact.{name}"], cwd=suite, env=_few_variables(suite, python)
        ).returncode
        state = "failed" if code else "passed"
        yield Result("programs", f"{name}.py", state, f"it ended with {code}" if code else "")
    reason = "not all that they need is there for this Python"
    yield Result("installation", "tests/artifact", "not run", reason)


def _run_pytest(suite: Path, python: Path, *arguments: str) -> list[Result]:
    junit = suite / "junit.xml"
    options = [
        *("--quiet", "-p", "artifact.parts", f"--junit-xml={junit}"),
        # Servers, which start all at once, have time limits of their own.
        *("--timeout=300", "--override-ini=timeout_func_only=true"),
    ]
    code = subprocess.run(
        [python, "-m", "pytest", *options, *arguments],
        cwd=suite,
        env=_few_variables(suite, python),
    ).returncode
    found = results.read_junit(junit) if junit.exists() else []
    junit.unlink(missing_ok=True)
    if code and not any(result.state == "failed" for result in found):
        found.append(Result("collection", "pytest", "failed", f"it ended with {code}"))
    return found


def _few_variables(suite: Path, python: Path) -> dict[str, str]:
    """Return the environment for tests: that of an ordinary shell."""
    return {
        "HOME": str(suite),
        "LANG": "C.UTF-8",
        "OBJECTPIPES_CACHE": str(cache_folder("")),  # with the programs of the servers
        "PATH": os.pathsep.join([str(python.parent), os.defpath]),
        "PYTHONPATH": str(suite / "tests"),
    }


def main(arguments: list[str] | None = None) -> int:
    """Test artifacts and write the matrix to dist/matrix.md and dist/matrix.xml."""
    parser = argparse.ArgumentParser(prog="scripts/test-artifacts", description=main.__doc__)
    parser.add_argument(
        "files", nargs="*", type=Path, default=[DIST], help="or folders of them; by default dist/"
    )
    parser.add_argument(
        "--official",
        action="store_true",
        help="a workflow built them, not a program in scripts/: what is not run fails",
    )
    parser.add_argument(
        "--brief", action="store_true", help="without the conformance tests, which take longest"
    )
    options = parser.parse_args(arguments)
    table = read_table()
    files = [
        file
        for path in options.files
        for file in (artifact_files(path) if path.is_dir() else [path])
    ]
    # Elsewhere, the tests that do not run say what is missing.
    servers = {server.name.partition("-")[0] for server in table.servers}
    command = [sys.executable, "-m", "servers", "install", *sorted(servers)]
    subprocess.run(command, cwd=ROOT / "tests", check=options.official)

    tested = [
        check_file(file, table, official=options.official, brief=options.brief) for file in files
    ]
    lines = [line for line, _ in tested]
    lines += untested_rows(table, [row for _, row in tested])
    DIST.mkdir(exist_ok=True)
    (DIST / "matrix.xml").write_text(results.to_junit(lines))
    (DIST / "matrix.md").write_text(results.to_markdown(lines))
    print(results.to_markdown(lines))
    return int(not files or any(line.failed for line in lines))


if __name__ == "__main__":
    sys.exit(main())
