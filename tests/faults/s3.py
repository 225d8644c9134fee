"""The server without faults: answers a request as S3 does."""

from email.utils import format_datetime

from . import listing
from .errors import S3Error, common_headers
from .messages import Reply, Request
from .store import Store, StoredObject


def answer(request: Request, store: Store) -> Reply:
    """Return the correct reply to `request`."""
    try:
        if request.bucket and not store.has_bucket(request.bucket):
            raise S3Error(404, "NoSuchBucket", {"BucketName": request.bucket})
        if request.operation in ("GetObject", "HeadObject"):
            return _get_object(request, store)
        if request.is_listing:
            return _list_objects(request, store)
        if request.operation == "HeadBucket":
            headers = {**common_headers(request), "x-amz-bucket-region": store.region}
            return Reply(200, headers).with_body(b"")
        raise S3Error(501, "NotImplemented")
    except S3Error as error:
        return error.reply(request)


def _get_object(request: Request, store: Store) -> Reply:
    stored = store.get(request.bucket, request.key)
    if stored is None:
        raise S3Error(404, "NoSuchKey", {"Key": request.key})
    if request.headers.get("if-match", "*") not in ("*", stored.etag, stored.etag.strip('"')):
        raise S3Error(412, "PreconditionFailed", {"Condition": "If-Match"})
    headers = {
        **common_headers(request),
        "Last-Modified": format_datetime(stored.modified, usegmt=True),
        "ETag": stored.etag,
        "Accept-Ranges": "bytes",
        "Content-Type": "binary/octet-stream",
    }
    span = _span(request, stored)
    if request.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED":
        headers |= stored.checksum_headers(span)
    if span is None:
        return Reply(200, headers).with_body(stored.data)
    begin, end = span
    headers["Content-Range"] = f"bytes {begin}-{end - 1}/{len(stored.data)}"
    if "partNumber" in request.query and stored.part_sizes:
        headers["x-amz-mp-parts-count"] = str(len(stored.part_sizes))
    return Reply(206, headers).with_body(memoryview(stored.data)[begin:end])


def _span(request: Request, stored: StoredObject) -> tuple[int, int] | None:
    """Return begin and end of the piece asked for; None for the whole object."""
    size = len(stored.data)
    if "partNumber" in request.query:
        number = request.query["partNumber"]
        if not number.isdecimal() or not 1 <= int(number) <= len(stored.part_spans):
            raise S3Error(416, "InvalidPartNumber", {"PartNumberRequested": number})
        return stored.part_spans[int(number) - 1] if size else None
    if request.range is None:
        return None
    first, last = request.range
    if first is None:
        assert last is not None
        begin, end = max(0, size - last), size
    else:
        begin, end = first, size if last is None else min(last + 1, size)
    if begin >= end:
        raise S3Error(
            416,
            "InvalidRange",
            {"RangeRequested": request.headers["range"], "ActualObjectSize": str(size)},
            {"Content-Range": f"bytes */{size}"},
        )
    return begin, end


def _list_objects(request: Request, store: Store) -> Reply:
    query = listing.ListQuery.parse(request)
    body = listing.render(query, listing.select(query, store))
    headers = {
        **common_headers(request),
        "x-amz-bucket-region": store.region,
        "Content-Type": "application/xml",
    }
    return Reply(200, headers).with_body(body)
