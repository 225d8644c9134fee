"""Checks that all files which name platforms or Pythons agree with the table."""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import tomli

from ci.artifacts.conda_package import render
from ci.artifacts.vcpkg import WHEELS, triplet_of
from ci.command import output
from ci.local.zig import Target
from ci.paths import ROOT
from ci.release.version import conda_version, project_version, recipe_version
from ci.table.platforms import Table, read_table

TRIPLETS = WHEELS / "triplets"

_PYTHON_CLASSIFIER = "Programming Language :: Python :: 3."
_FREE_THREADING = "Programming Language :: Python :: Free Threading"
_SYSTEM_CLASSIFIERS = {
    "linux": "Operating System :: POSIX :: Linux",
    "macos": "Operating System :: MacOS",
    "windows": "Operating System :: Microsoft :: Windows",
}


def check_metadata(table: Table, project: dict[str, Any]) -> Iterator[str]:
    """Compare the table with ``[project]`` of ``pyproject.toml``."""
    pythons = [python for python in table.pythons() if not python.endswith("t")]
    if project["requires-python"] != f">={pythons[0]}":
        yield f"requires-python is {project['requires-python']}, the table starts at {pythons[0]}"
    listed = {f"Programming Language :: Python :: {python}" for python in pythons}
    listed |= {_SYSTEM_CLASSIFIERS[row.system] for row in table.in_channel("wheel")}
    if any(python.endswith("t") for python in table.pythons()):
        listed.add(_FREE_THREADING)
    compared = (_PYTHON_CLASSIFIER, _FREE_THREADING, "Operating System")
    found = [name for name in project["classifiers"] if name.startswith(compared)]
    yield from _differences("classifiers", found, listed)


def check_cibuildwheel(table: Table) -> Iterator[str]:
    """Compare the table with the wheels that cibuildwheel would build by ``pyproject.toml``."""
    rows = sorted(table.built_by("cibuildwheel"), key=lambda row: (row.system, row.arch))
    for (system, arch), group in groupby(rows, key=lambda row: (row.system, row.arch)):
        listed = {identifier for row in group for identifier in row.identifiers}
        yield from _differences(
            f"cibuildwheel on {system} {arch}", _selected_identifiers(system, arch), listed
        )


def check_oldest_systems(
    table: Table, cibuildwheel: dict[str, Any], variants: dict[str, list[str]]
) -> Iterator[str]:
    """Compare the oldest systems in the table with those that builds target.

    Those are in ``[tool.cibuildwheel]`` of ``pyproject.toml``, and in the recipe's variants: its
    ``c_stdlib_version``, by conda's name of the platform.
    """
    for row in table.built_by("scripts/build-wheel"):
        if row.platform != (tag := Target(row.arch).platform_tag):
            yield f"{row.name}: the table says {row.platform}, scripts/build-wheel builds {tag}"
    macos = cibuildwheel["environment"]["MACOSX_DEPLOYMENT_TARGET"]
    places = {"cibuildwheel": macos} | {
        path.name: version for path in TRIPLETS.glob("*.cmake") for version in _macos_of(path)
    }
    for row in table.built_by("cibuildwheel"):
        if row.system == "macos":
            for place, version in places.items():
                if not row.platform.startswith(f"macosx_{version.replace('.', '_')}_"):
                    yield f"{row.name}: {place} builds for macOS {version}"
    for row in table.built_by("rattler-build"):
        for version in variants.get(row.platform, []):
            if row.needs not in {f"glibc {version}", f"macOS {version.removesuffix('.0')}"}:
                yield f"{row.name}: the recipe builds for {version}, the table says {row.needs}"


def check_triplets(table: Table) -> Iterator[str]:
    """Check that each system and architecture that cibuildwheel builds for has a triplet."""
    rows = table.built_by("cibuildwheel")
    yield from _differences(
        "wheels/triplets",
        {path.stem for path in TRIPLETS.glob("*.cmake")},
        {triplet_of(row.system, row.arch) for row in rows},
    )


def check_recipe(table: Table, recipe: str) -> Iterator[str]:
    """Compare the table with the text of the conda recipe."""
    floor = next(
        python
        for python in table.pythons()
        if any(python in row.python for row in table.in_channel("conda"))
    )
    if f'match(python, "<{floor}")' not in recipe:
        yield f"the recipe does not skip Pythons before {floor}"


def check_version(project: str, recipe: str) -> Iterator[str]:
    """Compare the versions in ``pyproject.toml`` and in the conda recipe."""
    if recipe != conda_version(project):
        yield f"the recipe's version is {recipe}, the project's {project}"


def _macos_of(triplet_file: Path) -> list[str]:
    return re.findall(r"VCPKG_OSX_DEPLOYMENT_TARGET (\S+)\)", triplet_file.read_text())


def _c_stdlib_versions(table: Table) -> dict[str, list[str]]:
    rows = table.built_by("rattler-build")
    rendered = {row.platform: render(row.python[:1], platform=row.platform) for row in rows}
    return {
        platform: [
            str(variant.variant["c_stdlib_version"])
            for variant in variants
            if "c_stdlib_version" in variant.variant
        ]
        for platform, variants in rendered.items()
    }


def _selected_identifiers(system: str, arch: str) -> set[str]:
    # cibuildwheel knows architectures by the names that the systems give them.
    name = arch.upper() if system == "windows" else arch
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
    """Compare the table with pyproject.toml, cibuildwheel's selection and the recipe."""
    argparse.ArgumentParser(prog="ci.table.agreement", description=main.__doc__).parse_args(
        arguments
    )
    table = read_table()
    settings = tomli.loads((ROOT / "pyproject.toml").read_text())
    problems = [
        *check_metadata(table, settings["project"]),
        *check_cibuildwheel(table),
        *check_oldest_systems(table, settings["tool"]["cibuildwheel"], _c_stdlib_versions(table)),
        *check_triplets(table),
        *check_recipe(table, (ROOT / "recipes/objectpipes/recipe.yaml").read_text()),
        *check_version(project_version(), recipe_version()),
    ]
    for problem in problems:
        print(problem, file=sys.stderr)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
