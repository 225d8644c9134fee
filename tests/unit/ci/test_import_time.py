"""The time of an import is held against what it may take."""

import sys

import pytest

from ci.artifacts import import_time


@pytest.mark.parametrize(("found", "code"), [(59.0, 0), (61.0, 1)])
def test_an_import_that_takes_too_long_fails(
    monkeypatch: pytest.MonkeyPatch, found: float, code: int
) -> None:
    monkeypatch.setattr(import_time, "import_time", lambda python: found)
    assert import_time.main([]) == code


def test_an_interpreter_is_measured_without_and_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {"": 0.010, "import objectpipes": 0.030}
    monkeypatch.setattr(import_time, "_seconds", lambda python, code: seconds[code])
    assert import_time.import_time(sys.executable, runs=2) == pytest.approx(20)
