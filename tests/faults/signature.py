"""Checks AWS Signature Version 4 by signing again with botocore and comparing."""

import hmac
import re
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest

from .errors import S3Error
from .messages import Request
from .store import Store

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<access_key>[^/]+)/\d{8}/(?P<region>[^/]+)/s3/aws4_request"
    r", ?SignedHeaders=(?P<signed>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


def verify(request: Request, store: Store) -> None:
    """Raise S3Error unless `request` is signed with the store's credentials, if it has any."""
    credentials = store.credentials
    if credentials is None:
        return
    if "authorization" not in request.headers:
        raise S3Error(403, "AccessDenied")
    found = _AUTHORIZATION.fullmatch(request.headers["authorization"])
    if not found:
        raise S3Error(400, "AuthorizationHeaderMalformed")
    if found["region"] != store.region:
        raise S3Error(400, "AuthorizationHeaderMalformed", {"Region": store.region})
    if found["access_key"] in store.retired:
        raise S3Error(400, "ExpiredToken")
    if found["access_key"] != credentials.access_key:
        raise S3Error(403, "InvalidAccessKeyId")
    if request.headers.get("x-amz-security-token") != credentials.token:
        raise S3Error(400, "InvalidToken")
    signed = found["signed"].split(";")
    if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(signed):
        raise S3Error(403, "AccessDenied")
    signer = S3SigV4Auth(credentials, "s3", store.region)
    if not hmac.compare_digest(_sign(request, signed, signer), found["signature"]):
        raise S3Error(403, "SignatureDoesNotMatch")


def _sign(request: Request, signed: list[str], signer: S3SigV4Auth) -> str:
    headers = {name: request.headers.get(name, "") for name in signed}
    again = AWSRequest(request.method, _canonical_url(request), headers)
    again.context["timestamp"] = headers["x-amz-date"]
    return signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)


def _canonical_url(request: Request) -> str:
    """Return the URL in the spelling that is signed, however the client spelt it on the wire."""
    path = quote(unquote_to_bytes(request.path), safe="/-_.~")
    pairs = parse_qsl(request.target.partition("?")[2], keep_blank_values=True, encoding="latin-1")
    query = "&".join(f"{_quote(name)}={_quote(value)}" for name, value in pairs)
    return f"{request.scheme}://{request.headers.get('host', '')}{path}?{query}"


def _quote(text: str) -> str:
    return quote(text, safe="", encoding="latin-1")
