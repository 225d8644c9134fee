"""A pytest plugin that lists the tests that were not run, apart from those that passed.

A test skips itself where something it needs is missing: a server, a library, a feature of the
platform. Nobody should overlook that, so it is called what it is, *not run*, listed at the end with
its reason, and counted in the last line. That line has always the same form, for other programs::

    objectpipes: 812 passed, 0 failed, 3 skipped
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

_CATEGORY = "not run"


def pytest_report_teststatus(
    report: pytest.CollectReport | pytest.TestReport,
) -> tuple[str, str, str] | None:
    """Count skipped tests in a category of their own."""
    if report.skipped and not hasattr(report, "wasxfail"):
        return _CATEGORY, "n", "NOT RUN"
    return None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was not run, by reason; a parametrised test once, with its number of cases."""
    tests: dict[str, Counter[str]] = {}
    for report in _not_run(terminalreporter):
        assert isinstance(report.longrepr, tuple)  # file, line, reason
        reason = report.longrepr[2].removeprefix("Skipped: ")
        name = report.nodeid.partition("[")[0]
        tests.setdefault(reason, Counter())[name] += 1
    if not tests:
        return
    terminalreporter.section(_CATEGORY)
    for reason, names in tests.items():
        terminalreporter.write_line(reason)
        for name, cases in names.items():
            terminalreporter.write_line(f"  {name}" + (f" ({cases} cases)" if cases > 1 else ""))


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """End the output with the line for other programs."""
    yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or session.config.option.collectonly:
        return
    passed, failed, errors = (
        len(reporter.stats.get(category, ())) for category in ("passed", "failed", "error")
    )
    not_run = len(_not_run(reporter))
    line = f"objectpipes: {passed} passed, {failed + errors} failed"
    reporter.write_line(line + (f", {not_run} skipped" if not_run else ""))


def _not_run(reporter: pytest.TerminalReporter) -> list[pytest.CollectReport | pytest.TestReport]:
    # A module that skips itself as a whole is not asked for a category.
    return [*reporter.stats.get("skipped", ()), *reporter.stats.get(_CATEGORY, ())]
