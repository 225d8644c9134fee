"""Limits the replies of services that give credentials: botocore waits for and keeps any."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from ._importing import importing

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from botocore.httpsession import URLLib3Session
    from botocore.session import Session

_T = TypeVar("_T")

MAX_REPLY_S = 10.0
MAX_REPLY_BYTES = 1 << 20


def limit_replies(session: Session) -> None:
    """Limit what the metadata services of machines and containers send, roles' sources included."""
    with importing:
        from botocore.credentials import ContainerProvider, InstanceMetadataProvider

    for provider in session.get_component("credential_provider").providers:
        if isinstance(provider, InstanceMetadataProvider):
            fetcher = provider._role_fetcher  # type: ignore[attr-defined]
        elif isinstance(provider, ContainerProvider):
            fetcher = provider._fetcher  # type: ignore[attr-defined]
        else:
            continue
        fetcher._session = _LimitedSession(fetcher._session)


class _LimitedSession:
    """Takes the place of the session with which a fetcher of botocore sends its requests."""

    def __init__(self, session: URLLib3Session) -> None:
        self._session = session

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        request.stream_output = True  # the body is left to us
        return in_time(lambda: self._send(request))

    def _send(self, request: AWSPreparedRequest) -> AWSResponse:
        response = self._session.send(request)
        body = response.raw.read(MAX_REPLY_BYTES + 1)
        response.raw.close()
        if len(body) > MAX_REPLY_BYTES:
            raise ValueError(f"a service of credentials sent more than {MAX_REPLY_BYTES:,} bytes")
        response._content = body  # type: ignore[attr-defined]
        return response


def in_time(action: Callable[[], _T]) -> _T:
    """Return what `action` returns; TimeoutError if it takes longer than a reply may.

    It runs in a thread of its own. The timeouts of a socket do not end a reply that comes byte by
    byte.
    """
    results: list[_T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(action())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="objectpipes-credentials", daemon=True)
    thread.start()
    thread.join(MAX_REPLY_S)
    if errors:
        raise errors.pop()  # a list that held it would make a cycle
    if not results:
        raise TimeoutError(f"a service of credentials did not reply within {MAX_REPLY_S:g} s")
    return results[0]
