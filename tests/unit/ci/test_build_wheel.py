"""The choice of interpreters and of the time that goes into a wheel."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from ci.artifacts import build_wheel
from ci.artifacts.check_wheel import read_wheel
from ci.local import cpython
from ci.local.pythons import NoSuchPythonError, find_python
from ci.local.zig import Target


def fake_python(folder: Path, version: str, script: str) -> None:
    """Put a program named like an interpreter into a folder."""
    program = folder / f"python{version}"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_an_interpreter_is_asked_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As a shim of pyenv would, it stands for another program, and wants to know the version.
    fake_python(tmp_path, "3.99", "echo /opt/python$PYENV_VERSION/bin/python")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_python("3.99") == Path("/opt/python3.99/bin/python")


def test_a_missing_or_broken_interpreter_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_python(tmp_path, "3.99", "exit 127")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoSuchPythonError, match=r"python3\.99 does not start"):
        find_python("3.99")
    with pytest.raises(NoSuchPythonError, match=r"no python3\.98 on the search path"):
        find_python("3.98")


def test_a_free_threaded_interpreter_is_compiled_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(cpython, "free_threaded_python", lambda: Path("/compiled"))
    assert find_python("3.13t") == Path("/compiled")
    fake_python(tmp_path, "3.13t", "echo /installed")
    assert find_python("3.13t") == Path("/installed")


def test_an_interpreter_that_does_not_compile_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("OBJECTPIPES_CACHE", str(tmp_path))
    with pytest.raises(NoSuchPythonError, match="cc, make is missing"):
        find_python("3.13t")


def test_by_default_all_known_interpreters_of_the_machine_are_taken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def only_311(version: str) -> Path:
        if version != "3.11":
            raise NoSuchPythonError("not here")
        return Path("/python3.11")

    monkeypatch.setattr(build_wheel, "find_python", only_311)
    found = build_wheel._interpreters(None, ["3.10", "3.11"])
    assert found == [Path("/python3.11")]
    assert capsys.readouterr().out == "no wheel for Python 3.10: not here\n"


def test_an_interpreter_that_was_asked_for_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(NoSuchPythonError):
        build_wheel._interpreters(["3.10"], ["3.10", "3.11"])


def test_a_foreign_wheel_is_named_after_its_target(monkeypatch: pytest.MonkeyPatch) -> None:
    suffix = ".cpython-311-x86_64-linux-gnu.so"
    monkeypatch.setattr(build_wheel, "output", lambda *command: suffix)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    python = Path("python")
    assert build_wheel._cross_settings(python, Target("x86_64")) == []
    assert build_wheel._cross_settings(python, Target("aarch64")) == [
        "--config-setting=env._PYTHON_HOST_PLATFORM=linux-aarch64",
        "--config-setting=cmake.define.PYTHON_MODULE_EXTENSION=.cpython-311-aarch64-linux-gnu.so",
    ]


@pytest.mark.parametrize("arch", ["x86_64", "aarch64"])
def test_a_wheel_for_any_architecture_is_tagged(make_wheel: Callable[..., Path], arch: str) -> None:
    wheel = make_wheel(platform=f"linux_{arch}")
    tagged = build_wheel._tag(wheel, Target(arch))
    assert tagged.name == f"objectpipes-0.1.0-cp311-cp311-manylinux_2_28_{arch}.whl"
    tag = read_wheel(tagged).files[PurePosixPath("objectpipes-0.1.0.dist-info/WHEEL")]
    assert f"Tag: cp311-cp311-manylinux_2_28_{arch}\n" in tag.decode()
    assert not wheel.exists()


@pytest.mark.parametrize("again", [b"same", b"other"])
def test_a_wheel_with_other_bytes_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, again: bytes
) -> None:
    def build_again(python: Path, target: Target, folder: Path, sdk: None) -> Path:
        wheel = folder / "x.whl"
        wheel.write_bytes(again)
        return wheel

    monkeypatch.setattr(build_wheel, "build_wheel", build_again)
    first = tmp_path / "x.whl"
    first.write_bytes(b"same")
    if again == b"same":
        build_wheel._check_same_bytes(first, Path("python"), Target("x86_64"), None)
    else:
        with pytest.raises(build_wheel.WheelError, match="has other bytes"):
            build_wheel._check_same_bytes(first, Path("python"), Target("x86_64"), None)
