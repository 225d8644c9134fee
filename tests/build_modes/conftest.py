"""The build flags, as users give them: in the environment of ``pip``."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that also compiles."""
    parser.addoption("--full-builds", action="store_true", help="compile what takes minutes")


@pytest.fixture
def _full_builds(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--full-builds", default=False):
        pytest.skip("compiles for minutes: pytest tests/build_modes --full-builds")
