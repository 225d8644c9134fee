"""Save a listing of prefixes as a manifest for datasets."""

from __future__ import annotations

import argparse
import sys

from .._importing import importing
from .connection import add_connection_options, add_urls, open_store
from .output import human_size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line of ``manifest``."""
    add_urls(parser, "s3:// or ais://bucket/prefix, all in one store")
    parser.add_argument(
        "-o",
        "--output",
        metavar="PLACE",
        required=True,
        help="file or URL of an object to write to",
    )
    parser.add_argument(
        "--mask",
        action="append",
        default=[],
        metavar="PATTERN",
        help="list only objects that match, such as '*.jpg'; may be repeated",
    )
    add_connection_options(parser)


def run(options: argparse.Namespace) -> int:
    """List, save, and print a summary."""
    with importing:
        from ..manifest import Manifest

    config = open_store(options.urls[0], options).config
    manifest = Manifest.list(options.urls, config=config, masks=options.mask)
    manifest.save(options.output, config=config)
    size = human_size(sum(url.size or 0 for url in manifest))
    print(f"{options.output}: {len(manifest):,} objects, {size}", file=sys.stderr)
    return 0
