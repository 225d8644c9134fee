"""What is installed beside an artifact, and which Python an environment has."""

import subprocess
from pathlib import Path

import pytest

from ci.artifacts import environments
from ci.artifacts.files import describe
from ci.local.pythons import interpreter_of


@pytest.mark.parametrize("place", ["bin/python", "Scripts/python.exe", "python.exe"])
def test_each_system_has_its_python_elsewhere(tmp_path: Path, place: str) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).touch()
    assert interpreter_of(tmp_path) == tmp_path / place


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Return what uv is told to install, without it being there; of grpcio there is no wheel."""
    commands: list[str] = []

    def run(*command: str | Path) -> None:
        commands.append(" ".join(map(str, command)))
        if "grpcio" in commands[-1]:
            raise subprocess.CalledProcessError(1, "uv")

    monkeypatch.setattr(environments, "run", run)
    monkeypatch.setattr(environments, "output", lambda *command: "cp311")
    monkeypatch.setenv("WHEELHOUSE", str(tmp_path / "wheelhouse"))
    monkeypatch.delenv("TORCH_INDEX_URL", raising=False)
    return commands


def install(folder: Path) -> None:
    environments.make_environment(describe(Path("objectpipes-0.1.0.tar.gz")), folder)


def test_what_has_no_wheel_is_passed_over_and_never_compiled(
    installed: list[str], tmp_path: Path
) -> None:
    install(tmp_path)
    assert any("pyarrow" in command for command in installed)
    companions = [command for command in installed if "--group" not in command][1:]
    assert all("--only-binary :all:" in command for command in companions)
    assert not any("torch" in command for command in installed)


def test_torch_is_taken_from_a_wheel_at_hand_or_the_index_that_is_named(
    installed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_INDEX_URL", "https://torch.example/cpu")
    install(tmp_path)
    assert any("--index-url https://torch.example/cpu torch" in command for command in installed)
    installed.clear()
    wheel = tmp_path / "wheelhouse" / "torch-2.13.0-cp311-cp311-any.whl"
    wheel.parent.mkdir()
    wheel.touch()
    install(tmp_path)
    assert any(str(wheel) in command for command in installed)
    assert not any("--index-url" in command for command in installed)
