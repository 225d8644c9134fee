"""The static libraries of the wheels that cibuildwheel builds, installed by vcpkg.

This runs inside cibuildwheel's containers before anything else, so it needs nothing but Python.
The manifest is ``wheels/vcpkg.json``; its baseline also says which vcpkg is used.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

WHEELS = Path(__file__).parents[2] / "wheels"
REPOSITORY = "https://github.com/microsoft/vcpkg"

_ARCHITECTURES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_SYSTEMS = {"linux": "linux", "darwin": "osx", "macos": "osx", "windows": "windows"}


def triplet() -> str:
    """Return the name of the overlay triplet for this machine."""
    return triplet_of(platform.system(), platform.machine())


def triplet_of(system: str, arch: str) -> str:
    """Return the name of an overlay triplet. Python's names and those of the platform table fit."""
    return f"{_ARCHITECTURES[arch.lower()]}-{_SYSTEMS[system.lower()]}-wheel"


def prefix(folder: Path) -> Path:
    """Return where the libraries are, for ``CMAKE_PREFIX_PATH``."""
    return folder / "installed" / triplet()


def install(folder: Path) -> None:
    """Install vcpkg and, by it, the libraries of the manifest, into a new folder."""
    vcpkg = folder / "vcpkg"
    baseline = json.loads((WHEELS / "vcpkg.json").read_text())["builtin-baseline"]
    # The history is needed to find the versions of ports, their contents are not.
    _run("git", "clone", "--quiet", "--filter=blob:none", "--no-checkout", REPOSITORY, vcpkg)
    _run("git", "-C", vcpkg, "checkout", "--quiet", baseline)
    windows = platform.system() == "Windows"
    _run(vcpkg / ("bootstrap-vcpkg.bat" if windows else "bootstrap-vcpkg.sh"), "-disableMetrics")
    _run(
        vcpkg / "vcpkg",
        "install",
        f"--triplet={triplet()}",
        f"--host-triplet={triplet()}",
        f"--overlay-triplets={WHEELS / 'triplets'}",
        f"--x-manifest-root={WHEELS}",
        f"--x-install-root={folder / 'installed'}",
    )


def _run(*command: "str | os.PathLike[str]") -> None:
    print("+", *command, flush=True)
    subprocess.run(command, check=True)


def main() -> int:
    """Install the libraries of wheels/vcpkg.json, or say where they are."""
    parser = argparse.ArgumentParser(prog="ci/artifacts/vcpkg.py", description=main.__doc__)
    parser.add_argument("folder", type=Path, help="where vcpkg and the libraries go")
    parser.add_argument("--prefix", action="store_true", help="only print CMAKE_PREFIX_PATH")
    options = parser.parse_args()
    folder = options.folder.absolute()
    if options.prefix:
        print(prefix(folder))
    else:
        install(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
