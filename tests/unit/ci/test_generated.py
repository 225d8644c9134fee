"""Files made from the platform table."""

from pathlib import Path

import pytest

from ci.table import generated
from ci.table.platforms import read_table


def test_no_generated_file_is_stale() -> None:
    assert generated.main(["--check"]) == 0


def test_every_row_is_in_platforms_md() -> None:
    table = read_table()
    text = generated.platforms_md(table)
    assert all(f"| `{artifact.platform}` |" in text for artifact in table.artifacts)
    assert table.aws_verified in text
    assert text.count(" never |") == sum(row.verified == "never" for row in table.artifacts)


def test_conda_pythons_name_the_build_with_the_right_abi() -> None:
    text = generated.conda_variants(read_table())
    assert "  - 3.10.* *_cpython\n" in text
    assert "  - 3.13.* *_cp313\n" in text


def test_a_stale_file_fails_the_check_and_is_written_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "docs" / "page.md"
    monkeypatch.setattr(generated, "ROOT", tmp_path)
    monkeypatch.setattr(generated, "generated_files", lambda table: {path: "new"})
    assert generated.main(["--check"]) == 1
    assert not path.exists()
    assert generated.main([]) == 0
    assert path.read_text() == "new"
    assert generated.main(["--check"]) == 0
