"""How servers differ from S3: what they refuse, rewrite or get wrong, and why.

Nothing here is about objectpipes. If a line is not true any more, a test fails.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from conformance import content

__all__ = ["AISTORE", "MINIO", "MOTO", "SEAWEED", "Dialect"]

_NO_DOTS = "a segment . or .. could lead out of the bucket's directory"
_FILE_NAMES = "each segment is the name of a file, which has 255 bytes"


@dataclass(frozen=True)
class Dialect:
    """Where a server departs from S3, or from what is usual.

    Attributes
    ----------
    refused_keys
        Keys that cannot be stored, and why.
    unsure_keys
        Keys that can be stored or listed or not, as chance will have it, and why; they are left
        out.
    listed_as
        Keys that are listed as other ones; both can be read.
    unlisted
        Keys that can be read and are not listed, and why.
    wrong_checksums
        Uploads with a checksum that is not that of the data.
    tells_parts
        Whether it tells how large the parts of an upload are, without which a composite checksum
        is compared with nothing.
    sorted_listings
        Whether keys are listed in the order of their bytes.
    lists_passed_folders
        Whether a listing that is not recursive shows the folder that it starts in, even behind all
        that is in there.
    checks_requests
        Whether signatures and permissions are checked.
    keeps_connections
        Whether a connection serves more than one request.
    """

    refused_keys: Mapping[str, str] = field(default_factory=dict)
    unsure_keys: Mapping[str, str] = field(default_factory=dict)
    listed_as: Mapping[str, str] = field(default_factory=dict)
    unlisted: Mapping[str, str] = field(default_factory=dict)
    wrong_checksums: Set[str] = frozenset()
    tells_parts: bool = True
    sorted_listings: bool = True
    lists_passed_folders: bool = False
    checks_requests: bool = True
    keeps_connections: bool = True

    @property
    def missing_keys(self) -> Set[str]:
        """Those that are not stored."""
        return self.refused_keys.keys() | self.unsure_keys.keys()


MINIO = Dialect(
    refused_keys={
        "a//b": "empty segments are no names of files",
        "a/./b": _NO_DOTS,
        "a/../b": _NO_DOTS,
        "../up": _NO_DOTS,
        "./here": _NO_DOTS,
        content.LONG_SEGMENT: _FILE_NAMES,
    },
    listed_as={"/leading": "leading"},
    unlisted={"both/below": "an object is a directory, and is not searched for other objects"},
)

# Version 4.48 behind a filer, whose directories have entries in an order of their own.
SEAWEED = Dialect(
    refused_keys={
        "a/./b": _NO_DOTS,
        "a/../b": _NO_DOTS,
        "../up": _NO_DOTS,
        "./here": _NO_DOTS,
        content.LONG_SEGMENT: _FILE_NAMES,
    },
    listed_as={"/leading": "leading", "a//b": "a/b", "back\\slash": "back/slash"},
    sorted_listings=False,
)

MOTO = Dialect(
    refused_keys={
        "new\nline": "its routes end at a newline",
        "crlf\r\nline": "its routes end at a newline",
    },
    wrong_checksums={"multipart/CRC32C-FULL_OBJECT"},  # it is CRC32
    tells_parts=False,
    checks_requests=False,
    keeps_connections=False,
)

AISTORE = Dialect(
    refused_keys={
        "a/./b": _NO_DOTS,
        "a/../b": _NO_DOTS,
        "../up": _NO_DOTS,
        "./here": _NO_DOTS,
        "~/tilde": "what a shell would expand",
        "tree/folder/": "no name of a file ends in a slash",
    },
    unsure_keys={
        "both/below": "an object may be on the disk on which this needs a directory",
        "/leading": "a target that is not taken for its owner does not list it",
        "a//b": "a target that is not taken for its owner does not list it",
    },
    lists_passed_folders=True,
)
