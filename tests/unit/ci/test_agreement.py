"""Files that name platforms or Pythons are compared with the table."""

from dataclasses import replace
from typing import Any

import pytest
import tomli

from ci.paths import ROOT
from ci.release.version import project_version, recipe_version
from ci.table import agreement
from ci.table.agreement import (
    check_cibuildwheel,
    check_metadata,
    check_oldest_systems,
    check_recipe,
    check_triplets,
    check_version,
)
from ci.table.platforms import Table, read_table


@pytest.fixture
def table() -> Table:
    """Return the real table."""
    return read_table()


@pytest.fixture
def project() -> dict[str, Any]:
    """Return the real metadata."""
    data: dict[str, Any] = tomli.loads((ROOT / "pyproject.toml").read_text())
    return data["project"]  # type: ignore[no-any-return]


def without_python(table: Table, python: str) -> Table:
    """Return a table that has one Python less."""
    rows = [
        replace(row, python=[version for version in row.python if version != python])
        for row in table.artifacts
    ]
    return replace(table, artifacts=rows)


def test_the_metadata_of_the_package_agrees(table: Table, project: dict[str, Any]) -> None:
    assert list(check_metadata(table, project)) == []


def test_a_python_too_many_in_the_classifiers_is_found(
    table: Table, project: dict[str, Any]
) -> None:
    assert list(check_metadata(without_python(table, "3.14"), project)) == [
        "classifiers: Programming Language :: Python :: 3.14 is not in the table"
    ]


def test_another_oldest_python_is_found(table: Table, project: dict[str, Any]) -> None:
    assert list(check_metadata(table, project | {"requires-python": ">=3.9"})) == [
        "requires-python is >=3.9, the table starts at 3.10"
    ]


def test_a_missing_system_is_found(table: Table, project: dict[str, Any]) -> None:
    macos = "Operating System :: MacOS"
    classifiers = [name for name in project["classifiers"] if name != macos]
    assert list(check_metadata(table, project | {"classifiers": classifiers})) == [
        "classifiers: Operating System :: MacOS is missing"
    ]


def test_cibuildwheel_builds_what_the_table_lists(table: Table) -> None:
    assert list(check_cibuildwheel(table)) == []


def test_a_wheel_too_many_or_too_few_is_found(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [replace(table.artifacts[0], python=["3.10", "3.11"])]
    selected = {"cp311-manylinux_x86_64", "cp312-manylinux_x86_64"}
    monkeypatch.setattr(agreement, "_selected_identifiers", lambda system, arch: selected)
    assert list(check_cibuildwheel(replace(table, artifacts=rows))) == [
        "cibuildwheel on linux x86_64: cp312-manylinux_x86_64 is not in the table",
        "cibuildwheel on linux x86_64: cp310-manylinux_x86_64 is missing",
    ]


def test_the_recipe_skips_what_is_older_than_the_table(table: Table) -> None:
    assert list(check_recipe(table, 'skip: [match(python, "<3.10")]')) == []
    assert list(check_recipe(table, 'skip: [match(python, "<3.9")]')) == [
        "the recipe does not skip Pythons before 3.10"
    ]


def test_the_real_recipe_agrees(table: Table) -> None:
    recipe = (ROOT / "recipes/objectpipes/recipe.yaml").read_text()
    assert list(check_recipe(table, recipe)) == []
    assert list(check_version(project_version(), recipe_version())) == []


def test_another_version_of_the_recipe_is_found() -> None:
    assert list(check_version("0.3.0.dev20261122", "0.3.0dev20261122")) == []
    assert list(check_version("0.3.0", "0.2.0")) == [
        "the recipe's version is 0.2.0, the project's 0.3.0"
    ]


def test_a_missing_classifier_of_free_threading_is_found(
    table: Table, project: dict[str, Any]
) -> None:
    rest = [name for name in project["classifiers"] if "Free Threading" not in name]
    (problem,) = check_metadata(table, {**project, "classifiers": rest})
    assert "Free Threading is missing" in problem


def test_another_oldest_system_is_found(table: Table) -> None:
    def older(name: str, **changes: Any) -> Table:
        rows = [replace(row, **changes) if row.name == name else row for row in table.artifacts]
        return replace(table, artifacts=rows)

    built: dict[str, Any] = {"environment": {"MACOSX_DEPLOYMENT_TARGET": "11.0"}}
    glibc = {"linux-64": ["2.17"], "osx-64": ["11.0"]}
    assert list(check_oldest_systems(table, built, glibc)) == []
    for changed in (
        older("local-wheel-x86_64", platform="manylinux_2_17_x86_64"),
        older("wheel-macos-arm64", platform="macosx_10_9_arm64"),
        older("conda-linux-64", needs="glibc 2.12"),
        older("conda-osx-64", needs="macOS 10"),
    ):
        assert list(check_oldest_systems(changed, built, glibc)) != []
    built["environment"]["MACOSX_DEPLOYMENT_TARGET"] = "12.0"
    assert len(list(check_oldest_systems(table, built, glibc))) == 2


def test_an_architecture_without_a_triplet_is_found(table: Table) -> None:
    assert list(check_triplets(table)) == []
    rows = [row for row in table.artifacts if row.platform != "win_amd64"]
    assert list(check_triplets(replace(table, artifacts=rows))) == [
        "wheels/triplets: x64-windows-wheel is not in the table"
    ]
