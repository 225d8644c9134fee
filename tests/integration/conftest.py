"""Tests of the pipes against servers on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration import pipes
from objectpipes import _clients, _engine


@pytest.fixture(autouse=True)
def _fresh_clients() -> Iterator[None]:
    """Use new clients in each test, so that none depends on what another has learned.

    Servers come and go, and now and then one gets the port of its predecessor.
    """
    yield
    _clients._clients.clear()


@pytest.fixture(params=["http", "aws"])
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test with each transport."""
    name: str = request.param
    if name not in _engine.build_info()["transports"]:
        pytest.skip(f"this build of objectpipes has no transport {name!r}")
    monkeypatch.setattr(pipes, "TRANSPORT", name)
    return name
