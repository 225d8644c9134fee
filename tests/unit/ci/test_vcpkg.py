"""The installation of static libraries by vcpkg, as far as it goes without a network."""

import json
import os
import platform
from pathlib import Path

import pytest
import tomli

from ci.artifacts import vcpkg
from ci.paths import ROOT
from ci.table.platforms import read_table

MACHINES = [
    ("Linux", "x86_64", "x64-linux-wheel"),
    ("Linux", "aarch64", "arm64-linux-wheel"),
    ("Darwin", "arm64", "arm64-osx-wheel"),
    ("Darwin", "x86_64", "x64-osx-wheel"),
    ("Windows", "AMD64", "x64-windows-wheel"),
    ("Windows", "ARM64", "arm64-windows-wheel"),
]


@pytest.mark.parametrize(("system", "machine", "triplet"), MACHINES)
def test_every_machine_has_its_triplet(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, triplet: str
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert vcpkg.triplet() == triplet
    assert (vcpkg.WHEELS / "triplets" / f"{triplet}.cmake").exists()
    assert vcpkg.prefix(Path("deps")) == Path("deps", "installed", triplet)


def test_every_platform_of_the_table_has_a_machine() -> None:
    rows = read_table().built_by("cibuildwheel")
    systems = {"Linux": "linux", "Darwin": "macos", "Windows": "windows"}
    machines = {(systems[system], machine.lower()) for system, machine, _ in MACHINES}
    assert {(row.system, row.arch) for row in rows} == machines


def test_vcpkg_is_the_one_that_the_manifest_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commands: list[tuple[str, ...]] = []
    monkeypatch.setattr(
        vcpkg, "_run", lambda *command: commands.append(tuple(map(os.fspath, command)))
    )
    vcpkg.install(tmp_path)
    manifest = json.loads((vcpkg.WHEELS / "vcpkg.json").read_text())
    assert commands[1][-1] == manifest["builtin-baseline"]
    assert f"--x-install-root={tmp_path / 'installed'}" in commands[-1]
    assert f"--overlay-triplets={vcpkg.WHEELS / 'triplets'}" in commands[-1]


def test_no_curl_but_ours_knows_a_ca_path() -> None:
    text = (vcpkg.WHEELS / "triplet-common.cmake").read_text()
    for option in ("CURL_CA_BUNDLE=none", "CURL_CA_PATH=none", "AUTO_LOAD_CONFIG=ON"):
        assert option in text


def test_our_openssl_loads_nothing() -> None:
    # ci.artifacts.check_wheel lets its folders of modules and engines pass for that.
    text = (vcpkg.WHEELS / "triplet-common.cmake").read_text()
    assert {"no-dso", "no-engine"} <= set(text.split())


def test_a_windows_wheel_needs_no_library_of_msvc() -> None:
    triplet = (vcpkg.WHEELS / "triplets" / "x64-windows-wheel.cmake").read_text()
    assert triplet.endswith("set(VCPKG_CRT_LINKAGE static)\n")  # after what all triplets share
    windows = tomli.loads((ROOT / "pyproject.toml").read_text())["tool"]["cibuildwheel"]["windows"]
    runtime = windows["config-settings"]["cmake.define.CMAKE_MSVC_RUNTIME_LIBRARY"]
    assert runtime == "MultiThreaded"
