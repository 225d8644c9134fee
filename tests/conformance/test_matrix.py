"""Reports which parts of the matrix this build cannot test."""

from __future__ import annotations

import pytest

from conformance.matrix import BUILT, CELLS, TRANSPORTS


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_transport_has_been_tested(transport: str) -> None:
    """A missing transport is reported once, not for each test."""
    if transport not in BUILT:
        pytest.skip(f"this build of objectpipes has no transport {transport!r}")
    assert transport in {cell.transport for cell in CELLS}


def test_every_built_transport_is_known() -> None:
    assert set(BUILT) <= set(TRANSPORTS)


def test_cells_have_names_of_their_own() -> None:
    assert len({str(cell) for cell in CELLS}) == len(CELLS)
