"""List a prefix, load its objects, and print how fast that was."""

from __future__ import annotations

import argparse
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from .._importing import importing
from .arguments import byte_count, count
from .connection import add_connection_options, open_store, store_url
from .output import print_table
from .requirements import require

if TYPE_CHECKING:
    from .._reports import Sample


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line of ``bench``."""
    parser.add_argument(
        "url", metavar="URL", type=store_url, help="s3://bucket/prefix or ais://bucket/prefix"
    )
    parser.add_argument(
        "--seconds", type=count, default=10, help="when to stop; 0: after all objects (default: 10)"
    )
    parser.add_argument(
        "--workers", type=count, default=0, help="processes of the DataLoader; 0 (default): none"
    )
    parser.add_argument(
        "--concurrency",
        type=count,
        default=0,
        help="requests at once; 0 (default): adapted to the latency",
    )
    parser.add_argument(
        "--prefetch-bytes",
        type=byte_count,
        default=256 << 20,
        metavar="BYTES",
        help="memory of each process for reading ahead, such as 64M (default: 256M)",
    )
    parser.add_argument(
        "--plot",
        type=Path,
        metavar="FILE.svg",
        help="draw throughput, reads in flight, waiting, retries and memory over time",
    )
    add_connection_options(parser)


def run(options: argparse.Namespace) -> int:
    """Read through the same pipes as a training job."""
    require("torch", "torch")
    with importing:
        from .._progress import progress_bar
        from .._reports import read_in_workers
        from ..iter._pipes import FileLister, FileLoader
        from ..options import ListFilters, ReadOptions
        from .timeline import timeline

    if options.plot:
        options.plot.touch()  # fails now, and not after the run
    config = open_store(options.url, options).config
    urls = FileLister([options.url], -1, config, ListFilters()).sharding_filter()
    reading = ReadOptions(concurrency=options.concurrency, prefetch_bytes=options.prefetch_bytes)
    pipe = FileLoader(urls, config, reading)
    latest: dict[int, Sample] = {}  # by process
    samples: list[Sample] = []
    begin = time.monotonic()
    with (
        closing(read_in_workers(pipe, options.workers)) as reports,
        progress_bar(unit="B", unit_scale=True) as progress,
    ):
        for report in reports:
            before = _total(latest, "read")
            latest[report[-1].process] = report[-1]
            if options.plot:
                samples += report
            progress.set_postfix_str(f"{_total(latest, 'files'):,} objects", refresh=False)
            progress.update(_total(latest, "read") - before)
            if options.seconds and time.monotonic() - begin > options.seconds:
                break
        seconds = time.monotonic() - begin
    objects, size = _total(latest, "files"), _total(latest, "read")
    rows = [
        ("objects", f"{objects:,}"),
        ("MB", f"{size / 1e6:,.1f}"),
        ("seconds", f"{seconds:.2f}"),
        ("objects/s", f"{objects / seconds:,.0f}"),
        ("MB/s", f"{size / 1e6 / seconds:,.1f}"),
        ("requests", f"{_total(latest, 'requests'):,}"),
        ("retries", f"{_total(latest, 'retries'):,}"),
    ]
    print_table(rows[0], rows[1:])
    if options.plot:
        title = f"{options.url}: {objects:,} objects, {size / 1e6:,.1f} MB in {seconds:.1f} s"
        options.plot.write_text(timeline(samples, title), encoding="utf-8")
    return 0


def _total(latest: dict[int, Sample], name: str) -> int:
    return round(sum(sample.counts[name] for sample in latest.values()))
