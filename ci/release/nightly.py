"""The web site of the nightly: an index for pip and a channel for conda.

It is made again every night and has only the files of that night: two nights may exceed the limit
of GitHub Pages, a gigabyte.
"""

import argparse
import asyncio
import hashlib
import shutil
import sys
from collections.abc import Iterable
from html import escape
from pathlib import Path
from urllib.parse import quote

from rattler.index import index_fs

from ci.artifacts.files import BuiltFile, built_files

_PAGE = """\
<!DOCTYPE html>
<html>
<head><meta name="pypi:repository-version" content="1.0"><title>objectpipes</title></head>
<body>
{links}</body>
</html>
"""


def make_site(files: Iterable[BuiltFile], site: Path) -> None:
    """Make an index (PEP 503) of artifacts, and a conda channel, in a new folder.

    The index is in ``simple/``, the channel in ``conda/``.
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


def _link(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    name = quote(path.name)
    return f'<a href="{name}#sha256={digest}">{escape(path.name)}</a><br>\n'


def main(arguments: list[str] | None = None) -> int:
    """Make the web site for the files in dist/."""
    parser = argparse.ArgumentParser(prog="ci.release.nightly", description=main.__doc__)
    parser.add_argument("site", type=Path, help="new folder for the site")
    make_site(built_files(), parser.parse_args(arguments).site)
    return 0


if __name__ == "__main__":
    sys.exit(main())
