"""A pytest plugin that writes the part of the matrix of each test into the JUnit file."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name a server and a transport, or a subject."""
    for item in items:
        item.user_properties.append(("part", _part(item)))


def _part(item: pytest.Item) -> str:
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    if "store" in parameters:
        return str(parameters["store"])
    if item.path.parent.name == "artifact":
        return item.path.stem.removeprefix("test_").replace("_", " ")
    return item.path.parent.name
