"""What was not run is told, and the last line can be read by a program."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

MIXED = """
import pytest

@pytest.fixture(scope="module")
def server():
    pytest.skip("moto is not available: install it")

def test_passes(): ...

def test_fails():
    assert False

@pytest.mark.parametrize("key", [1, 2, 3])
def test_needs_server(server, key): ...

@pytest.mark.skipif(True, reason="needs Linux")
def test_platform(): ...

@pytest.fixture
def broken():
    raise OSError

def test_setup_fails(broken): ...
"""


def run(pytester: pytest.Pytester, tests: str, *arguments: str) -> list[str]:
    pytester.makepyfile(tests)
    return pytester.runpytest("-p", "not_run", "-p", "no:cacheprovider", *arguments).outlines


def test_not_run_is_told_by_name_and_reason(pytester: pytest.Pytester) -> None:
    lines = run(pytester, MIXED)
    name = "  test_not_run_is_told_by_name_and_reason.py"
    section = next(i for i, line in enumerate(lines) if line.strip("=") == " not run ")
    assert lines[section + 1 : section + 5] == [
        "moto is not available: install it",
        f"{name}::test_needs_server (3 cases)",
        "needs Linux",
        f"{name}::test_platform",
    ]
    assert lines[-1] == "objectpipes: 1 passed, 2 failed, 4 skipped"
    assert "4 not run" in lines[-2]


def test_whole_module_is_told(pytester: pytest.Pytester) -> None:
    lines = run(pytester, "import pytest; pytest.importorskip('no_such_library')")
    assert "  test_whole_module_is_told.py" in lines
    assert lines[-1] == "objectpipes: 0 passed, 0 failed, 1 skipped"


def test_last_line_without_anything_missing(pytester: pytest.Pytester) -> None:
    assert run(pytester, "def test(): ...")[-1] == "objectpipes: 1 passed, 0 failed"


def test_module_that_cannot_be_imported_has_failed(pytester: pytest.Pytester) -> None:
    assert run(pytester, "import no_such_library")[-1] == "objectpipes: 0 passed, 1 failed"


def test_collecting_alone_counts_nothing(pytester: pytest.Pytester) -> None:
    assert "passed" not in "".join(run(pytester, "def test(): ...", "--collect-only"))
