"""ListObjects and ListObjectsV2: which keys are on a page, and the page as XML."""

import base64
import binascii
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

from .errors import S3Error
from .messages import Request
from .store import Store, StoredObject


@dataclass(frozen=True)
class ListQuery:
    """What a list request asks for; `marker` is where the page starts, exclusive."""

    bucket: str
    version: int
    prefix: str
    delimiter: str
    marker: str
    max_keys: int
    url_encoded: bool

    @classmethod
    def parse(cls, request: Request) -> "ListQuery":
        """Read the query of a list request; S3Error if it is invalid."""
        query = request.query
        version = 2 if request.operation == "ListObjectsV2" else 1
        if version == 1:
            marker = query.get("marker", "")
        elif "continuation-token" in query:
            marker = decode_token(query["continuation-token"])
        else:
            marker = query.get("start-after", "")
        max_keys = query.get("max-keys", "1000")
        if not max_keys.isdecimal() or query.get("encoding-type", "url") != "url":
            raise S3Error(400, "InvalidArgument")
        return cls(
            request.bucket,
            version,
            query.get("prefix", ""),
            query.get("delimiter", ""),
            marker,
            int(max_keys),
            "encoding-type" in query,
        )


@dataclass(frozen=True)
class ListPage:
    """One page; `next_marker` is what the next one starts after, None on the last page."""

    objects: Sequence[tuple[str, StoredObject]] = ()
    prefixes: Sequence[str] = ()
    next_marker: str | None = None


def encode_token(marker: str) -> str:
    """Return the opaque continuation token of a page that starts after `marker`."""
    return base64.b64encode(f"after {marker}".encode(errors="surrogateescape")).decode()


def decode_token(token: str) -> str:
    """Return the marker in a continuation token; S3Error if it is not one of ours."""
    try:
        marker = base64.b64decode(token, validate=True).decode(errors="surrogateescape")
        return marker.removeprefix("after ")
    except binascii.Error:
        raise S3Error(400, "InvalidArgument", {"ArgumentName": "continuation-token"}) from None


def select(query: ListQuery, store: Store) -> ListPage:
    """Return the page of the store's keys that `query` asks for."""
    keys = store.keys(query.bucket)
    objects: list[tuple[str, StoredObject]] = []
    prefixes: list[str] = []
    limit = min(query.max_keys, store.page_size)
    if limit == 0:
        return ListPage()  # S3 does not call this page truncated: there would be no way on
    last = ""
    position = max(bisect_left(keys, query.prefix), bisect_right(keys, query.marker))
    while position < len(keys) and keys[position].startswith(query.prefix):
        key = keys[position]
        common = _common_prefix(key, query)
        if common and common == query.marker:
            position = _after_prefix(keys, common)
            continue
        if len(objects) + len(prefixes) == limit:
            return ListPage(objects, prefixes, last)
        if common:
            prefixes.append(common)
            position = _after_prefix(keys, common)
        else:
            if stored := store.get(query.bucket, key):
                objects.append((key, stored))
            position += 1
        last = common or key
    return ListPage(objects, prefixes)


def _common_prefix(key: str, query: ListQuery) -> str:
    end = key.find(query.delimiter, len(query.prefix)) if query.delimiter else -1
    return key[: end + len(query.delimiter)] if end >= 0 else ""


def _after_prefix(keys: Sequence[str], prefix: str) -> int:
    return bisect_left(keys, prefix[:-1] + chr(ord(prefix[-1]) + 1))


def render(query: ListQuery, page: ListPage) -> bytes:
    """Return the page's XML document, in the version that was asked for."""
    text: Callable[[str], str] = _url_text if query.url_encoded else _xml_text
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
        f"<Name>{query.bucket}</Name><Prefix>{text(query.prefix)}</Prefix>",
        f"<MaxKeys>{query.max_keys}</MaxKeys>",
        f"<IsTruncated>{str(page.next_marker is not None).lower()}</IsTruncated>",
    ]
    if query.delimiter:
        lines.append(f"<Delimiter>{text(query.delimiter)}</Delimiter>")
    if query.url_encoded:
        lines.append("<EncodingType>url</EncodingType>")
    if query.version == 2:
        lines.append(f"<KeyCount>{len(page.objects) + len(page.prefixes)}</KeyCount>")
        if page.next_marker is not None:
            token = encode_token(page.next_marker)
            lines.append(f"<NextContinuationToken>{token}</NextContinuationToken>")
    else:
        lines.append(f"<Marker>{text(query.marker)}</Marker>")
        # Without a delimiter S3 leaves it to the client to go on after the page's last key.
        if page.next_marker is not None and query.delimiter:
            lines.append(f"<NextMarker>{text(page.next_marker)}</NextMarker>")
    lines += [_contents(text(key), stored) for key, stored in page.objects]
    lines += [
        f"<CommonPrefixes><Prefix>{text(prefix)}</Prefix></CommonPrefixes>"
        for prefix in page.prefixes
    ]
    lines.append("</ListBucketResult>")
    return "\n".join(lines).encode(errors="surrogateescape")


def _contents(key: str, stored: StoredObject) -> str:
    checksum = ""
    if stored.checksum:
        checksum = (
            f"<ChecksumAlgorithm>{stored.checksum}</ChecksumAlgorithm>"
            f"<ChecksumType>{stored.checksum_type}</ChecksumType>"
        )
    return (
        f"<Contents><Key>{key}</Key>"
        f"<LastModified>{stored.modified:%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
        f"<ETag>{escape(stored.etag, {chr(34): '&quot;'})}</ETag>{checksum}"
        f"<Size>{len(stored.data)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
    )


def _url_text(text: str) -> str:
    return quote_plus(text, safe="/*", errors="surrogateescape")


def _xml_text(text: str) -> str:
    # S3 writes control characters as references even where XML 1.0 forbids them.
    return re.sub(r"[\x00-\x1f]", lambda found: f"&#x{ord(found[0]):x};", escape(text))
