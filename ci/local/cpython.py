"""Compiles CPython from Debian's source package."""

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path

from ci.cache import cache_folder, locked
from ci.command import run
from ci.local.debian import SourcePackage, check_programs, extract_source

VERSION = "3.13"
FREE_THREADED = f"{VERSION}t"

SOURCE = SourcePackage(
    suite="trixie",
    name="python3.13",
    version="3.13.5-2+deb13u5",
    dsc_sha256="4be84e20fb902354fa86955e2fbea6e8bdbd158f54833423488308a9b3532662",
)

# A shell script for the folder of the sources; takes the prefix, and more options of configure.
# Optimizing more takes three times as long, and is not worth it for some tests. Where a library is
# missing, Python is made without its module: what botocore needs is tried.
COMPILE = """\
set -eu
prefix=$1
./configure --quiet --prefix="$@" --without-ensurepip --disable-test-modules \\
  OPT="-DNDEBUG -O1"
make --silent --jobs="$(nproc)"
make --silent install
"$prefix/bin/python3" -c "import ctypes, ssl, zlib"
"""


def cache_key(*options: str) -> str:
    """Return a name for the result, which changes whenever the result may.

    `options` are those of configure, and whatever else decides it.
    """
    recipe = "\0".join([SOURCE.dsc_sha256, COMPILE, *options])
    return f"{SOURCE.version}-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"


def free_threaded_python() -> Path:
    """Return a free-threaded interpreter, compiled unless the cache has it."""
    options = ["--disable-gil"]
    prefix = cache_folder(f"python/{FREE_THREADED}-{cache_key(*options)}")
    python = prefix / "bin" / f"python{FREE_THREADED}"
    complete = prefix / ".complete"
    with locked(prefix):
        if not complete.exists():
            _compile(prefix, options)
            complete.touch()
    return python


def extract(folder: Path) -> None:
    """Unpack the sources."""
    # Debian's patches move packages to where a free-threaded Python does not look for them.
    extract_source(SOURCE, folder, patched=False)


def _compile(prefix: Path, options: list[str]) -> None:
    check_programs("cc", "make")
    with tempfile.TemporaryDirectory(prefix="objectpipes-python-") as scratch:
        source = Path(scratch) / "python"
        extract(source)
        run("sh", "-c", COMPILE, "sh", prefix, *options, cwd=source)


def main(arguments: list[str] | None = None) -> int:
    """Compile a free-threaded Python and print where it is."""
    argparse.ArgumentParser(prog="ci.local.cpython", description=main.__doc__).parse_args(arguments)
    print(free_threaded_python())
    return 0


if __name__ == "__main__":
    sys.exit(main())
