"""The time that goes into artifacts is that of the commit."""

from pathlib import Path

import pytest

from ci.artifacts import source_date


def test_the_time_is_that_of_the_commit_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_date, "output", lambda *command, cwd: "1700000000")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert source_date.source_date_epoch() == "1700000000"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    assert source_date.source_date_epoch() == "1"


def test_a_workflow_sets_it_for_the_steps_that_follow(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    monkeypatch.setenv("GITHUB_ENV", str(tmp_path / "variables"))
    assert source_date.main([]) == 0
    assert (tmp_path / "variables").read_text() == "SOURCE_DATE_EPOCH=1\n"
