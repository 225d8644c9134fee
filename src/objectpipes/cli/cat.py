"""Write objects to standard output, one after another."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from .._importing import importing
from .connection import add_connection_options, add_urls, open_store

if TYPE_CHECKING:
    from .. import _ext

_PIECE = 1 << 20  # bytes
# Enough for the parallel parts of a large object.
_PREFETCH_BYTES = 64 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line of ``cat``."""
    add_urls(parser, "s3://bucket/key or ais://bucket/name")
    add_connection_options(parser)


def run(options: argparse.Namespace) -> int:
    """Copy objects in pieces. Stop at the first one that cannot be read."""
    with importing:
        from .._progress import progress_bar

    piece = memoryview(bytearray(_PIECE))
    with progress_bar(beside_output=True, unit="B", unit_scale=True) as progress:
        for url, reader in _readers(options):
            progress.set_description(url.rpartition("/")[2])
            while count := reader.readinto(piece):
                sys.stdout.buffer.write(piece[:count])
                progress.update(count)
    return 0


def _readers(options: argparse.Namespace) -> Iterator[tuple[str, _ext.ObjectReader]]:
    """Read consecutive URLs of one store together."""
    with importing:
        from .._store import protocol_of
        from ..options import ReadOptions

    reading = ReadOptions(prefetch_bytes=_PREFETCH_BYTES)
    for _, urls in groupby(options.urls, key=protocol_of):
        same_store = list(urls)
        yield from open_store(same_store[0], options).read(same_store, reading)
