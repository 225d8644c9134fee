"""The lint names what it could not check."""

import shutil
import subprocess

import pytest

from ci import lint
from ci.release import vulnerabilities
from ci.table import agreement, generated


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the programs that are started, none of which finds anything."""
    started: list[str] = []

    def find_nothing(arguments: list[str]) -> int:
        print("checked")
        return 0

    monkeypatch.setattr(lint, "run", lambda *command, cwd: started.append(command[0]))
    for module in (generated, agreement, vulnerabilities):
        monkeypatch.setattr(module, "main", find_nothing)
    return started


def test_the_last_line_names_what_was_not_run(
    programs: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert lint.main() == 0
    assert programs == ["zizmor", "hadolint"]
    assert capsys.readouterr().out.splitlines()[-1] == "not run: actionlint (there is no Go)"


def test_actionlint_is_run_where_there_is_go(
    programs: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert lint.main() == 0
    assert programs == ["zizmor", "go", "hadolint"]
    assert "not run" not in capsys.readouterr().out


def test_what_one_finds_fails(programs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def find(*command: str, cwd: object) -> None:
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(lint, "run", find)
    assert lint.main() == 1
