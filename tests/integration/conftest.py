"""Tests of the pipes against servers on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from objectpipes import _engine


@pytest.fixture(autouse=True)
def _fresh_clients() -> Iterator[None]:
    """Let no test profit or suffer from what a client has learned in another one.

    Servers come and go, and now and then one gets the port of its predecessor.
    """
    yield
    _engine._clients.clear()
