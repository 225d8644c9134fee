"""Workflows hold no logic: what they run is a program of ours, what they use is pinned."""

import re
from pathlib import Path

import pytest

from ci.paths import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def values(workflow: Path, key: str) -> list[str]:
    return re.findall(rf"^ *(?:- )?{key}: *(.*)$", workflow.read_text(), re.MULTILINE)


def test_there_is_one_for_each_purpose() -> None:
    names = {workflow.stem for workflow in WORKFLOWS}
    assert names == {"checks", "codeql", "conda", "nightly", "release", "scorecard", "wheels"}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.stem)
def test_every_command_is_a_program_of_ours(workflow: Path) -> None:
    commands = [command for command in values(workflow, "run") if command]
    programs = {command.split()[0] for command in commands}
    assert programs <= {
        *("ci/allow-namespaces", "ci/compile-engine", "ci/tool", "scripts/release"),
        *("scripts/canary", "scripts/docs", "scripts/system-packages", "scripts/test"),
    }
    assert all((ROOT / program).exists() for program in programs)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.stem)
def test_every_action_is_pinned_by_its_commit(workflow: Path) -> None:
    for action in values(workflow, "uses"):
        assert re.fullmatch(
            r"\./\S+|[\w-]+/[\w-]+(?:/[\w-]+)?@[0-9a-f]{40} # v\d+\.\d+\.\d+", action
        )


def test_every_push_is_checked_and_no_pull_request_twice() -> None:
    text = (ROOT / ".github" / "workflows" / "checks.yml").read_text()
    assert '  push:\n    branches: ["**"]\n  pull_request:\n' in text
    assert "pull_request.head.repo.full_name != github.repository" in text
