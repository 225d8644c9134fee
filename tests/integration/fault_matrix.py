"""The rows of the fault matrices, and the check of an outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from faults import Fault, kinds
from objectpipes.errors import ObjectStoreError

__all__ = ["BYTES", "Outcome", "Row", "assert_comes_to", "stall_timeout"]

_DEADLINE_S = 15.0
_SILENT = (kinds.StallBeforeReply, kinds.StallAt, kinds.WrongContentLength)

Outcome = type[ObjectStoreError] | None
BYTES: Outcome = None  # exactly those of the object


@dataclass(frozen=True)
class Row:
    """The outcomes of a read with a fault.

    Attributes
    ----------
    fault
        The fault.
    once, always
        What a read comes to that meets it once, and one that meets it again and again.
    """

    fault: Fault
    once: Outcome
    always: Outcome


def stall_timeout(fault: Fault) -> float:
    """Return how long to wait for a byte of a server with a fault, in seconds.

    It is short only for what makes a server fall silent: elsewhere silence is that of a busy
    machine, which is nothing that a row is about.

    Parameters
    ----------
    fault
        The fault.
    """
    return 0.5 if isinstance(fault, _SILENT) else 5.0


def assert_comes_to(
    expected: Collection[Outcome],
    url: str,
    data: bytes,
    load: Callable[[], list[tuple[str, bytes]]],
) -> None:
    """Load one object, and see that it comes to one of the expected outcomes, in time.

    Parameters
    ----------
    expected
        The outcomes that are right.
    url, data
        The object.
    load
        Loads it; returns it with its URL.
    """
    began = time.monotonic()
    try:
        found = load()
    except ObjectStoreError as error:
        assert type(error) in expected
        assert error.url == url
        assert error.attempts > 0
        assert error.advice
    else:
        assert BYTES in expected
        assert found == [(url, data)]
    assert time.monotonic() - began < _DEADLINE_S
