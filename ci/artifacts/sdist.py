"""The source distribution: built, compared with what is under version control, and built from."""

import argparse
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ci.artifacts.source_date import source_date_epoch
from ci.command import output, run
from ci.local.sealed import without_network
from ci.paths import ROOT

# Made by the build backend.
_METADATA = "PKG-INFO"

_TOP = ("CMakeLists.txt", "LICENSE", "README.md", "pyproject.toml", "csrc", "src")
_NOT_BUILT = ("*_test.cc", "*_fuzz.cc")
_FOLDERS_NOT_BUILT = {"testdata", "testing"}


class SdistError(Exception):
    """The source distribution has a fault."""


def expected_files() -> set[str]:
    """Return the files that it must have: all under version control that a build needs."""
    listed = map(PurePosixPath, output("git", "ls-files", "--", *_TOP, cwd=ROOT).splitlines())
    return {_METADATA} | {str(path) for path in listed if _is_built(path)}


def problems_of(sdist: Path, expected: set[str]) -> Iterator[str]:
    """Check that a source distribution has exactly those files."""
    with tarfile.open(sdist) as archive:
        found = {name.partition("/")[2] for name in archive.getnames()}
    for name in sorted(found - expected):
        yield f"{name} does not belong into it"
    for name in sorted(expected - found):
        yield f"{name} is missing"


def build_sdist(destination: Path) -> Path:
    """Build and check the source distribution, and put it into a folder."""
    with tempfile.TemporaryDirectory(prefix="objectpipes-sdist-") as scratch:
        run(
            *("uv", "build", "--sdist", "--no-build-isolation"),
            *("--python", sys.executable, "--out-dir", scratch, ROOT),
            env={"SOURCE_DATE_EPOCH": source_date_epoch()},
        )
        (sdist,) = Path(scratch).glob("*.tar.gz")
        if problems := list(problems_of(sdist, expected_files())):
            raise SdistError(f"{sdist.name}: {'; '.join(problems)}")
        destination.mkdir(parents=True, exist_ok=True)
        return sdist.replace(destination / sdist.name)


def build_wheel_of(sdist: Path, folder: Path) -> Path:
    """Build a wheel of a source distribution alone, where nothing can be fetched."""
    run(
        *without_network(),
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--verbose"),
        *("--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", folder, sdist),
        cwd=folder,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


def _is_built(path: PurePosixPath) -> bool:
    return not any(map(path.match, _NOT_BUILT)) and not _FOLDERS_NOT_BUILT & set(path.parts)


def main(arguments: list[str] | None = None) -> int:
    """Build the source distribution into dist/, and check that it can be built from offline."""
    argparse.ArgumentParser(prog="ci.artifacts.sdist", description=main.__doc__).parse_args(
        arguments
    )
    sdist = build_sdist(ROOT / "dist")
    with tempfile.TemporaryDirectory(prefix="objectpipes-of-sdist-") as folder:
        build_wheel_of(sdist, Path(folder))
    print(f"{sdist.relative_to(ROOT)}: {sdist.stat().st_size:,} bytes, checked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
