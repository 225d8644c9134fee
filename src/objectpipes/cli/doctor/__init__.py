"""Find out why a URL cannot be read, or why an installation does not work."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from ..._importing import importing
from ..connection import add_connection_options, open_store, store_url

if TYPE_CHECKING:
    from ..._store import Store
    from .ais import AISDoctor
    from .chain import Link
    from .s3 import S3Doctor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line of ``doctor``."""
    subject = parser.add_mutually_exclusive_group(required=True)
    subject.add_argument(
        "url",
        metavar="URL",
        nargs="?",
        type=store_url,
        help="s3://bucket or ais://bucket, optionally with a prefix",
    )
    subject.add_argument(
        "--install", action="store_true", help="check the installation instead of a store"
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    add_connection_options(parser)


def run(options: argparse.Namespace) -> int:
    """Print the result of each check. The exit code is 1 if one failed."""
    if options.install:
        with importing:
            from .install import InstallDoctor

        return _report(InstallDoctor().links(), options)
    with closing(_doctor_for(options.url, open_store(options.url, options))) as doctor:
        return _report(doctor.links(), options)


def _report(links: Sequence[Link], options: argparse.Namespace) -> int:
    with importing:
        from .chain import walk
        from .report import print_findings, print_json

    if options.json:
        return 0 if print_json(walk(links)) else 1
    return 0 if print_findings(walk(links), max(len(name) for name, _ in links)) else 1


def _doctor_for(url: str, store: Store) -> S3Doctor | AISDoctor:
    with importing:
        from ..._ais import AISStore
        from ..._s3 import S3Store
        from .ais import AISDoctor
        from .s3 import S3Doctor

    if isinstance(store, S3Store):
        return S3Doctor(url, store.config)
    assert isinstance(store, AISStore)
    return AISDoctor(url, store.config)
