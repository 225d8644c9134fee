"""What a URL on the command line leads to, and the options that say how to get there."""

from __future__ import annotations

import argparse
from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

    from .. import _ext
    from .._reads import Pages
    from ..ais_config import AISConfig
    from ..s3_config import S3Config
    from ..url import ObjectUrl

__all__ = ["AISStore", "S3Store", "add_connection_options", "open_store", "store_url"]

# Enough for the parallel parts of a large object.
_PREFETCH_BYTES = 64 << 20
_TIMEOUT_S = 300.0


def store_url(text: str) -> str:
    """Check the scheme of a URL, as a type of an argument."""
    if text.partition("://")[0] not in _STORES:
        raise argparse.ArgumentTypeError(
            f"expected s3://bucket/... or ais://bucket/..., not {text!r}"
        )
    return text


def add_connection_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that `open_store` reads."""
    group = parser.add_argument_group(
        "connection", "What is not given comes from the environment and the AWS configuration."
    )
    group.add_argument(
        "--endpoint-url",
        "--url",
        metavar="URL",
        help="the store, if it is not AWS's own; of AIStore a gateway",
    )
    group.add_argument(
        "--ca-file", metavar="FILE", help="PEM file with the certificate authorities to trust"
    )
    s3 = parser.add_argument_group("connection to S3")
    s3.add_argument("--region", help="region of the bucket")
    s3.add_argument("--profile", help="profile of the AWS configuration files")
    s3.add_argument("--anonymous", action="store_true", help="send unsigned requests")
    s3.add_argument(
        "--requester-pays", action="store_true", help="accept the costs of a bucket that asks so"
    )
    s3.add_argument(
        "--addressing-style",
        choices=("auto", "path", "virtual"),
        default="auto",
        help="where the bucket's name goes (auto: into the host name for AWS, else the path)",
    )
    s3.add_argument(
        "--transport", choices=("http", "aws"), default="http", help="what sends the requests"
    )
    ais = parser.add_argument_group("connection to AIStore")
    ais.add_argument(
        "--token-file", metavar="FILE", help='with an AuthN token, as JSON: {"token": "..."}'
    )


def open_store(url: str, options: argparse.Namespace) -> S3Store | AISStore:
    """Return the store of a checked URL; makes no request."""
    return _STORES[url.partition("://")[0]].from_options(options)


class Store(ABC):
    """What the commands do with a store."""

    @classmethod
    @abstractmethod
    def from_options(cls, options: argparse.Namespace) -> Self:
        """Make the one that the connection options describe."""

    @abstractmethod
    def load(self, prefix: str, **loader_options: Any) -> Any:
        """Return the pipe that lists a prefix, shards it over workers, and loads the objects."""

    @abstractmethod
    def _open_listing(self, prefix: str, delimiter: str) -> Pages: ...

    @abstractmethod
    def _open_window(self, **options: Any) -> _ext.ReadWindow: ...

    def pages(self, prefix: str, *, recursive: bool) -> Generator[list[ObjectUrl], None, None]:
        """List what begins with a prefix, some hundreds of URLs at a time."""
        with closing(self._open_listing(prefix, "" if recursive else "/")) as listing:
            while (page := listing.next_page()) is not None:
                yield page

    def readers(self, urls: Sequence[str]) -> Generator[tuple[str, _ext.ObjectReader], None, None]:
        """Read objects in order, each in pieces or ahead, in a bounded amount of memory."""
        with closing(
            self._open_window(prefetch_bytes=_PREFETCH_BYTES, timeout=_TIMEOUT_S)
        ) as window:
            window.submit(list(urls))
            while window.outstanding() > 0:
                items, failure = window.take(1, True)
                yield from items
                if failure is not None:
                    raise failure


class S3Store(Store):
    """S3, or a store that speaks its protocol.

    Parameters
    ----------
    config : S3Config
        How to reach it.

    Attributes
    ----------
    config : S3Config
        The same.
    """

    def __init__(self, config: S3Config) -> None:
        self.config = config

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> S3Store:
        """Take what S3 needs."""
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

    def load(self, prefix: str, **loader_options: Any) -> Any:
        """Chain the pipes, with these options of the last."""
        from ..iter import IterableWrapper

        urls = IterableWrapper([prefix]).list_files_by_s3(config=self.config).sharding_filter()
        return urls.load_files_by_s3(config=self.config, **loader_options)

    def _open_listing(self, prefix: str, delimiter: str) -> Pages:
        from .._s3 import lister

        return lister(self.config)(prefix, delimiter=delimiter)

    def _open_window(self, **options: Any) -> _ext.ReadWindow:
        from .._s3 import open_window

        return open_window(self.config, **options)


class AISStore(Store):
    """An AIStore cluster.

    Parameters
    ----------
    config : AISConfig
        How to reach it.

    Attributes
    ----------
    config : AISConfig
        The same.
    """

    def __init__(self, config: AISConfig) -> None:
        self.config = config

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> AISStore:
        """Take what AIStore needs."""
        from ..ais_config import AISConfig

        config = AISConfig(
            endpoint=options.endpoint_url, ca_file=options.ca_file, token_file=options.token_file
        )
        return cls(config)

    def load(self, prefix: str, **loader_options: Any) -> Any:
        """Chain the pipes, with these options of the last."""
        from ..iter import IterableWrapper

        urls = IterableWrapper([prefix]).list_files_by_ais(config=self.config).sharding_filter()
        return urls.load_files_by_ais(config=self.config, **loader_options)

    def _open_listing(self, prefix: str, delimiter: str) -> Pages:
        from .._ais import lister

        return lister(self.config)(prefix, delimiter=delimiter)

    def _open_window(self, **options: Any) -> _ext.ReadWindow:
        from .._ais import open_window

        return open_window(self.config, **options)


# Buckets of clouds behind AIStore have URLs as the SDK writes them; s3:// is S3 itself.
_STORES: dict[str, type[S3Store] | type[AISStore]] = {
    "s3": S3Store,
    **dict.fromkeys(("ais", "aws", "gcp", "gs", "azure", "oci"), AISStore),
}
