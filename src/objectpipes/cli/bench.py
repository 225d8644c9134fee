"""List a prefix, load its objects, and print how fast that was."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from .arguments import byte_count, count
from .connection import add_connection_options, open_store, store_url
from .output import print_table
from .requirements import require

__all__ = ["add_arguments", "run"]

_PIECE = 1 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line of ``bench``."""
    parser.add_argument(
        "url", metavar="URL", type=store_url, help="s3://bucket/prefix or ais://bucket/prefix"
    )
    parser.add_argument(
        "--seconds", type=count, default=10, help="when to stop; 0: after all (default: 10)"
    )
    parser.add_argument(
        "--workers", type=count, default=0, help="processes of the DataLoader; 0 (default): none"
    )
    parser.add_argument(
        "--concurrency",
        type=count,
        default=0,
        help="objects requested at once; 0 (default): adapted",
    )
    parser.add_argument(
        "--prefetch-bytes",
        type=byte_count,
        default=256 << 20,
        metavar="BYTES",
        help="held ahead by each process, such as 64M (default: 256M)",
    )
    add_connection_options(parser)


def run(options: argparse.Namespace) -> int:
    """Read through the same pipes as a training would."""
    require("torch", "torch")
    from .._progress import progress_bar
    from .._reports import Totals, read_in_workers
    from ..iter._pipes import FileLister, FileLoader
    from ..options import ListFilters, ReadOptions

    config = open_store(options.url, options).config
    urls = FileLister([options.url], -1, config, ListFilters()).sharding_filter()
    reading = ReadOptions(concurrency=options.concurrency, prefetch_bytes=options.prefetch_bytes)
    pipe = FileLoader(urls, config, reading)
    totals = Totals()
    objects = size = 0
    begin = time.monotonic()
    with (
        closing(read_in_workers(pipe, _consume, options.workers)) as reports,
        progress_bar(unit="B", unit_scale=True) as progress,
    ):
        for report in reports:
            totals.add(report)
            objects += sum(finished for finished, _ in report.items)
            read = sum(count for _, count in report.items)
            size += read
            progress.set_postfix_str(f"{objects:,} objects", refresh=False)
            progress.update(read)
            if options.seconds and time.monotonic() - begin > options.seconds:
                break
        seconds = time.monotonic() - begin
    rows = [
        ("objects", f"{objects:,}"),
        ("MB", f"{size / 1e6:,.1f}"),
        ("seconds", f"{seconds:.2f}"),
        ("objects/s", f"{objects / seconds:,.0f}"),
        ("MB/s", f"{size / 1e6 / seconds:,.1f}"),
        ("requests", f"{totals['requests']:,}"),
        ("retries", f"{totals['retries']:,}"),
    ]
    print_table(rows[0], rows[1:])
    return 0


def _consume(element: tuple[str, Any]) -> Iterator[tuple[int, int]]:
    """Read an object as fast as can be; yield objects finished and bytes read, piece by piece."""
    _, stream = element
    while piece := stream.read(_PIECE):
        yield 0, len(piece)
    yield 1, 0
