"""The manifest of static libraries, its cache key, and what is refused."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from ci import static_deps
from ci.static_deps import MANIFEST, StaticDepsError, cache_key, fetch_sources, read_manifest


def test_the_manifest_can_be_read_and_curl_comes_after_openssl() -> None:
    names = [dep.name for dep in read_manifest()]
    assert names.index("openssl") < names.index("curl")


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


def test_the_cache_key_changes_with_the_manifest_and_the_compiler() -> None:
    key = cache_key(b"manifest", "zig 1 -target x86_64")
    assert key == cache_key(b"manifest", "zig 1 -target x86_64")
    assert key != cache_key(b"other manifest", "zig 1 -target x86_64")
    assert key != cache_key(b"manifest", "zig 1 -target aarch64")


def test_a_source_package_with_another_checksum_is_refused(tmp_path: Path) -> None:
    dep = read_manifest()[0]
    (tmp_path / dep.dsc_name).write_text("Format: 3.0 (quilt)\n")
    with pytest.raises(StaticDepsError, match=f"{dep.dsc_name} has SHA-256"):
        fetch_sources([dep], tmp_path)
    expected = hashlib.sha256(b"Format: 3.0 (quilt)\n").hexdigest()
    fetch_sources([replace(dep, dsc_sha256=expected)], tmp_path)


def test_a_changed_licence_stops_the_build(tmp_path: Path) -> None:
    dep = read_manifest()[0]
    (tmp_path / dep.license_file).write_text("All rights reserved.\n")
    with pytest.raises(StaticDepsError, match="licence of openssl"):
        static_deps._check_license(dep, tmp_path)


def test_the_archive_is_the_one_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    targets = "Other Other http://a.example/\nDebian Debian http://mirror.example/debian/\n"
    monkeypatch.setattr(static_deps, "output", lambda *command: targets)
    assert static_deps._debian_archive() == "http://mirror.example/debian/"
    monkeypatch.setattr(static_deps, "output", lambda *command: "")
    with pytest.raises(StaticDepsError, match="apt-get update"):
        static_deps._debian_archive()
