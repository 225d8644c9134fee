"""List objects, one URL per line."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from .._importing import importing
from .connection import add_connection_options, open_store, store_url
from .output import human_size, printable

if TYPE_CHECKING:
    from ..url import ObjectUrl

# The facts that a listing may give about an object, in the order of output.
_FACTS = ("size", "etag", "mtime", "checksum", "version")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line of ``ls``."""
    parser.add_argument(
        "url",
        metavar="URL",
        type=store_url,
        help="s3:// or ais://bucket/prefix; end it with / to list a folder",
    )
    parser.add_argument(
        "-r",
        "--recursive",
        action="store_true",
        help="list the contents of folders instead of their names",
    )
    parser.add_argument(
        "-l",
        "--long",
        action="store_true",
        help="also show the time of modification (UTC) and the size in bytes",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print a JSON object per line: url, size, etag, mtime, ...",
    )
    add_connection_options(parser)


def run(options: argparse.Namespace) -> int:
    """Print page after page, and on a terminal a summary."""
    with importing:
        from .._progress import progress_bar
        from ..options import ListFilters

    to_people = sys.stdout.isatty() and not options.json
    line = _json_line if options.json else _long_line if options.long else _line
    filters = ListFilters(recursive=options.recursive)
    pages = open_store(options.url, options).list(options.url, filters)
    count = size = 0
    with progress_bar(beside_output=True, unit=" entries") as progress:
        for page in pages:
            lines = map(line, page)
            sys.stdout.writelines(f"{printable(text) if to_people else text}\n" for text in lines)
            progress.update(len(page))
            count += len(page)
            size += sum(url.size or 0 for url in page)
    if to_people:
        print(f"{count:,} {'entry' if count == 1 else 'entries'}, {human_size(size)}")
    return 0


def _line(url: ObjectUrl) -> str:
    return url


def _json_line(url: ObjectUrl) -> str:
    facts = {name: getattr(url, name) for name in _FACTS}
    known = {name: value for name, value in facts.items() if value is not None}
    return json.dumps({"url": str(url), **known})


def _long_line(url: ObjectUrl) -> str:
    time = "" if url.mtime is None else _utc(url.mtime)
    size = "" if url.size is None else str(url.size)
    return f"{time:20}  {size:>14}  {url}"


def _utc(posix_seconds: float) -> str:
    return f"{datetime.fromtimestamp(posix_seconds, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
