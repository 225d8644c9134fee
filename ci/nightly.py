"""The nights that are kept: an index for pip and a channel for conda, as files of a web site.

The site is made anew every night. What it is made of is kept in a GitHub release named "nightly":
one archive for each night.
"""

import argparse
import asyncio
import hashlib
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from html import escape
from pathlib import Path
from urllib.parse import quote

from packaging.version import Version
from rattler.index import index_fs

from ci.artifacts import DIST, BuiltFile, built_files
from ci.command import run
from ci.version import project_version

KEPT_NIGHTS = 14

_RELEASE = "nightly"

_PAGE = """\
<!DOCTYPE html>
<html>
<head><meta name="pypi:repository-version" content="1.0"><title>objectpipes</title></head>
<body>
{links}</body>
</html>
"""


def expired(nights: Iterable[Path], kept: int = KEPT_NIGHTS) -> list[Path]:
    """Return the nights that are too old to be kept.

    Parameters
    ----------
    nights
        Archives, each named after its version.
    kept
        How many to keep.
    """
    return sorted(nights, key=lambda night: Version(night.stem))[:-kept]


def make_site(files: Iterable[BuiltFile], site: Path) -> None:
    """Make an index (PEP 503) and a conda channel of artifacts.

    Parameters
    ----------
    files
        The artifacts.
    site
        New folder for them: the index is in ``simple/``, the channel in ``conda/``.
    """
    index = site / "simple" / "objectpipes"
    index.mkdir(parents=True)
    (site / "conda" / "noarch").mkdir(parents=True)
    for built in files:
        folder = site / "conda" / built.platform if built.channel == "conda" else index
        folder.mkdir(exist_ok=True)
        shutil.copy(built.path, folder)
    links = "".join(map(_link, sorted(index.iterdir())))
    (index / "index.html").write_text(_PAGE.format(links=links))
    asyncio.run(index_fs(site / "conda"))


def add_night(site: Path, folder: Path) -> None:
    """Keep what is in dist/ with the nights before, drop the oldest, and make the site of all.

    Parameters
    ----------
    site
        New folder for the site.
    folder
        Empty folder to work in.

    Raises
    ------
    subprocess.CalledProcessError
        If GitHub cannot be reached, or does not permit it.
    """
    nights, artifacts = folder / "nights", folder / "artifacts"
    run("gh", "release", "download", _RELEASE, "--pattern", "*.tar", "--dir", nights)
    tonight = nights / f"{project_version()}.tar"
    with tarfile.open(tonight, "w") as archive:
        for built in built_files():
            archive.add(built.path, built.path.relative_to(DIST))
    run("gh", "release", "upload", _RELEASE, tonight, "--clobber")
    for night in expired(nights.iterdir()):
        run("gh", "release", "delete-asset", _RELEASE, night.name, "--yes")
        night.unlink()
    for night in nights.iterdir():
        with tarfile.open(night) as archive:
            archive.extractall(artifacts, filter="data")
    make_site(built_files(artifacts), site)


def _link(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    name = quote(path.name)
    return f'<a href="{name}#sha256={digest}">{escape(path.name)}</a><br>\n'


def main(arguments: list[str] | None = None) -> int:
    """Add what is in dist/ to the nights that are kept, and make the web site of all of them."""
    parser = argparse.ArgumentParser(prog="ci.nightly", description=main.__doc__)
    parser.add_argument("site", type=Path, help="new folder for the site")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        add_night(options.site, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
