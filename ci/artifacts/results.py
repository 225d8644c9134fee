"""Collects the results of the tests of artifacts in one table, as Markdown and as JUnit."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

from ci.markdown import markdown_table


@dataclass(frozen=True)
class Result:
    """The result of a test."""

    part: str  # of the matrix
    name: str  # of the test
    state: str  # "passed", "failed" or "not run"
    reason: str = ""  # why it failed or was not run


@dataclass(frozen=True)
class Line:
    """A line of the matrix: an artifact and the results of its tests."""

    artifact: str
    results: Sequence[Result]

    @property
    def failed(self) -> bool:
        """Whether any test failed."""
        return any(result.state == "failed" for result in self.results)


def read_junit(file: Path) -> list[Result]:
    """Read a JUnit file that pytest wrote, whose tests have the property ``part``."""
    return [_result(case) for case in ElementTree.parse(file).iter("testcase")]


def not_run(artifact: str, reason: str) -> Line:
    """Return the line for an artifact that could not be tested."""
    return Line(artifact, [Result("", "all tests", "not run", reason)])


def without_gaps(line: Line, excepted: Sequence[str]) -> Line:
    """Return a line in which each part without any test that ran fails, unless it is excepted."""
    run = {result.part for result in line.results if result.state != "not run"}
    needed = {result.part for result in line.results} - run - set(excepted)
    return Line(
        line.artifact,
        [
            replace(result, state="failed", reason=f"not run: {result.reason}")
            if result.part in needed
            else result
            for result in line.results
        ],
    )


def to_markdown(lines: Sequence[Line]) -> str:
    """Return the matrix, what failed, and what was not run, by name and reason."""
    tested = [line for line in lines if any(result.part for result in line.results)]
    parts = list(dict.fromkeys(result.part for line in tested for result in line.results))
    rows = [(line.artifact, *(_cell(line, part) for part in parts)) for line in tested]
    sections = [markdown_table(("artifact", *parts), rows)]
    for state in ("failed", "not run"):
        if found := [_list(line, state) for line in lines]:
            sections.append(f"{state.capitalize()}:\n\n{''.join(found) or 'nothing'}")
    return "\n".join(sections)


def to_junit(lines: Iterable[Line]) -> str:
    """Return all results as one JUnit file."""
    suites = ElementTree.Element("testsuites")
    for line in lines:
        counts = Counter(result.state for result in line.results)
        suite = ElementTree.SubElement(
            suites,
            "testsuite",
            name=line.artifact,
            tests=str(len(line.results)),
            failures=str(counts["failed"]),
            skipped=str(counts["not run"]),
        )
        for result in line.results:
            case = ElementTree.SubElement(
                suite, "testcase", classname=f"{line.artifact}.{result.part}", name=result.name
            )
            if tag := {"failed": "failure", "not run": "skipped"}.get(result.state):
                ElementTree.SubElement(case, tag, message=result.reason)
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _result(case: ElementTree.Element) -> Result:
    part = case.find("properties/property[@name='part']")
    name = case.get("name", "")
    for tag, state in {"failure": "failed", "error": "failed", "skipped": "not run"}.items():
        if (found := case.find(tag)) is not None:
            reason = found.get("message", "").partition("\n")[0]
            return Result(_value(part), name, state, reason)
    return Result(_value(part), name, "passed")


def _value(part: ElementTree.Element | None) -> str:
    # A file that cannot be imported has no tests that could say where they belong.
    return "collection" if part is None else part.get("value", "")


def _cell(line: Line, part: str) -> str:
    counts = Counter(result.state for result in line.results if result.part == part)
    if set(counts) <= {"passed"}:
        return str(counts["passed"] or "")
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))


def _list(line: Line, state: str) -> str:
    """Return a list of the tests in a state, those of one reason together."""
    reasons: dict[str, Counter[str]] = {}
    for result in line.results:
        if result.state == state:
            name = result.name.partition("[")[0]
            reasons.setdefault(result.reason, Counter())[name] += 1
    return "".join(
        f"- {line.artifact}: {reason}: {', '.join(_times(names))}\n"
        for reason, names in reasons.items()
    )


def _times(names: Counter[str]) -> list[str]:
    return [f"{name} ({count} cases)" if count > 1 else name for name, count in names.items()]
