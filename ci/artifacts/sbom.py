"""The bill of materials inside a wheel: every library that was linked in statically.

auditwheel lists the shared libraries that it copies into a wheel; what the linker took in, nobody
lists but us. The list is in CycloneDX and lies where PEP 770 wants it, the licences of the
libraries lie beside ours.
"""

import argparse
import json
import os
import re
import sys
import tempfile
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.utils import parse_wheel_filename

from ci.artifacts.files import BOM_NAME
from ci.artifacts.vcpkg import prefix
from ci.command import run
from ci.local.aws_sdk import AwsSdk
from ci.local.static_deps import LICENSES, StaticDep
from ci.local.zig import libcxx_version, zig_version
from ci.paths import ROOT

BUILD_CONSTRAINTS = ROOT / "wheels" / "build-constraints.txt"


@dataclass(frozen=True)
class Library:
    """A library that is linked in."""

    name: str
    version: str  # upstream
    license: str  # SPDX expression
    license_file: Path  # text of the licence
    purl: PackageURL  # where exactly it comes from (package URL)
    # What vulnerability lists call it (CPE 2.3), without version; empty if they don't.
    cpe: str = ""


def static_libraries(deps: Iterable[StaticDep]) -> list[Library]:
    """Return the libraries that every wheel of scripts/build-wheel contains."""
    return [*map(_library_of_static_dep, deps), _pybind11()]


def zig_libraries() -> list[Library]:
    """Return the libraries that zig links into all its programs."""
    return [_libcxx(), _compiler_runtime()]


def aws_sdk_libraries(sdk: AwsSdk) -> list[Library]:
    """Return the parts of an aws-sdk-cpp that a wheel contains.

    The Common Runtime is one entry: each release of it names the commits of its parts.
    """
    license_file = LICENSES / "aws-sdk-cpp.txt"
    sdk_purl = PackageURL("github", "aws", "aws-sdk-cpp", sdk.version)
    crt_purl = PackageURL("github", "awslabs", "aws-crt-cpp", f"v{sdk.crt_version}")
    return [
        Library(
            *("aws-sdk-cpp", sdk.version, "Apache-2.0 AND Zlib AND MIT", license_file, sdk_purl)
        ),
        Library("aws-crt-cpp", sdk.crt_version, "Apache-2.0", license_file, crt_purl),
    ]


def vcpkg_libraries(installed: Path) -> list[Library]:
    """Return the libraries in wheels of cibuildwheel: those that vcpkg installed, and pybind11."""
    ports = sorted(path.parent for path in installed.glob("share/*/vcpkg.spdx.json"))
    # These are CMake helpers of vcpkg, nothing of them is linked.
    libraries = [_library_of_port(port) for port in ports if not port.name.startswith("vcpkg-")]
    return [*libraries, _pybind11()]


def make_bom(name: str, version: str, libraries: Iterable[Library]) -> str:
    """Return the bill of materials of a package as CycloneDX JSON.

    It depends on the arguments and ``SOURCE_DATE_EPOCH`` alone, so that builds are reproducible.
    """
    components = [_component(library) for library in libraries]
    package = Component(
        name=name, version=version, bom_ref=name, purl=PackageURL("pypi", None, name, version)
    )
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    identity = " ".join(str(component.purl) for component in [package, *components])
    bom = Bom(
        components=components,
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, identity),
        metadata=BomMetaData(
            component=package,
            timestamp=datetime.fromtimestamp(epoch, timezone.utc),
        ),
    )
    bom.register_dependency(package, components)
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def add_to_wheel(wheel: Path, libraries: Iterable[Library]) -> None:
    """Put the bill of materials and the licences of the libraries into a wheel, in place."""
    libraries = list(libraries)
    name, version, _, _ = parse_wheel_filename(wheel.name)
    with tempfile.TemporaryDirectory() as scratch:
        run("wheel", "unpack", "--dest", scratch, wheel)
        (dist_info,) = Path(scratch).glob("*/*.dist-info")
        (dist_info / "sboms").mkdir(exist_ok=True)
        (dist_info / "sboms" / BOM_NAME).write_text(make_bom(name, str(version), libraries))
        _add_licenses(dist_info, libraries)
        run("wheel", "pack", "--dest-dir", wheel.parent, dist_info.parent)


def license_name(library: str) -> str:
    """Return the path of a library's licence below the licences of a wheel."""
    return f"linked/{library}.txt"


def _add_licenses(dist_info: Path, libraries: Iterable[Library]) -> None:
    names = []
    for library in libraries:
        path = dist_info / "licenses" / license_name(library.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(library.license_file.read_bytes())
        names.append(license_name(library.name))
    metadata = dist_info / "METADATA"
    head, blank, description = metadata.read_text().partition("\n\n")
    fields = "".join(f"\nLicense-File: {name}" for name in names)
    metadata.write_text(head + fields + blank + description)


def _library_of_static_dep(dep: StaticDep) -> Library:
    # The version of the source package counts Debian's patches: scanners that know them don't
    # report what they fix.
    qualifiers = {"arch": "source", "distro": dep.suite}
    purl = PackageURL("deb", "debian", dep.source_package, dep.source_version, qualifiers)
    return Library(dep.name, dep.version, dep.license, dep.license_copy, purl, dep.cpe)


def _libcxx() -> Library:
    version = libcxx_version()
    purl = PackageURL("github", "llvm", "llvm-project", version)
    return Library(
        "libc++", version, "Apache-2.0 WITH LLVM-exception", LICENSES / "libc++.txt", purl
    )


def _compiler_runtime() -> Library:
    version = zig_version()
    purl = PackageURL("pypi", None, "ziglang", version)
    return Library("zig", version, "MIT", LICENSES / "zig.txt", purl)


def _pybind11() -> Library:
    pinned = re.search(r"^pybind11==(\S+)$", BUILD_CONSTRAINTS.read_text(), re.MULTILINE)
    if not pinned:
        raise LookupError(f"pybind11 is not pinned in {BUILD_CONSTRAINTS.name}")
    purl = PackageURL("pypi", None, "pybind11", pinned[1])
    return Library("pybind11", pinned[1], "BSD-3-Clause", LICENSES / "pybind11.txt", purl)


def _library_of_port(port: Path) -> Library:
    packages = json.loads((port / "vcpkg.spdx.json").read_text())["packages"]
    (about,) = (package for package in packages if package["SPDXID"] == "SPDXRef-port")
    version, _, _ = about["versionInfo"].partition("#")
    purl = PackageURL("generic", None, port.name, version, {"vcs_url": about["downloadLocation"]})
    return Library(port.name, version, about["licenseConcluded"], port / "copyright", purl)


def _component(library: Library) -> Component:
    return Component(
        name=library.name,
        version=library.version,
        bom_ref=str(library.purl),
        purl=library.purl,
        cpe=f"{library.cpe}:{library.version}:*:*:*:*:*:*:*" if library.cpe else None,
        licenses=[LicenseExpression(library.license)],
    )


def main(arguments: list[str] | None = None) -> int:
    """Put bill of materials and licences of vcpkg's libraries into the wheels of a folder."""
    parser = argparse.ArgumentParser(prog="ci.artifacts.sbom", description=main.__doc__)
    parser.add_argument("wheels", type=Path, help="folder with wheels")
    parser.add_argument("vcpkg", type=Path, help="folder that ci/artifacts/vcpkg.py installed into")
    options = parser.parse_args(arguments)
    for wheel in options.wheels.glob("*.whl"):
        add_to_wheel(wheel, vcpkg_libraries(prefix(options.vcpkg)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
