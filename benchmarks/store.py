"""Where the objects of a benchmark are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Store:
    """A bucket, and how to get at it.

    Attributes
    ----------
    scheme : str
        What URLs of its objects begin with.
    endpoint : str
        The server's URL.
    bucket : str
        The bucket.
    region, access_key, secret_key : str
        What to sign requests with, where they are signed.
    """

    scheme: Literal["s3", "ais"]
    endpoint: str
    bucket: str
    region: str = ""
    access_key: str = ""
    secret_key: str = ""
