"""The check of vulnerabilities compares each library as who counts its versions does."""

import json
import shutil
from pathlib import Path

import pytest
from packaging.version import Version

from ci.release.vulnerabilities import (
    Linked,
    ListError,
    Vulnerability,
    affected,
    linked_by_manifests,
    main,
    read_list,
)

KNOWN = [Vulnerability("CVE-1", "curl", debian="8.14.1-2+deb13u4", upstream="8.18.0")]


@pytest.mark.parametrize(
    ("version", "is_affected"), [("8.17.0", True), ("8.17.0#3", True), ("8.18.0", False)]
)
def test_upstream_versions(version: str, is_affected: bool) -> None:
    found = list(affected(KNOWN, [Linked("curl", version, "upstream")]))
    assert found == ([f"curl {version} has CVE-1, fixed in 8.18.0"] if is_affected else [])


@pytest.mark.parametrize(
    ("version", "is_affected"),
    [("8.14.1-2+deb13u3", True), ("8.14.1-2+deb13u4", False), ("8.14.1-2+deb13u10", False)],
)
def test_debian_versions_count_patches(version: str, is_affected: bool) -> None:
    if not shutil.which("dpkg"):
        pytest.skip("there is no dpkg to compare versions")
    assert bool(list(affected(KNOWN, [Linked("curl", version, "debian")]))) is is_affected


def test_other_libraries_and_irrelevant_entries_do_not_matter() -> None:
    irrelevant = Vulnerability("CVE-2", "curl", irrelevant="it is in a program")
    linked = [Linked("openssl", "1.0", "upstream")]
    assert list(affected([*KNOWN, irrelevant], linked)) == []


def test_versions_that_the_manifest_of_vcpkg_states(tmp_path: Path) -> None:
    manifest = {
        "dependencies": ["openssl", {"name": "curl", "version>=": "8.18.0"}, {"name": "xxhash"}],
        "overrides": [{"name": "pugixml", "version": "1.15"}],
    }
    (tmp_path / "vcpkg.json").write_text(json.dumps(manifest))
    found = linked_by_manifests(tmp_path / "vcpkg.json")
    assert [linked for linked in found if linked.counted_by == "upstream"] == [
        Linked("curl", "8.18.0", "upstream"),
        Linked("pugixml", "1.15", "upstream"),
    ]


@pytest.mark.parametrize(
    ("version", "problems"),
    [("8.17.0", ["curl 8.17.0 has CVE-1, fixed in 8.18.0"]), ("8.18.0", [])],
)
def test_an_override_that_is_too_old_is_found(
    tmp_path: Path, version: str, problems: list[str]
) -> None:
    manifest = {"dependencies": ["curl"], "overrides": [{"name": "curl", "version": version}]}
    (tmp_path / "vcpkg.json").write_text(json.dumps(manifest))
    linked = linked_by_manifests(tmp_path / "vcpkg.json")
    upstream = [library for library in linked if library.counted_by == "upstream"]
    assert list(affected(KNOWN, upstream)) == problems


def test_the_openssl_of_the_official_wheels_is_compared() -> None:
    # Without a version of ours it would be the baseline's, which only a built wheel tells.
    upstream = [linked for linked in linked_by_manifests() if linked.counted_by == "upstream"]
    (openssl,) = (linked for linked in upstream if linked.library == "openssl")
    fixed = [entry.upstream for entry in read_list() if entry.library == "openssl"]
    assert not openssl.is_older_than(max(filter(None, fixed), key=Version))


def test_an_entry_must_say_something(tmp_path: Path) -> None:
    (tmp_path / "list.toml").write_text("[curl]\nCVE-3 = {}\n")
    with pytest.raises(ListError, match="CVE-3"):
        read_list(tmp_path / "list.toml")


def test_the_manifests_have_no_known_vulnerability() -> None:
    assert main([]) == 0
