"""Start a store on this machine, fill it with pictures, then load and check them."""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import ExitStack
from types import FrameType
from typing import TYPE_CHECKING

from .._importing import importing
from .arguments import count
from .output import print_table
from .requirements import require

if TYPE_CHECKING:
    from ..demo.training import Reading

_HEADINGS = ("", "objects", "pictures", "MB", "objects/s", "MB/s", "retries", "errors")

_NEXT_STEPS = """
Try next:
  objectpipes doctor s3://YOUR-BUCKET/           check each step to your own bucket
  objectpipes ls -l s3://YOUR-BUCKET/prefix/     list it
  objectpipes bench s3://YOUR-BUCKET/prefix/     measure how fast it can be read
  README.md, "Use"                               ten lines that train from it"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line of ``demo``."""
    parser.add_argument("--pictures", type=count, default=2500, help="JPEG files (default: 2500)")
    parser.add_argument(
        "--shards", type=count, default=4, help="tar files of 150 pictures (default: 4)"
    )
    parser.add_argument("--s3-only", action="store_true", help="start no AIStore cluster")


def run(options: argparse.Namespace) -> int:
    """Run the demo, and remove everything at the end, even after an error."""
    require("demo", "torch", "numpy", "PIL", "boto3")
    with importing:
        from ..demo import training
        from ..demo.aistore import AIStoreStore
        from ..demo.seaweed import SeaweedStore

    signal.signal(signal.SIGTERM, _exit)
    readings: list[tuple[str, Reading]] = []
    not_run: list[str] = []
    with ExitStack() as servers:
        print("Starting SeaweedFS, an S3 server, on this machine", flush=True)
        stores: list[training.Store] = [servers.enter_context(SeaweedStore.running())]
        if not options.s3_only:
            print("Starting AIStore, a cluster of one gateway and three targets", flush=True)
            try:
                stores.append(servers.enter_context(AIStoreStore.running()))
            except FileNotFoundError as error:
                not_run.append(f"{AIStoreStore.name}: not run, {error}")
        print(
            f"Making and storing {options.pictures:,} JPEG pictures, and {options.shards} tar"
            " shards with other pictures",
            flush=True,
        )
        in_files, in_shards = training.fill(stores, options.pictures, options.shards)
        print("Loading and decoding them with a DataLoader with 2 workers", flush=True)
        for store in stores:
            for kind, open_dataset, expected in (
                ("pictures", training.pictures_of, in_files),
                ("shards", training.shards_of, in_shards),
            ):
                reading = training.read(store, open_dataset, expected)
                readings.append((f"{store.name}, {kind}", reading))
    print()
    print_table(_HEADINGS, [_row(name, reading) for name, reading in readings])
    for line in not_run:
        print(line)
    if any(reading.errors for _, reading in readings):
        print(
            "Some pictures are missing, arrived twice, or differ from those that were stored.",
            file=sys.stderr,
        )
        return 1
    print("\nEvery picture arrived exactly once and unchanged.")
    name, reading = readings[0]
    print(f"\nWhat the loop and its workers waited for ({name}):\n{reading.profile}")
    print("store: for the server; transform: for decoding; consumer: for the loop to ask for more")
    print(_NEXT_STEPS)
    return 0


def _row(name: str, reading: Reading) -> tuple[str, ...]:
    return (
        name,
        f"{reading.profile.objects:,}",
        f"{reading.pictures:,}",
        f"{reading.profile.bytes / 1e6:,.1f}",
        f"{reading.profile.objects / reading.seconds:,.1f}",
        f"{reading.profile.bytes / 1e6 / reading.seconds:,.1f}",
        f"{reading.profile.retries:,}",
        f"{reading.errors:,}",
    )


def _exit(number: int, frame: FrameType | None) -> None:
    """Exit as after an error, so that the servers are stopped."""
    # Workers may have had the same signal. torch would raise that in the middle of the cleanup.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sys.exit(128 + number)
