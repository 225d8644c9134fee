"""Checks that no library in a wheel has a known vulnerability.

The list of vulnerabilities, ``wheels/vulnerabilities.toml``, is kept by hand: an entry is a
decision that somebody has made after reading.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import tomli
from packageurl import PackageURL
from packaging.version import Version

from ci.artifacts.check_wheel import read_wheel
from ci.local.static_deps import read_manifest
from ci.paths import ROOT

LIST = ROOT / "wheels" / "vulnerabilities.toml"
VCPKG = ROOT / "wheels" / "vcpkg.json"


class ListError(Exception):
    """The list has an invalid entry."""


@dataclass(frozen=True)
class Vulnerability:
    """A vulnerability, and the first versions without it."""

    id: str  # such as "CVE-2025-9086"
    library: str  # as the manifests have it
    debian: str = ""  # version of its source package; empty if it is not known, or does not matter
    upstream: str = ""  # version of the library; empty likewise
    irrelevant: str = ""  # why it does not matter; empty if it does


def read_list(path: Path = LIST) -> list[Vulnerability]:
    """Read the list of vulnerabilities."""
    found = [
        Vulnerability(id, library, **facts)
        for library, entries in tomli.loads(path.read_text()).items()
        for id, facts in entries.items()
    ]
    for entry in found:
        if not (entry.debian or entry.upstream or entry.irrelevant):
            raise ListError(f"{entry.id}: there is neither a version nor a reason")
    return found


@dataclass(frozen=True)
class Linked:
    """A library that is linked in."""

    library: str
    version: str
    counted_by: str  # whose versions these are: "debian" or "upstream"

    def is_older_than(self, version: str) -> bool:
        """Compare versions by the rules of the library's own numbering."""
        if self.counted_by == "debian":
            command = ["dpkg", "--compare-versions", self.version, "lt", version]
            return subprocess.run(command).returncode == 0
        return Version(self.version.partition("#")[0]) < Version(version)


def linked_by_manifests(vcpkg: Path = VCPKG) -> Iterator[Linked]:
    """Return the libraries that ``wheels/static-deps.toml`` and vcpkg's manifest request.

    A library that vcpkg's manifest states no version of is in the version of the baseline, which
    only a wheel's bill of materials tells.
    """
    for dep in read_manifest():
        yield Linked(dep.name, dep.source_version, "debian")
    manifest = json.loads(vcpkg.read_text())
    for stated in [*manifest["dependencies"], *manifest.get("overrides", ())]:
        if version := isinstance(stated, dict) and (stated.get("version>=", stated.get("version"))):
            yield Linked(stated["name"], version, "upstream")


def linked_into(wheel: Path) -> Iterator[Linked]:
    """Return the libraries in the bill of materials of a wheel."""
    for part in read_wheel(wheel).components:
        purl = PackageURL.from_string(part["purl"])
        counted_by = "debian" if purl.type == "deb" else "upstream"
        yield Linked(part["name"], purl.version or part["version"], counted_by)


def affected(known: Sequence[Vulnerability], linked: Iterable[Linked]) -> Iterator[str]:
    """Compare libraries with the list."""
    for library in linked:
        for entry in known:
            fixed = entry.debian if library.counted_by == "debian" else entry.upstream
            if entry.library == library.library and fixed and library.is_older_than(fixed):
                yield f"{library.library} {library.version} has {entry.id}, fixed in {fixed}"


def main(arguments: list[str] | None = None) -> int:
    """Compare the libraries in wheels with wheels/vulnerabilities.toml."""
    parser = argparse.ArgumentParser(prog="ci.release.vulnerabilities", description=main.__doc__)
    parser.add_argument("wheels", type=Path, nargs="*", help="built ones, in place of manifests")
    wheels = parser.parse_args(arguments).wheels
    problems = [] if wheels else [*affected(read_list(), linked_by_manifests())]
    for wheel in wheels:
        found = affected(read_list(), linked_into(wheel))
        problems += [f"{wheel.name}: {problem}" for problem in found]
    for problem in problems:
        print(problem, file=sys.stderr)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
