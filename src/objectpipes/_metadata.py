"""Tells a metadata service that has no credentials from one that does not answer.

botocore treats both alike, so requests would be sent unsigned while the service fails.
"""

from __future__ import annotations

import errno
import http.client
import os
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import IO, TYPE_CHECKING

from ._importing import importing
from ._limited_replies import in_time
from .errors import InvalidCredentialsError

if TYPE_CHECKING:
    from botocore.session import Session

# Errors on a machine without such a service.
_NO_SERVICE = {
    errno.ECONNREFUSED,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.EADDRNOTAVAIL,
    errno.EACCES,
    errno.EPERM,
}
# Errors after which the service may answer later.
_NOT_NOW = {HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}


def require_no_role(session: Session) -> None:
    """Raise unless the metadata service says that it has no credentials, or there is no service.

    The session has found no credentials. It knows where the service is and how long to wait for it.
    """
    if os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return
    base = _address(session) + "/latest/"
    timeout = float(session.get_config_variable("metadata_service_timeout"))
    try:
        _ask(base + "meta-data/iam/security-credentials/", _token(base, timeout), timeout)
    except urllib.error.HTTPError as error:
        refused = HTTPStatus.BAD_REQUEST <= error.code < HTTPStatus.INTERNAL_SERVER_ERROR
        if refused and error.code not in _NOT_NOW:
            return
        outcome = f"answered {error.code}"
    except OSError as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, OSError) and reason.errno in _NO_SERVICE:
            return
        outcome = f"did not answer ({reason})"
    except (ValueError, http.client.HTTPException) as error:
        outcome = f"gave no usable answer ({error})"
    else:
        outcome = "has credentials, but they could not be obtained"
    raise InvalidCredentialsError(
        f"It is unknown whether this machine has credentials: its metadata service {outcome}."
        " To send unsigned requests, pass anonymous=True. If the machine has no such service, set"
        " AWS_EC2_METADATA_DISABLED=true"
    )


def _address(session: Session) -> str:
    with importing:
        from botocore.utils import InstanceMetadataFetcher, resolve_imds_endpoint_mode

    config = {
        "ec2_metadata_service_endpoint": session.get_config_variable(
            "ec2_metadata_service_endpoint"
        ),
        "ec2_metadata_service_endpoint_mode": resolve_imds_endpoint_mode(session),
    }
    address: str = InstanceMetadataFetcher(config=config).get_base_url()
    return address.rstrip("/")


def _token(base: str, timeout: float) -> dict[str, str]:
    """Return the header that the second version of the service asks for; nothing for the first."""
    try:
        token = _ask(
            base + "api/token",
            {"x-aws-ec2-metadata-token-ttl-seconds": "60"},
            timeout,
            method="PUT",
        )
    except urllib.error.HTTPError as error:
        if error.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        return {}
    return {"x-aws-ec2-metadata-token": token.strip()}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Makes a redirect an `HTTPError`: another host must not get the token of the service."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> None:
        return None


def _ask(url: str, headers: dict[str, str], timeout: float, *, method: str = "GET") -> str:
    request = urllib.request.Request(url, headers=headers, method=method)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)

    def exchange() -> str:
        with direct.open(request, timeout=timeout) as reply:
            text: str = reply.read(4096).decode("utf-8", "replace")
        return text

    return in_time(exchange)
