"""The engine's clients: one for each configuration and process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from ._aws import FIRST_REGION
from ._engine import build_info
from ._timing import obtaining_credentials
from .credentials import CredentialsProvider, CredentialsSource

if TYPE_CHECKING:
    from . import _ext
    from ._connection import Connection

# A client keeps connections open. A configuration with a new callable in each epoch has a new
# client each time. Pipes keep their clients while they run.
_MAX_CLIENTS = 32
# The client used last is the last.
_clients: dict[Hashable, tuple[_ext.Client, CredentialsProvider]] = {}
_clients_lock = threading.Lock()


def _renew_lock() -> None:
    global _clients_lock
    _clients_lock = threading.Lock()


if hasattr(os, "register_at_fork"):  # a thread of the parent may have held the old lock
    os.register_at_fork(after_in_child=_renew_lock)


def shared_client(
    settings: Hashable,
    source: CredentialsSource,
    max_attempts: int,
    make: Callable[[Callable[[bool], _ext.Renewed]], _ext.Client],
) -> _ext.Client:
    """Return the client of a configuration. All pipes of this process share it.

    `settings` is the resolved configuration without credentials, which are obtained from `source`
    now; `max_attempts` calls of it in a row may fail. `make` makes the client if there is none yet.
    Its argument is the callable that gives the engine credentials; that is called with True if
    fresh ones are needed. Whatever a callable of the user raises is passed on.
    """
    key = (os.getpid(), settings, source.key)  # valid: the provider keeps the source alive
    with _clients_lock:
        client, provider = _clients.get(key, (None, None))
    if client is None or provider is None or not source.still_gives(provider.current):
        fresh = CredentialsProvider(source.load, max_attempts=max_attempts, found=source.found)
        with obtaining_credentials():
            obtained = fresh.obtain()
        if client is None or provider is None or provider.current != obtained:
            client, provider = make(_for_engine(fresh)), fresh
    with _clients_lock:
        _clients.pop(key, None)
        _clients[key] = client, provider
        oldest = _clients.pop(next(iter(_clients))) if len(_clients) > _MAX_CLIENTS else None
    del oldest  # without the lock, because its credentials may come from any callable
    return client


def _for_engine(provider: CredentialsProvider) -> Callable[[bool], _ext.Renewed]:
    def renew(force: bool) -> _ext.Renewed:
        with obtaining_credentials():
            found, renewed, failure, ask_again_s = provider.renew(force)
        if found is None:
            return None, renewed, failure, ask_again_s
        ends_at = 0.0 if found.expiry is None else found.expiry.timestamp()
        keys = found.access_key, found.secret_key, found.session_token or "", ends_at
        return keys, renewed, failure, ask_again_s

    return renew


def http_options(connection: Connection, region: str = "") -> dict[str, Any]:
    """Return the engine's options for reaching a store, in a region of AWS."""
    return vars(connection) | {
        "contact_url": connection.endpoint_url.replace("{region}", region or FIRST_REGION),
        "ca_file": connection.ca.file,
        "ca_path": connection.ca.path,
        "user_agent": f"objectpipes/{build_info()['version']}",
        "connect_timeout_ms": round(connection.connect_timeout * 1000),
        "stall_timeout_ms": round(connection.stall_timeout * 1000),
        "first_contact_ms": round(connection.first_contact * 1000),
    }
