"""The manifest of static libraries, its cache key, and what is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from ci.local import static_deps
from ci.local.static_deps import MANIFEST, StaticDepsError, cache_key, linked_deps, read_manifest


def test_what_a_library_needs_comes_before_it() -> None:
    seen: set[str] = set()
    for dep in read_manifest():
        assert set(dep.needs) <= seen
        seen.add(dep.name)


def test_every_library_has_its_licence_in_the_repository() -> None:
    assert all(dep.license_copy.read_text() for dep in read_manifest())


def test_the_source_package_is_of_the_version_that_is_named() -> None:
    for dep in read_manifest():
        _, _, without_epoch = dep.source_version.rpartition(":")
        assert without_epoch.startswith(f"{dep.version}-")


def test_our_openssl_reads_no_settings_of_the_host() -> None:
    """Engines, which the SDK asks for, cannot be loaded without DSOs."""
    (openssl,) = (dep for dep in read_manifest() if dep.name == "openssl")
    assert {"no-autoload-config", "no-dso"} <= set(openssl.options)


def test_only_the_sdk_brings_engines() -> None:
    options = {aws_sdk: set(linked_deps(aws_sdk=aws_sdk)[0].options) for aws_sdk in (True, False)}
    assert options[False] - options[True] == {"no-engine", "no-ocsp"}


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


def test_an_edit_while_a_wheel_is_built_leaves_the_cache_key_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dep = read_manifest()[0]
    key = cache_key(dep, [], "zig 1")
    monkeypatch.setattr("inspect.getsource", lambda builder: "edited")
    assert cache_key(dep, [], "zig 1") == key


def test_a_changed_licence_stops_the_build(tmp_path: Path) -> None:
    dep = read_manifest()[0]
    (tmp_path / dep.license_file).write_text("All rights reserved.\n")
    with pytest.raises(StaticDepsError, match="licence of openssl"):
        static_deps._check_license(dep, tmp_path)
