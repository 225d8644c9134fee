"""The options of a command line that say how to reach a store."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .._importing import importing
from ..errors import InvalidURLError

if TYPE_CHECKING:
    from .._store import Store


def store_url(text: str) -> str:
    """Check the scheme of a URL, as a type of an argument."""
    with importing:
        from .._store import protocol_of

    try:
        protocol_of(text)
    except ImportError:  # the command itself reports it in detail
        pass
    except InvalidURLError:
        raise argparse.ArgumentTypeError(
            f"expected s3://bucket/... or ais://bucket/..., not {text!r}"
        ) from None
    return text


def add_urls(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the URLs of one or more of something."""
    parser.add_argument("urls", metavar="URL", nargs="+", type=store_url, help=what)


def add_connection_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that `open_store` reads."""
    group = parser.add_argument_group(
        "connection", "The environment and the AWS configuration set options that are not given."
    )
    group.add_argument(
        "--endpoint-url",
        "--url",
        metavar="URL",
        help="URL of the store if it is not AWS; for AIStore, of a gateway",
    )
    group.add_argument(
        "--ca-file", metavar="FILE", help="PEM file with the certificate authorities to trust"
    )
    s3 = parser.add_argument_group("connection to S3")
    s3.add_argument("--region", help="region of the bucket")
    s3.add_argument("--profile", help="profile of the AWS configuration files")
    s3.add_argument("--anonymous", action="store_true", help="send unsigned requests")
    s3.add_argument(
        "--requester-pays", action="store_true", help="read from a requester-pays bucket"
    )
    s3.add_argument(
        "--addressing-style",
        choices=("auto", "path", "virtual"),
        default="auto",
        help="put the bucket's name into the path or the host name (auto: host name for AWS)",
    )
    s3.add_argument(
        "--transport",
        choices=("http", "aws"),
        default="http",
        help="send requests with our own client or with aws-sdk-cpp",
    )
    ais = parser.add_argument_group("connection to AIStore")
    ais.add_argument(
        "--token-file", metavar="FILE", help='JSON file with an AuthN token: {"token": "..."}'
    )


def open_store(url: str, options: argparse.Namespace) -> Store:
    """Return the store of a URL, reached as the options say; makes no request."""
    with importing:
        from .._store import Store, protocol_of
        from ..ais_config import AISConfig
        from ..s3_config import S3Config

    if protocol_of(url) == "ais":
        return Store.of(
            url,
            AISConfig(
                endpoint_url=options.endpoint_url,
                ca_file=options.ca_file,
                token_file=options.token_file,
            ),
        )
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
    return Store.of(url, config)
