"""The exceptions of objectpipes, and what to do about each.

Every class is also a `ValueError`, because torchdata raised nothing else. It is also the builtin
that a Python programmer expects: `FileNotFoundError` for a missing object, `PermissionError` for
one that may not be read.

An exception must survive a ``DataLoader`` worker, which keeps only its class and its printed
traceback and raises ``cls(text)`` in the parent. So the text of an exception ends with its facts,
in a form that can be parsed, and the advice follows from class and facts.
"""

from __future__ import annotations

import json
import re
import tarfile
from typing import TYPE_CHECKING, Any, TypedDict

from ._redact import redact, without_password

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = [
    "AccessDeniedError",
    "ArchiveError",
    "BucketNotFoundError",
    "CancelledError",
    "ClockSkewError",
    "ConfigError",
    "EndpointError",
    "ExpiredCredentialsError",
    "IntegrityError",
    "InvalidCredentialsError",
    "InvalidURLError",
    "ManifestError",
    "NotSupportedError",
    "ObjectChangedError",
    "ObjectNotFoundError",
    "ObjectStoreError",
    "ProtocolError",
    "ReadTimeoutError",
    "ServerError",
    "ShardIndexError",
    "StateError",
    "TLSError",
    "ThrottledError",
    "TransformError",
    "WrongRegionError",
]

# Where each class has a page of this documentation.
_PAGES = "https://objectpipes.github.io/objectpipes/docs/errors/"

# Facts in a text: [name: JSON, ...]
_STRING = r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-f]{4}))*"'
_FACT = rf"(?:url|endpoint|status|code|request_id|attempts): (?:{_STRING}|[1-9]\d*)"
_FACTS = re.compile(rf"\[{_FACT}(?:, {_FACT})*\]")


def _write_facts(facts: dict[str, Any]) -> str:
    pairs = (f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in facts.items())
    return f"[{', '.join(pairs)}]"


def _read_facts(text: str) -> dict[str, Any]:
    written = _FACTS.findall(text)
    facts = re.findall(_FACT, written[-1]) if written else []
    return {name: json.loads(value) for name, value in (fact.split(": ", 1) for fact in facts)}


class ObjectStoreError(ValueError):
    """A read or a listing of an object store failed.

    Raised itself only for a bug in objectpipes, and if the system has no memory for an object.
    Every other error has a class of its own.

    Parameters
    ----------
    message : str
        What happened, as a sentence, in which secrets are hidden. From the text of another
        `ObjectStoreError`, possibly within a traceback, the exception gets the facts of that one.
    url : str, optional
        The object or prefix, as the caller wrote it.
    endpoint : str, optional
        ``host:port`` of the server that was asked last.
    status : int, optional
        HTTP status of the reply.
    code : str, optional
        The server's code for the error (``"NoSuchKey"``), or our own (``"NameNotResolved"``).
    request_id : str, optional
        What the server's operator needs to find the request.
    attempts : int, optional
        How many requests were made.

    Attributes
    ----------
    url, endpoint, status, code, request_id : str, str, int, str and str, or None if unknown
        As given; the URL without a password.
    attempts : int
        As given; 0 if no request was made.
    """

    url: str | None
    endpoint: str | None
    status: int | None
    code: str | None
    request_id: str | None
    attempts: int

    def __init__(
        self,
        message: str = "",
        *,
        url: str | None = None,
        endpoint: str | None = None,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        attempts: int = 0,
    ) -> None:
        message = _printable(redact(message))
        given: dict[str, Any] = {
            "url": url and without_password(url),
            "endpoint": endpoint,
            "status": status,
            "code": code and redact(code),
            "request_id": request_id and redact(request_id),
            "attempts": attempts,
        }
        known = {name: value for name, value in given.items() if value}
        facts = known or _read_facts(self._own_part(message))
        self.url = facts.get("url")
        self.endpoint = facts.get("endpoint")
        self.status = facts.get("status")
        self.code = facts.get("code")
        self.request_id = facts.get("request_id")
        self.attempts = facts.get("attempts", 0)

        parts = [message]
        if self.advice not in message:
            parts = [_as_sentence(message), self.advice]
        if known:
            parts.append(_printable(redact(_write_facts(known))))
        super().__init__(" ".join(filter(None, parts)))
        # What a traceback shows below the text (from Python 3.11 on), in a worker already.
        if self.help_url not in message:
            self.__notes__ = [f"What to do about it: {self.help_url}"]

    @classmethod
    def _own_part(cls, text: str) -> str:
        """Remove what a traceback prints before an exception, such as its cause."""
        return text.rpartition(f"\n{cls.__module__}.{cls.__qualname__}: ")[2]

    @property
    def help_url(self) -> str:
        """Page of the documentation that says what causes such an error, and what to do."""
        name = next(cls.__name__ for cls in type(self).__mro__ if cls.__module__ == __name__)
        return f"{_PAGES}{name}/#what-to-do"

    @property
    def advice(self) -> str:
        """What to do about the error; empty if the message says it."""
        store = None if self.url is None or self.url.startswith("s3://") else "aistore"
        known = filter(None, (self.code, self.status, store))
        keys = ((type(self), circumstance) for circumstance in (*known, None))
        return next((_ADVICE[key] for key in keys if key in _ADVICE), "")


def _printable(text: str) -> str:
    """Escape what no stream can encode: halves of surrogate pairs, as in some names of files."""
    return text.encode(errors="backslashreplace").decode()


def _as_sentence(text: str) -> str:
    return text if not text or text.endswith((".", "!", "?")) else text + "."


class InvalidURLError(ObjectStoreError):
    """A URL, or another argument of a single read, is malformed."""


class ConfigError(ObjectStoreError):
    """Settings that cannot work: an unknown option, an unreadable file, a missing profile."""


class ManifestError(ObjectStoreError):
    """A manifest is damaged, replaced or of a newer version, or the file is not a manifest."""


class StateError(ConfigError):
    """A state does not belong to this dataset, or to the other states that it is merged with."""


class TransformError(ObjectStoreError):
    """The transform of a dataset raised an exception, which is the cause of this one."""


class NotSupportedError(ObjectStoreError):
    """The build of objectpipes, or the server, does not support the operation."""


class CancelledError(ObjectStoreError):
    """The caller cancelled the read."""


class ObjectNotFoundError(ObjectStoreError, FileNotFoundError):
    """The bucket has no such object."""


class BucketNotFoundError(ObjectStoreError, FileNotFoundError):
    """The store has no such bucket."""


class AccessDeniedError(ObjectStoreError, PermissionError):
    """These credentials, or an unsigned request, are not permitted to do this."""


class InvalidCredentialsError(AccessDeniedError):
    """The store does not accept the key, its signature or the token, or there are none."""


class ExpiredCredentialsError(AccessDeniedError):
    """The credentials have expired."""


class WrongRegionError(ObjectStoreError):
    """The bucket is in another region, and the server does not say in which."""


class ClockSkewError(ObjectStoreError):
    """The clocks of this machine and the server differ by more than a signature allows."""


class ThrottledError(ObjectStoreError):
    """The server throttled requests for longer than the retries lasted."""


class ServerError(ObjectStoreError):
    """The server failed (HTTP 5xx) in all attempts."""


class EndpointError(ObjectStoreError, ConnectionError):
    """No usable reply came: name resolution, the connection or a proxy failed."""


class TLSError(ObjectStoreError):
    """The server's certificate is not trusted, or the handshake failed."""


class ReadTimeoutError(ObjectStoreError, TimeoutError):
    """No bytes arrived for too long, or the whole read took too long."""


class ProtocolError(ObjectStoreError):
    """The reply breaks the protocol: malformed XML, a wrong range, a wrong length."""


class ArchiveError(ObjectStoreError, tarfile.ReadError):
    """A tar archive is cut off or damaged, or the file is not a tar archive."""


class ShardIndexError(ObjectStoreError):
    """The index of a tar shard is missing, damaged, or belongs to another version of the shard."""


class ObjectChangedError(ObjectStoreError):
    """The object was replaced while it was being read, or since it was listed or indexed."""


class IntegrityError(ObjectStoreError):
    """The bytes do not match the checksum that the server gave."""


_PRIVATE_CA = (
    "If a private authority signed the server's certificate, or a proxy inspects TLS, name the"
    " authority's certificate file with ca_file= or {variable}; objectpipes.tls_info() shows the"
    " file in use."
)
_NO_CREDENTIALS = (
    "No credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, choose a profile"
    " with AWS_PROFILE, or pass credentials=; for a public bucket pass anonymous=True."
)
_SET_REGION = "Set the bucket's own region with region= or AWS_REGION."
_NO_BACKEND = "Check the provider in the URL; the cluster's own buckets begin with ais://."
_PROXY_UNREACHABLE = (
    "Check the proxy in HTTPS_PROXY or HTTP_PROXY, or name the store's host in NO_PROXY to go"
    " around it."
)

# What to do, by class and key. The key is the server's code, else the HTTP status, else "aistore"
# for a URL of that store, else None.
_ADVICE: dict[tuple[type[ObjectStoreError], str | int | None], str] = {
    (ObjectStoreError, None): "This is a bug of objectpipes: please report it with this text.",
    (ObjectStoreError, "NoMemory"): (
        "Lower prefetch_bytes= or concurrency=, or give the process more memory."
    ),
    (NotSupportedError, None): (
        "Check that the server has this feature, and that this build of objectpipes has it, too:"
        " see objectpipes.build_info()."
    ),
    (NotSupportedError, "InvalidObjectState"): (
        "Restore the object from its archive (aws s3api restore-object) before reading it."
    ),
    (NotSupportedError, "NoVersion"): (
        "Raise prefetch_bytes= to more than four times the object's size: then it is read into"
        " memory as a whole, and every position can be read."
    ),
    (NotSupportedError, "ErrFailedTo"): _NO_BACKEND,
    (NotSupportedError, "ErrMissingBackend"): _NO_BACKEND,
    (NotSupportedError, "ErrInitBackend"): _NO_BACKEND,
    (ManifestError, None): (
        "Write the manifest again with Manifest.save() or `objectpipes manifest`; or update"
        " objectpipes if a newer version has written it."
    ),
    (TransformError, None): "Correct the transform, so that it also works for this object.",
    (ObjectNotFoundError, None): (
        "Check the key letter by letter (case matters) and that the object was not deleted after"
        " it was listed."
    ),
    (BucketNotFoundError, None): (
        "Check the bucket's name, and that endpoint_url= names the store that has the bucket."
    ),
    (BucketNotFoundError, "aistore"): (
        "Check the bucket's name, provider and namespace: ais://name and aws://name are different"
        " buckets."
    ),
    (BucketNotFoundError, "ErrRemoteBckNotFound"): (
        "The cluster found no such bucket in the cloud: check the name, and that the cloud"
        " credentials of the cluster may see the bucket."
    ),
    (AccessDeniedError, None): (
        "Grant these credentials s3:ListBucket on the bucket and s3:GetObject on its objects. A"
        " public bucket may need anonymous=True, and a requester-pays bucket requester_pays=True."
    ),
    (AccessDeniedError, "NoCredentials"): _NO_CREDENTIALS,
    (AccessDeniedError, "aistore"): (
        "Ask the administrator of the cluster for a token that may get, head and list objects of"
        " this bucket."
    ),
    (InvalidCredentialsError, None): (
        "Check the access key, the secret key and, for temporary credentials, the session token,"
        " and that they were issued by this store."
    ),
    (InvalidCredentialsError, "NoCredentials"): _NO_CREDENTIALS,
    (InvalidCredentialsError, "InvalidAccessKeyId"): (
        "The store does not know this access key: check the key, and that endpoint_url= names the"
        " store that issued it."
    ),
    (InvalidCredentialsError, "SignatureDoesNotMatch"): (
        "Check the secret key, and that no proxy between here and the store rewrites requests."
    ),
    (InvalidCredentialsError, "AuthorizationHeaderMalformed"): _SET_REGION,
    (InvalidCredentialsError, "aistore"): (
        "Give the cluster a valid token with token=, token_file=, AIS_AUTHN_TOKEN or"
        " AIS_AUTHN_TOKEN_FILE."
    ),
    (ExpiredCredentialsError, None): (
        "Sign in again (for SSO: aws sso login), or pass a callable as credentials= that returns"
        " fresh ones."
    ),
    (ExpiredCredentialsError, "aistore"): (
        "Write a new token to the file named by token_file= or AIS_AUTHN_TOKEN_FILE: it is read"
        " again when the cluster refuses the token."
    ),
    (WrongRegionError, None): _SET_REGION,
    (ClockSkewError, None): (
        "Set this machine's clock (NTP): a signature is valid for 15 minutes around the server's"
        " time."
    ),
    (ThrottledError, None): (
        "Lower concurrency= or the number of workers, or allow more time with max_attempts= and"
        " timeout=."
    ),
    (ThrottledError, "ErrRateLimitFrontend"): (
        "Lower concurrency= or the number of workers, or raise rate_limit.frontend in the bucket's"
        " properties."
    ),
    (ServerError, None): (
        "Try again later. If the error persists, tell the operator of the store the request id."
    ),
    (ServerError, 503): (
        "The store, or a load balancer in front of it, has no server that can answer now: try"
        " again later. If that does not help, check endpoint_url=."
    ),
    (ServerError, "UnreadableArchive"): (
        "Look for an empty or damaged object whose name ends in .tar, .tgz, .tar.gz, .zip or"
        " .tar.lz4, and remove or rename it; or list the rest with allow_partial=True."
    ),
    (ServerError, "ListingIncomplete"): (
        "Wait until the cluster has finished its rebalance, or list what it has now with"
        " allow_partial=True."
    ),
    (EndpointError, "ListingIncomplete"): (
        "Bring the target back, or list the rest with allow_partial=True."
    ),
    (EndpointError, "TargetMissing"): (
        "Bring the target back, or read without its objects with on_error='skip'."
    ),
    (EndpointError, None): (
        "Check host and port in endpoint_url=, that the server is up, and that no firewall, proxy"
        " or login page is in the way (HTTPS_PROXY, NO_PROXY)."
    ),
    (EndpointError, "aistore"): (
        "Check the gateway in endpoint_url= of the AISConfig, url= or AIS_ENDPOINT"
        " (http://host:port), and that this machine reaches the targets of the cluster."
    ),
    (EndpointError, "RankLost"): (
        "Look for the error of the rank that ended first. Every rank must call Manifest.list()."
    ),
    (EndpointError, "ProxyUnreachable"): _PROXY_UNREACHABLE,
    (EndpointError, "NameNotResolved"): (
        "The host name does not resolve: check it in endpoint_url= (AIStore: or url=; AWS: the"
        " region), and check the DNS of this machine."
    ),
    (EndpointError, "TlsHandshakeFailed"): (
        "Check that the server speaks TLS at this port. If it does not, write http:// in"
        " endpoint_url= (AIStore: or url=), or set S3_USE_HTTPS=0."
    ),
    (EndpointError, "NoTls"): (
        "Write http:// in endpoint_url= (AIStore: or url=), or set S3_USE_HTTPS=0; or name the port"
        " at which the server speaks TLS."
    ),
    (EndpointError, 407): (
        "The proxy needs a password: set HTTPS_PROXY to http://user:password@host:port, or name"
        " the store's host in NO_PROXY."
    ),
    (TLSError, "CertificateNotValidNow"): (
        "Renew the server's certificate, or set the clock of this machine."
    ),
    (TLSError, "CertificateOfAnotherHost"): (
        "Write a host that the certificate names in endpoint_url= (AIStore: or url=). If the"
        " bucket's name stands in front of it, addressing_style='path' of the S3Config may help."
    ),
    (TLSError, "CertificateFileUnusable"): (
        "Check that the file is in PEM format, complete and readable, and that a certificate and"
        " its key belong together."
    ),
    (TLSError, "ClientCertificateRequired"): (
        "Name a certificate that the server accepts, and its key, with client_cert= and"
        " client_key= of the configuration (AIStore: or with AIS_CRT and AIS_CRT_KEY)."
    ),
    (TLSError, "ClientCertificateRefused"): (
        "Check the certificate that client_cert= (AIStore: or AIS_CRT) names: its dates, its"
        " purpose, and that its file has the whole chain up to an authority that the server trusts."
    ),
    (TLSError, "TlsVersionRefused"): (
        "Enable TLS 1.2 or 1.3 in the server, or in the proxy in front of it: objectpipes supports"
        " no older version."
    ),
    (TLSError, "NoCommonCipher"): (
        "Enable current ciphers in the server, such as ECDHE with AES-GCM. Also check the host in"
        " endpoint_url= (AIStore: or url=): some servers answer like this to a name that they do"
        " not serve."
    ),
    (TLSError, "ServerNameRefused"): (
        "Check the host in endpoint_url= (AIStore: or url=). If the bucket's name stands in front"
        " of it, addressing_style='path' of the S3Config may help."
    ),
    (TLSError, "NoHttp1"): (
        "Check the port in endpoint_url= (AIStore: or url=): the server offers another protocol"
        " there, such as HTTP/2 alone, and objectpipes speaks HTTP/1.1."
    ),
    (TLSError, None): _PRIVATE_CA.format(variable="AWS_CA_BUNDLE"),
    (TLSError, "aistore"): _PRIVATE_CA.format(variable="AIS_CLIENT_CA"),
    (ReadTimeoutError, None): (
        "Check the network between this machine and the store, or allow more time: with"
        " request_timeout_ms= for a pause and, when loading, with timeout= for an object."
    ),
    (ReadTimeoutError, "aistore"): (
        "Check the network between this machine and the cluster, or allow more time: with"
        " AIS_READ_TIMEOUT or stall_timeout= of an AISConfig for a pause and, when loading, with"
        " timeout= for an object."
    ),
    (ProtocolError, None): (
        "Check that endpoint_url= names the S3 API of the store and not its web console, and that"
        " no login page or proxy changes its replies; else report the reply to the store's"
        " operator."
    ),
    (ProtocolError, "MalformedListing"): (
        "Names could be lost or changed. Report the reply to the operator of the store; the other"
        " version of the listing may work (list_version=1)."
    ),
    (ProtocolError, "aistore"): (
        "Check that endpoint_url= of the AISConfig, url= or AIS_ENDPOINT names an AIStore gateway,"
        " and that no login page or proxy changes its replies; else report the reply to the"
        " cluster's operator."
    ),
    (NotSupportedError, "Compression"): (
        "Install zstandard (pip install zstandard), or use Python 3.14, which reads zstd itself."
    ),
    (
        NotSupportedError,
        "SparseFile",
    ): "Pack the archive again without sparse files (tar --sparse).",
    (ArchiveError, None): (
        "Compare the archive with its original, and store it again if it is damaged. It may also"
        " have been stored before it was complete."
    ),
    (ShardIndexError, None): "Make the index again with `objectpipes index`, or pass index=False.",
    (ObjectChangedError, None): (
        "Read it again to get the new version. Do not overwrite objects while they are read."
    ),
    (ObjectChangedError, "OutdatedIndex"): (
        "Index the shards again with `objectpipes index`, or pass index=False."
    ),
    (ObjectChangedError, "OutdatedManifest"): (
        "Make the manifest again with Manifest.list() or `objectpipes manifest`."
    ),
    (IntegrityError, None): (
        "Compare the object with its original: it is damaged in the store, or a proxy or a faulty"
        " network card damages it on the way."
    ),
}

# The class for each StatusCode of csrc/base/status.h, which is in snake_case without its k.
_CLASS_OF_KIND: dict[str, type[ObjectStoreError]] = {
    "invalid_argument": InvalidURLError,
    "config": ConfigError,
    "object_not_found": ObjectNotFoundError,
    "bucket_not_found": BucketNotFoundError,
    "access_denied": AccessDeniedError,
    "invalid_credentials": InvalidCredentialsError,
    "expired_credentials": ExpiredCredentialsError,
    "wrong_region": WrongRegionError,
    "clock_skew": ClockSkewError,
    "throttled": ThrottledError,
    "server": ServerError,
    "endpoint": EndpointError,
    "tls": TLSError,
    "timeout": ReadTimeoutError,
    "protocol": ProtocolError,
    "object_changed": ObjectChangedError,
    "integrity": IntegrityError,
    "cancelled": CancelledError,
    "not_supported": NotSupportedError,
    "internal": ObjectStoreError,
}


class _Facts(TypedDict, total=False):
    endpoint: str
    status: int
    code: str
    request_id: str
    attempts: int


def from_native(
    kind: str, message: str, *, url: str | bytes | None = None, **facts: Unpack[_Facts]
) -> ObjectStoreError:
    """Return the exception for a Status of the engine, whose kind is in snake_case.

    The facts are those of its detail; 0 or empty where unknown.
    """
    if isinstance(url, bytes):
        url = url.decode(errors="backslashreplace")
    return _CLASS_OF_KIND[kind](message, url=url, **facts)
