"""A URL with the facts that a listing gave about its object."""

from __future__ import annotations

from typing import Any

__all__ = ["ObjectUrl"]


class ObjectUrl(str):
    """The URL of a listed object: a `str` with the facts of the listing.

    It compares and hashes like its text, so it can be used like a plain URL. Copies and pickles
    keep the attributes. String methods return plain strings without them.

    Parameters
    ----------
    text : str
        The URL.
    size : int, optional
        Size of the object in bytes.
    etag : str, optional
        Entity tag, without quotes.
    mtime : float, optional
        Time of the last modification in POSIX seconds.
    checksum : str, optional
        Checksum of the object as the store lists it (AIStore, hexadecimal).
    version : str, optional
        Version of the object as the store lists it (AIStore), or the one that is to be read (S3's
        ``versionId``). In the URL itself ``?versionId=`` would be part of the key.
    targets : int, optional
        Targets that the cluster had when it listed the object (AIStore). While it has fewer, an
        object that it does not find may be on one that is lost.

    Attributes
    ----------
    size, etag, mtime, checksum, version, targets : int, str, float, str, str, int, or None
        As given; None if not listed.
    """

    __slots__ = ("checksum", "etag", "mtime", "size", "targets", "version")

    size: int | None
    etag: str | None
    mtime: float | None
    checksum: str | None
    version: str | None
    targets: int | None

    def __new__(
        cls,
        text: str,
        size: int | None = None,
        etag: str | None = None,
        mtime: float | None = None,
        checksum: str | None = None,
        version: str | None = None,
        targets: int | None = None,
    ) -> ObjectUrl:
        """Make a string with the attributes."""
        self = str.__new__(cls, text)
        self.size = size
        self.etag = etag
        self.mtime = mtime
        self.checksum = checksum
        self.version = version
        self.targets = targets
        return self

    def __reduce__(self) -> tuple[type[ObjectUrl], tuple[Any, ...]]:
        listed = (self.size, self.etag, self.mtime, self.checksum, self.version, self.targets)
        return type(self), (str(self), *listed)
