"""What a URL on the command line leads to, and the options that say how to get there."""

from __future__ import annotations

import argparse
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .. import _ext
    from ..s3_config import S3Config
    from ..url import ObjectUrl
    from .doctor.s3 import S3Doctor

__all__ = ["S3Store", "add_connection_options", "open_store", "store_url"]

# Enough for the parallel parts of a large object.
_PREFETCH_BYTES = 64 << 20
_TIMEOUT_S = 300.0


def store_url(text: str) -> str:
    """Check the scheme of a URL, as a type of an argument."""
    if text.partition("://")[0] not in _STORES:
        known = " or ".join(f"{scheme}://bucket/..." for scheme in _STORES)
        raise argparse.ArgumentTypeError(f"expected {known}, not {text!r}")
    return text


def add_connection_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that `open_store` reads."""
    group = parser.add_argument_group(
        "connection", "What is not given comes from the environment and the AWS configuration."
    )
    group.add_argument("--endpoint-url", metavar="URL", help="the store, if it is not AWS's own")
    group.add_argument("--region", help="region of the bucket")
    group.add_argument("--profile", help="profile of the AWS configuration files")
    group.add_argument("--anonymous", action="store_true", help="send unsigned requests")
    group.add_argument(
        "--requester-pays", action="store_true", help="accept the costs of a bucket that asks so"
    )
    group.add_argument(
        "--addressing-style",
        choices=("auto", "path", "virtual"),
        default="auto",
        help="where the bucket's name goes (auto: into the host name for AWS, else the path)",
    )
    group.add_argument(
        "--ca-file", metavar="FILE", help="PEM file with the certificate authorities to trust"
    )
    group.add_argument(
        "--transport", choices=("http", "aws"), default="http", help="what sends the requests"
    )


def open_store(url: str, options: argparse.Namespace) -> S3Store:
    """Return the store of a checked URL; makes no request."""
    return _STORES[url.partition("://")[0]].from_options(options)


class S3Store:
    """S3, or a store that speaks its protocol.

    Parameters
    ----------
    config : S3Config
        How to reach it.
    """

    def __init__(self, config: S3Config) -> None:
        self._config = config

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> S3Store:
        """Make the one that the connection options describe."""
        from ..s3_config import S3Config

        config = S3Config(
            endpoint_url=options.endpoint_url,
            region=options.region,
            profile=options.profile,
            anonymous=options.anonymous,
            requester_pays=options.requester_pays,
            addressing_style=options.addressing_style,
            ca_file=options.ca_file,
            transport=options.transport,
        )
        return cls(config)

    def pages(self, prefix: str, *, recursive: bool) -> Generator[list[ObjectUrl], None, None]:
        """List what begins with a prefix, some hundreds of URLs at a time."""
        from .._s3 import open_listing

        delimiter = "" if recursive else "/"
        with closing(open_listing(self._config, prefix, delimiter=delimiter)) as listing:
            while (page := listing.next_page()) is not None:
                yield page

    def readers(self, urls: Sequence[str]) -> Generator[tuple[str, _ext.ObjectReader], None, None]:
        """Read objects in order, each in pieces or ahead, in a bounded amount of memory."""
        from .._s3 import open_window

        window = open_window(self._config, prefetch_bytes=_PREFETCH_BYTES, timeout=_TIMEOUT_S)
        with closing(window):
            window.submit(list(urls))
            while window.outstanding() > 0:
                items, failure = window.take(1, True)
                yield from items
                if failure is not None:
                    raise failure

    def doctor(self, url: str) -> S3Doctor:
        """Return who finds out why a URL cannot be read."""
        from .doctor.s3 import S3Doctor

        return S3Doctor(url, self._config)

    def load(self, prefix: str, **loader_options: Any) -> Any:
        """Return the pipe that lists a prefix, shards it over workers, and loads the objects."""
        from ..iter import IterableWrapper

        urls = IterableWrapper([prefix]).list_files_by_s3(config=self._config).sharding_filter()
        return urls.load_files_by_s3(config=self._config, **loader_options)


_STORES = {"s3": S3Store}
