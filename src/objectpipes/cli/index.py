"""Index tar shards, so that datasets can shuffle their samples and resume inside them."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing

from .._importing import importing
from .connection import add_connection_options, add_urls, open_store
from .output import human_size

# Enough for the parallel parts of a large object.
_PREFETCH_BYTES = 64 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line of ``index``."""
    add_urls(parser, "s3:// or ais://bucket/prefix of uncompressed shards, all in one store")
    parser.add_argument(
        "-o",
        "--output",
        metavar="PLACE",
        help="folder or URL of a prefix to write to, which is the index= of the dataset"
        " (default: beside each shard)",
    )
    parser.add_argument(
        "--mask",
        action="append",
        default=[],
        metavar="PATTERN",
        help="index only shards that match (default: '*.tar'); may be repeated",
    )
    add_connection_options(parser)


def run(options: argparse.Namespace) -> int:
    """Read each shard that has no matching index, and write its index."""
    with importing:
        from .._progress import progress_bar
        from ..errors import ShardIndexError
        from ..manifest import Manifest
        from ..options import ReadOptions
        from ..shard_index import IndexHead, IndexPlace, index_shard

    store = open_store(options.urls[0], options)
    shards = [*Manifest.list(options.urls, config=store.config, masks=options.mask or ["*.tar"])]
    if not shards:
        raise FileNotFoundError(
            f"no object below {' '.join(options.urls)} matches"
            f" {' or '.join(options.mask or ['*.tar'])}"
        )
    place = IndexPlace(options.output, store.config)

    def fits(shard: str) -> IndexHead | None:
        try:
            [head] = place.heads([shard])
            if head is not None:
                head.check_fits(shard)
        except ShardIndexError:
            return None
        return head

    heads: dict[str, IndexHead] = {
        shard: head for shard in shards if (head := fits(shard)) is not None
    }
    missing = [shard for shard in shards if shard not in heads]
    with (
        progress_bar(desc="indexing", total=len(missing), unit=" shards") as progress,
        closing(store.read(missing, ReadOptions(prefetch_bytes=_PREFETCH_BYTES))) as readers,
    ):
        for shard, reader in readers:
            head, data = index_shard(shard, reader)
            reader.close()
            place.write(shard, data)
            heads[shard] = head
            progress.update()
    samples = sum(head.samples for head in heads.values())
    size = human_size(sum(head.size for head in heads.values()))
    print(
        f"{len(shards):,} shards, {samples:,} samples, {size};"
        f" {len(missing):,} indexes written, {len(shards) - len(missing):,} already up to date",
        file=sys.stderr,
    )
    return 0
