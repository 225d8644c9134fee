"""Checks that every released wheel must pass, whatever built it."""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias
from zipfile import ZipFile

from ci.artifacts.files import BOM_NAME
from ci.artifacts.sbom import license_name
from ci.command import output
from ci.local.elf import EXPORTED, dynamic_tags, exported_symbols, is_elf, unversioned_symbols

_OF_PYTHON = re.compile("_?Py")

# In bytes. aws-sdk-cpp alone is larger than everything else.
SIZE_LIMIT = 3_000_000
SIZE_LIMIT_WITH_AWS = 12_000_000

# Folders of machines that build, which nobody else has. A relative path, as it becomes by
# -ffile-prefix-map, is none. On Windows these are the folders of checkouts and of people only: MSVC
# has no such option for the one that libraries are built in.
_BUILD_PATHS = re.compile(
    rb"(?<![\w.])/(?:root|home|tmp|Users|project|builds?|vcpkg|opt/objectpipes)/[\w.+/-]+"
    rb"|(?<!\w)[A-Za-z]:[/\\](?:a|Users)[/\\][\w.+/\\-]+"
)

# A path to certificates is right only on one distribution: the CA file must be found at run time.
_CA_PATHS = re.compile(rb"/(?:etc|usr|opt(?!/objectpipes/))/[\w./-]*(?:ssl|pki|cert)[\w./-]*")

# Where vcpkg's OpenSSL would look for what it loads. By wheels/triplet-common.cmake it loads
# nothing, and nobody but root could make that folder.
_OPENSSL_PATHS = re.compile(
    r"/opt/objectpipes/installed/[\w-]+-wheel/lib/(?:engines-3|ossl-modules)"
)

# Libraries that look at run time where distributions keep certificates, as we do: these are the
# places that they know. They use none of them, for we name the file.
_RUN_TIME_CA_PATHS = {
    "aws-crt-cpp": {
        "/etc/openssl/certs",
        "/etc/security/cacerts",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/pki/tls/cacert.pem",
        "/etc/pki/tls/certs",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
        "/etc/ssl/certs",
        "/etc/ssl/certs/ca-certificates.crt",
        "/usr/local/share/certs",
    }
}

_LINUX_TAG = re.compile(r"(?P<libc>many|musl)linux_(?P<major>\d+)_(?P<minor>\d+)_(?P<arch>\w+)")

# Libraries that tell their version in the binary, so that the bill of materials can be compared.
_VERSIONS_IN_BINARY = {
    "openssl": re.compile(rb"OpenSSL (\d+\.\d+\.\d+) \d"),
    "curl": re.compile(rb"libcurl/(\d+\.\d+\.\d+)"),
}


@dataclass(frozen=True)
class Wheel:
    """A wheel, read once."""

    path: Path
    files: dict[PurePosixPath, bytes]  # contents by name

    @property
    def binaries(self) -> dict[PurePosixPath, bytes]:
        """The extension modules and shared libraries."""
        suffixes = {".so", ".pyd", ".dylib", ".dll"}
        return {name: data for name, data in self.files.items() if name.suffix in suffixes}

    @property
    def platform_tags(self) -> list[str]:
        """The platform tags of the file name."""
        return self.path.stem.rsplit("-", 1)[1].split(".")

    @property
    def components(self) -> list[dict[str, Any]]:
        """The libraries in the bill of materials, as CycloneDX has them; empty if there is none."""
        for name, data in self.files.items():
            if name.match(f"*.dist-info/sboms/{BOM_NAME}"):
                found: list[dict[str, Any]] = json.loads(data)["components"]
                return found
        return []

    @property
    def bom(self) -> dict[str, str]:
        """Name and version of each library in the bill of materials."""
        return {part["name"]: part["version"] for part in self.components}


def read_wheel(path: Path) -> Wheel:
    """Read a wheel."""
    with ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        return Wheel(path, {PurePosixPath(name): archive.read(name) for name in names})


def check_tag(wheel: Wheel) -> Iterator[str]:
    """Check that a manylinux or musllinux tag promises no less than the symbols ask for."""
    for tag in wheel.platform_tags:
        if promised := _LINUX_TAG.fullmatch(tag):
            needed = json.loads(output("auditwheel", "show", "--json", wheel.path))["overall_tag"]
            found = _LINUX_TAG.fullmatch(needed)
            if not found or found["libc"] != promised["libc"] or _floor(found) > _floor(promised):
                yield f"the tag is {tag}, the symbols need {needed}"
        elif tag.startswith("linux"):
            yield f"{tag} promises no oldest system"


def check_names(wheel: Wheel) -> Iterator[str]:
    """Check that a Python of the architecture in the tag looks for the extension by its name."""
    for tag in filter(None, map(_LINUX_TAG.fullmatch, wheel.platform_tags)):
        for name in wheel.binaries:
            if "-linux-" in name.name and f"-{tag['arch']}-linux-" not in name.name:
                yield f"{name} is not found by a Python for {tag['arch']}"


def check_exports(wheel: Wheel) -> Iterator[str]:
    """Check that the extension exports its module init only."""
    for name, data in _elf_files(wheel):
        exported = exported_symbols(data)
        if exported != EXPORTED:
            yield f"{name} exports {len(exported)} symbols: {_some(exported)}"


def check_symbols(wheel: Wheel) -> Iterator[str]:
    """Check that the extension asks for symbols of libraries and of Python only."""
    for name, data in _elf_files(wheel):
        missing = {symbol for symbol in unversioned_symbols(data) if not _OF_PYTHON.match(symbol)}
        if missing:
            yield f"{name} lacks symbols: {_some(missing)}"


def check_rpath(wheel: Wheel) -> Iterator[str]:
    """Check that no library is looked for in folders of the building machine."""
    for name, data in _elf_files(wheel):
        for tag in {"DT_RPATH", "DT_RUNPATH"} & dynamic_tags(data):
            yield f"{name} has a {tag}"


def check_build_paths(wheel: Wheel) -> Iterator[str]:
    """Check that no binary holds a path of the building machine."""
    yield from _baked_in(wheel, "build path", _BUILD_PATHS)


def check_ca_paths(wheel: Wheel) -> Iterator[str]:
    """Check that no binary holds a path of certificates."""
    yield from _baked_in(wheel, "CA path", _CA_PATHS)


def _baked_in(wheel: Wheel, kind: str, pattern: re.Pattern[bytes]) -> Iterator[str]:
    linked = wheel.bom.keys() & _RUN_TIME_CA_PATHS.keys()
    known = {path for library in linked for path in _RUN_TIME_CA_PATHS[library]}
    for name, data in wheel.binaries.items():
        found = {match.decode() for match in pattern.findall(data)} - known
        if found := {path for path in found if not _OPENSSL_PATHS.fullmatch(path)}:
            yield f"{name} holds a {kind}: {_some(found)}"


def check_bom(wheel: Wheel) -> Iterator[str]:
    """Check that the bill of materials names what is linked in, in that very version."""
    if not wheel.bom:
        yield f"there is no dist-info/sboms/{BOM_NAME}"
    for library, pattern in _VERSIONS_IN_BINARY.items():
        for name, data in wheel.binaries.items():
            for version in {match.decode() for match in pattern.findall(data)}:
                if wheel.bom.get(library) != version:
                    yield f"{name} holds {library} {version}, {BOM_NAME} does not"


def check_licenses(wheel: Wheel) -> Iterator[str]:
    """Check that the licences of the project and of all that is linked in are there."""
    for license in ["LICENSE", *map(license_name, wheel.bom)]:
        if not any(name.match(f"*.dist-info/licenses/{license}") for name in wheel.files):
            yield f"there is no dist-info/licenses/{license}"


def check_contents(wheel: Wheel) -> Iterator[str]:
    """Check that nothing but the package is installed: no tests, no sources."""
    for name in wheel.files:
        if name.parts[0] != "objectpipes" and not name.parts[0].endswith(".dist-info"):
            yield f"{name} is outside of the package"
        if "tests" in name.parts or name.suffix in {".cc", ".h", ".a"}:
            yield f"{name} does not belong into a wheel"
    if len(wheel.binaries) != 1:
        yield f"it holds {len(wheel.binaries)} binaries, not the extension alone"
    # Libraries may have the same licence.
    yield from _complaints("check-wheel-contents", "--ignore", "W002", wheel.path)


def check_size(wheel: Wheel) -> Iterator[str]:
    """Check that the file is not too large."""
    limit = SIZE_LIMIT_WITH_AWS if "aws-sdk-cpp" in wheel.bom else SIZE_LIMIT
    size = wheel.path.stat().st_size
    if size > limit:
        yield f"it has {size:,} bytes, more than {limit:,}"


def check_metadata(wheel: Wheel) -> Iterator[str]:
    """Check that PyPI accepts the wheel."""
    yield from _complaints("twine", "check", "--strict", wheel.path)


Check: TypeAlias = Callable[[Wheel], Iterator[str]]

CHECKS: list[Check] = [
    check_tag,
    check_names,
    check_exports,
    check_symbols,
    check_rpath,
    check_build_paths,
    check_ca_paths,
    check_bom,
    check_licenses,
    check_contents,
    check_size,
    check_metadata,
]


def problems_of(path: Path, checks: Iterable[Check] | None = None) -> list[str]:
    """Return the faults of a wheel, one sentence each, found by all checks or by some."""
    wheel = read_wheel(path)
    return [problem for check in checks or CHECKS for problem in check(wheel)]


def _elf_files(wheel: Wheel) -> Iterator[tuple[PurePosixPath, bytes]]:
    return ((name, data) for name, data in wheel.binaries.items() if is_elf(data))


def _floor(tag: re.Match[str]) -> tuple[int, int]:
    return int(tag["major"]), int(tag["minor"])


def _some(names: set[str]) -> str:
    shown = sorted(names)[:5]
    return ", ".join(shown) + (", ..." if len(names) > len(shown) else "")


def _complaints(*command: str | Path) -> Iterator[str]:
    try:
        output(*command)
    except subprocess.CalledProcessError as error:
        yield f"{command[0]}: {error.stdout.strip()}"


def main(arguments: list[str] | None = None) -> int:
    """Check wheels and print their faults."""
    parser = argparse.ArgumentParser(prog="ci.artifacts.check_wheel", description=main.__doc__)
    parser.add_argument("wheels", type=Path, nargs="+")
    failed = False
    for wheel in parser.parse_args(arguments).wheels:
        problems = problems_of(wheel)
        failed |= bool(problems)
        print(f"{wheel.name}: {'; '.join(problems) or 'ok'}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
