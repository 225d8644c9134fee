"""The matrix of results: nothing that was not run can look as if it had passed."""

from pathlib import Path
from xml.etree import ElementTree

from ci.artifacts.results import (
    Line,
    Result,
    not_run,
    read_junit,
    to_junit,
    to_markdown,
    without_gaps,
)

JUNIT = """\
<testsuites><testsuite>
  <testcase name="test_a[minio-http]">
    <properties><property name="part" value="minio-http"/></properties>
  </testcase>
  <testcase name="test_b[minio-http]">
    <properties><property name="part" value="minio-http"/></properties>
    <failure message="assert 1 == 2&#10;more"/>
  </testcase>
  <testcase name="test_c[minio-aws]">
    <properties><property name="part" value="minio-aws"/></properties>
    <skipped message="no aws"/>
  </testcase>
  <testcase name="artifact.test_d"><error message="collection failure"/></testcase>
</testsuite></testsuites>
"""

RESULTS = [
    Result("minio-http", "test_a[minio-http]", "passed"),
    Result("minio-http", "test_b[minio-http]", "failed", "assert 1 == 2"),
    Result("minio-aws", "test_c[minio-aws]", "not run", "no aws"),
    Result("collection", "artifact.test_d", "failed", "collection failure"),
]


def test_what_pytest_wrote_is_understood(tmp_path: Path) -> None:
    (tmp_path / "junit.xml").write_text(JUNIT)
    assert read_junit(tmp_path / "junit.xml") == RESULTS


def test_a_line_fails_with_any_of_its_tests() -> None:
    assert Line("wheel", RESULTS).failed
    assert not Line("wheel", [result for result in RESULTS if result.state != "failed"]).failed


def test_the_table_has_a_cell_for_each_part_and_names_what_was_not_run() -> None:
    lines = [Line("wheel", RESULTS), not_run("macos", "none was given")]
    assert to_markdown(lines) == (
        "| artifact | minio-http | minio-aws | collection |\n"
        "| --- | --- | --- | --- |\n"
        "| wheel | 1 failed, 1 passed | 1 not run | 1 failed |\n"
        "\n"
        "Failed:\n"
        "\n"
        "- wheel: assert 1 == 2: test_b\n"
        "- wheel: collection failure: artifact.test_d\n"
        "\n"
        "Not run:\n"
        "\n"
        "- wheel: no aws: test_c\n"
        "- macos: none was given: all tests\n"
    )


def test_junit_counts_what_was_not_run_as_skipped() -> None:
    suites = ElementTree.fromstring(to_junit([Line("wheel", RESULTS)]))
    (suite,) = suites
    assert suite.attrib == {"name": "wheel", "tests": "4", "failures": "2", "skipped": "1"}
    assert [child.tag for case in suite for child in case] == ["failure", "skipped", "failure"]


def test_a_gap_fails_unless_it_is_excepted() -> None:
    results = [
        Result("minio-http", "test_a", "passed"),
        Result("minio-http", "test_b", "not run", "no torch"),
        Result("ca layouts", "test_c", "not run", "no namespaces"),
    ]
    assert not without_gaps(Line("wheel", results), ["ca layouts"]).failed
    line = without_gaps(Line("wheel", results), [])
    assert [result.reason for result in line.results if result.state == "failed"] == [
        "not run: no namespaces"
    ]
    assert without_gaps(not_run("wheel", "no such Python"), []).failed
