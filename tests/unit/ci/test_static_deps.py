"""The manifest of static libraries, its cache key, and what is refused."""

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from ci import static_deps
from ci.static_deps import MANIFEST, StaticDepsError, cache_key, fetch_source, read_manifest


def test_what_a_library_needs_comes_before_it() -> None:
    seen: set[str] = set()
    for dep in read_manifest():
        assert set(dep.needs) <= seen
        seen.add(dep.name)


def test_every_library_has_its_licence_in_the_repository() -> None:
    assert all(dep.license_copy.read_text() for dep in read_manifest())


def test_the_source_package_is_of_the_version_that_is_named() -> None:
    assert all(dep.source_version.startswith(f"{dep.version}-") for dep in read_manifest())


def test_nothing_of_the_building_machine_is_baked_into_curl() -> None:
    (curl,) = (dep for dep in read_manifest() if dep.name == "curl")
    assert {
        "CURL_CA_BUNDLE=none",
        "CURL_CA_PATH=none",
        "CURL_DISABLE_OPENSSL_AUTO_LOAD_CONFIG=ON",
    } <= set(curl.options)


def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    manifest = tmp_path / "static-deps.toml"
    manifest.write_text(MANIFEST.read_text() + 'optoins = ["BUILD_TESTING=OFF"]\n')
    with pytest.raises(TypeError, match="optoins"):
        read_manifest(manifest)


def test_the_cache_key_changes_with_everything_that_decides_the_result() -> None:
    dep = read_manifest()[0]
    key = cache_key(dep, [Path("a-1")], "zig 1")
    assert key == cache_key(dep, [Path("elsewhere/a-1")], "zig 1")
    assert key != cache_key(replace(dep, options=[]), [Path("a-1")], "zig 1")
    assert key != cache_key(dep, [Path("a-2")], "zig 1")
    assert key != cache_key(dep, [Path("a-1")], "zig 2")


def test_a_source_package_with_another_checksum_is_refused(tmp_path: Path) -> None:
    dep = read_manifest()[0]
    dsc = tmp_path / f"{dep.source_package}_{dep.source_version}.dsc"
    dsc.write_text("Format: 3.0 (quilt)\n")
    with pytest.raises(StaticDepsError, match=r"\.dsc has SHA-256"):
        fetch_source(dep, tmp_path)
    expected = hashlib.sha256(dsc.read_bytes()).hexdigest()
    assert fetch_source(replace(dep, dsc_sha256=expected), tmp_path) == dsc


def test_a_version_that_is_not_served_any_more_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*command: object, **options: object) -> None:
        raise subprocess.CalledProcessError(100, "apt-get")

    monkeypatch.setattr(static_deps, "_private_apt", lambda folder, suite: [])
    monkeypatch.setattr(static_deps, "run", fail)
    with pytest.raises(StaticDepsError, match=r"cannot fetch openssl=3\..* has another version"):
        fetch_source(read_manifest()[0], tmp_path)


def test_an_interrupted_download_leaves_no_description(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dep = read_manifest()[0]
    dsc = f"{dep.source_package}_{dep.source_version}.dsc"
    moved: list[str] = []

    def download(*command: str, cwd: Path | None = None) -> None:
        if cwd:
            for name in ("a.tar", dsc, "z.tar"):
                (cwd / name).write_text("")

    monkeypatch.setattr(static_deps, "_private_apt", lambda folder, suite: [])
    monkeypatch.setattr(static_deps, "run", download)
    monkeypatch.setattr("shutil.move", lambda source, to: moved.append(to.name))
    static_deps._download(dep, tmp_path / dsc)
    assert moved[-1] == dsc
    assert sorted(moved) == sorted(["a.tar", "z.tar", dsc])


def test_a_missing_program_is_named_with_what_to_install() -> None:
    with pytest.raises(StaticDepsError, match=r"^no-such-program is missing: on Debian"):
        static_deps._check_programs("sh", "no-such-program")


def test_a_changed_licence_stops_the_build(tmp_path: Path) -> None:
    dep = read_manifest()[0]
    (tmp_path / dep.license_file).write_text("All rights reserved.\n")
    with pytest.raises(StaticDepsError, match="licence of openssl"):
        static_deps._check_license(dep, tmp_path)


def test_the_archive_is_the_one_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEBIAN_ARCHIVE", raising=False)
    targets = "Other Other http://a.example/\nDebian Debian http://mirror.example/debian/\n"
    monkeypatch.setattr(static_deps, "output", lambda *command: targets)
    assert static_deps._debian_archive() == "http://mirror.example/debian/"
    monkeypatch.setattr(static_deps, "output", lambda *command: "")
    with pytest.raises(StaticDepsError, match="apt-get update"):
        static_deps._debian_archive()
    monkeypatch.setenv("DEBIAN_ARCHIVE", "http://b.example/")
    assert static_deps._debian_archive() == "[trusted=yes] http://b.example/"
