"""The bill of materials: what it names, and that it depends on nothing but that."""

import json
from collections.abc import Callable
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from ci.artifacts.sbom import (
    Library,
    add_to_wheel,
    aws_sdk_libraries,
    make_bom,
    static_libraries,
    vcpkg_libraries,
    zig_libraries,
)
from ci.local.aws_sdk import AwsSdk
from ci.local.static_deps import read_manifest

DIST_INFO = "objectpipes-0.1.0.dist-info"


def test_it_names_every_library_of_the_manifest_and_the_compilers_own() -> None:
    libraries = [*static_libraries(read_manifest()), *zig_libraries()]
    bom = json.loads(make_bom("objectpipes", "0.1.0", libraries))
    versions = {part["name"]: part["version"] for part in bom["components"]}
    assert {dep.name: dep.version for dep in read_manifest()}.items() <= versions.items()
    assert {"libc++", "zig", "pybind11"} <= versions.keys()
    assert all(library.license_file.read_text() for library in libraries)


def test_it_names_an_aws_sdk_and_its_runtime(tmp_path: Path) -> None:
    libraries = aws_sdk_libraries(AwsSdk(tmp_path, "1.11.332", "0.26.8", "libc++"))
    bom = json.loads(make_bom("objectpipes", "0.1.0", libraries))
    purls = {part["name"]: part["purl"] for part in bom["components"]}
    assert purls == {
        "aws-sdk-cpp": "pkg:github/aws/aws-sdk-cpp@1.11.332",
        "aws-crt-cpp": "pkg:github/awslabs/aws-crt-cpp@v0.26.8",
    }
    assert all("Apache License" in library.license_file.read_text() for library in libraries)


def test_it_is_valid_cyclonedx(tmp_path: Path) -> None:
    sdk = aws_sdk_libraries(AwsSdk(tmp_path, "1.11.332", "0.26.8", "libc++"))
    text = make_bom("objectpipes", "0.1.0", [*static_libraries(read_manifest()), *sdk])
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_it_tells_scanners_which_patches_debian_applied() -> None:
    text = make_bom("objectpipes", "0.1.0", static_libraries(read_manifest()))
    (cares,) = (part for part in json.loads(text)["components"] if part["name"] == "c-ares")
    assert cares["purl"].startswith("pkg:deb/debian/c-ares@1.")
    assert cares["cpe"].startswith(f"cpe:2.3:a:c-ares:c-ares:{cares['version']}:")


def test_the_same_libraries_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    libraries = static_libraries(read_manifest())
    text = make_bom("objectpipes", "0.1.0", libraries)
    assert text == make_bom("objectpipes", "0.1.0", libraries)
    assert '"timestamp": "2001-09-09T01:46:40+00:00"' in text
    assert text != make_bom("objectpipes", "0.2.0", libraries)


def test_a_wheel_gets_the_bill_and_the_licences(
    make_wheel: Callable[..., Path], library: Callable[[str, str], Library]
) -> None:
    wheel = make_wheel()
    add_to_wheel(wheel, [library("openssl", "3.5.7"), library("curl", "8.14.1")])
    with ZipFile(wheel) as archive:
        metadata = Parser().parsestr(archive.read(f"{DIST_INFO}/METADATA").decode())
        names = metadata.get_all("License-File")
        assert names == ["LICENSE", "linked/openssl.txt", "linked/curl.txt"]
        assert "# objectpipes" in metadata.get_payload()
        for name in names:
            assert archive.read(f"{DIST_INFO}/licenses/{name}")
        assert f"{DIST_INFO}/sboms/objectpipes.cdx.json" in archive.namelist()


def test_vcpkg_tells_what_it_installed(tmp_path: Path) -> None:
    for name in ("curl", "vcpkg-cmake"):
        port = {
            "SPDXID": "SPDXRef-port",
            "name": name,
            "versionInfo": "8.17.0#2",
            "downloadLocation": f"git+https://vcpkg.example/vcpkg@{name}",
            "licenseConcluded": "curl",
        }
        binary = {"SPDXID": "SPDXRef-binary", "name": f"{name}:x64-linux"}
        share = tmp_path / "share" / name
        share.mkdir(parents=True)
        (share / "vcpkg.spdx.json").write_text(json.dumps({"packages": [port, binary]}))
        (share / "copyright").write_text("licence")
    curl, pybind11 = vcpkg_libraries(tmp_path)
    assert (curl.name, curl.version, curl.license) == ("curl", "8.17.0", "curl")
    assert curl.license_file.read_text() == "licence"
    assert pybind11.name == "pybind11"
