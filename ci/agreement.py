"""The check that everything which names platforms or Pythons says what the table says."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import tomli

from ci.command import output
from ci.paths import ROOT
from ci.platforms import Table, read_table
from ci.version import conda_version, project_version, recipe_version

_PYTHON_CLASSIFIER = "Programming Language :: Python :: 3."
_SYSTEM_CLASSIFIERS = {
    "linux": "Operating System :: POSIX :: Linux",
    "macos": "Operating System :: MacOS",
    "windows": "Operating System :: Microsoft :: Windows",
}


def check_metadata(table: Table, project: dict[str, Any]) -> Iterator[str]:
    """Compare the table with the metadata of the package.

    Parameters
    ----------
    table
        The table.
    project
        Table ``[project]`` of ``pyproject.toml``.

    Yields
    ------
    str
        What differs.
    """
    pythons = [python for python in table.pythons() if not python.endswith("t")]
    if project["requires-python"] != f">={pythons[0]}":
        yield f"requires-python is {project['requires-python']}, the table starts at {pythons[0]}"
    classifiers = set(project["classifiers"])
    yield from _differences(
        "classifiers",
        {name for name in classifiers if name.startswith(_PYTHON_CLASSIFIER)},
        {f"Programming Language :: Python :: {python}" for python in pythons},
    )
    yield from _differences(
        "classifiers",
        {name for name in classifiers if name.startswith("Operating System")},
        {_SYSTEM_CLASSIFIERS[row.system] for row in table.in_channel("wheel")},
    )


def check_cibuildwheel(table: Table) -> Iterator[str]:
    """Compare the table with the wheels that cibuildwheel would build by ``pyproject.toml``.

    Parameters
    ----------
    table
        The table.

    Yields
    ------
    str
        What differs.
    """
    rows = sorted(table.built_by("cibuildwheel"), key=lambda row: (row.system, row.arch))
    for (system, arch), group in groupby(rows, key=lambda row: (row.system, row.arch)):
        listed = {identifier for row in group for identifier in row.identifiers}
        yield from _differences(
            f"cibuildwheel on {system} {arch}", _selected_identifiers(system, arch), listed
        )


def check_recipe(table: Table, recipe: str) -> Iterator[str]:
    """Compare the table with the conda recipe.

    Parameters
    ----------
    table
        The table.
    recipe
        Text of ``recipe.yaml``.

    Yields
    ------
    str
        What differs.
    """
    floor = next(
        python
        for python in table.pythons()
        if any(python in row.python for row in table.in_channel("conda"))
    )
    if f'match(python, "<{floor}")' not in recipe:
        yield f"the recipe does not skip Pythons before {floor}"


def check_version(project: str, recipe: str) -> Iterator[str]:
    """Compare the versions of the package and of the conda recipe.

    Parameters
    ----------
    project
        That of ``pyproject.toml``.
    recipe
        That of ``recipe.yaml``.

    Yields
    ------
    str
        What differs.
    """
    if recipe != conda_version(project):
        yield f"the recipe's version is {recipe}, the project's {project}"


def _selected_identifiers(system: str, arch: str) -> set[str]:
    # cibuildwheel knows architectures by the names that the systems give them.
    name = "AMD64" if system == "windows" else arch
    printed = output(
        *(sys.executable, "-m", "cibuildwheel", "--print-build-identifiers"),
        *("--platform", system, "--archs", name),
        ROOT,
    )
    return set(printed.split())


def _differences(place: str, found: Iterable[str], listed: set[str]) -> Iterator[str]:
    for name in sorted(set(found) - listed):
        yield f"{place}: {name} is not in the table"
    for name in sorted(listed - set(found)):
        yield f"{place}: {name} is missing"


def main(arguments: list[str] | None = None) -> int:
    """Compare ci/platforms.toml with pyproject.toml, cibuildwheel's selection and the recipe."""
    argparse.ArgumentParser(prog="ci.agreement", description=main.__doc__).parse_args(arguments)
    table = read_table()
    problems = [
        *check_metadata(table, tomli.loads((ROOT / "pyproject.toml").read_text())["project"]),
        *check_cibuildwheel(table),
        *check_recipe(table, (ROOT / "recipes/objectpipes/recipe.yaml").read_text()),
        *check_version(project_version(), recipe_version()),
    ]
    for problem in problems:
        print(problem, file=sys.stderr)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
