"""The cross compiler: what its wrappers and its CMake file say."""

from pathlib import Path

import pytest

from ci.local.zig import Target, libcxx_version, make_toolchain


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBJECTPIPES_CACHE", str(tmp_path))


def test_a_target_has_the_tag_of_its_glibc() -> None:
    assert Target("aarch64").triple == "aarch64-linux-gnu.2.28"
    assert Target("aarch64").platform_tag == "manylinux_2_28_aarch64"


def test_the_compiler_aims_at_the_old_glibc_and_writes_no_debug_paths() -> None:
    toolchain = make_toolchain(Target("x86_64"))
    for name in ("cc", "c++"):
        program = toolchain.folder / "bin" / name
        assert f'"$ZIG" {name} -g0 -target x86_64-linux-gnu.2.28 ' in program.read_text()
        assert program.stat().st_mode & 0o111


def test_only_a_foreign_target_is_a_cross_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert "CMAKE_SYSTEM_NAME" not in make_toolchain(Target("x86_64")).cmake_file.read_text()
    cross = make_toolchain(Target("aarch64")).cmake_file.read_text()
    assert "set(CMAKE_SYSTEM_PROCESSOR aarch64)" in cross


def test_another_target_has_another_identity() -> None:
    native, cross = make_toolchain(Target("x86_64")), make_toolchain(Target("aarch64"))
    assert native.identity != cross.identity


def test_the_version_of_the_linked_in_cxx_library_is_known() -> None:
    assert len(libcxx_version().split(".")) == 3
