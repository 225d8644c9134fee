"""What the engine knows of a store: one client for each configuration and process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._engine import build_info

if TYPE_CHECKING:
    from . import _ext
    from ._connection import Connection
    from .credentials import CredentialsProvider

__all__ = ["credentials_source", "http_options", "shared_client"]

# A client keeps connections open, and a configuration with a callable of its own for each epoch has
# a client for each. Pipes keep theirs as long as they run.
_MOST_CLIENTS = 32
_clients: dict[tuple[Any, ...], _ext.Client] = {}  # the one asked for last is the last
_clients_lock = threading.Lock()


def _renew_lock() -> None:
    global _clients_lock
    _clients_lock = threading.Lock()


if hasattr(os, "register_at_fork"):  # a thread of the parent may have held it
    os.register_at_fork(after_in_child=_renew_lock)


def shared_client(key: tuple[Any, ...], make: Callable[[], _ext.Client]) -> _ext.Client:
    """Return the client of a configuration, which all pipes of this process share.

    Parameters
    ----------
    key
        The configuration, with everything decided that it leaves open.
    make
        Makes the client, if there is none yet.
    """
    key = (os.getpid(), *key)
    with _clients_lock:
        client = _clients.pop(key, None) or make()
        _clients[key] = client
        oldest = _clients.pop(next(iter(_clients))) if len(_clients) > _MOST_CLIENTS else None
    del oldest  # without the lock: its credentials' callable may be anything
    return client


def http_options(connection: Connection) -> dict[str, Any]:
    """Return the options of a client that say how to reach its store."""
    return {
        "endpoint_url": connection.endpoint_url,
        "ca_file": connection.ca.file,
        "ca_path": connection.ca.path,
        "verify_tls": connection.verify_tls,
        "client_cert": connection.client_cert,
        "client_key": connection.client_key,
        "proxy": connection.proxy,
        "user_agent": f"objectpipes/{build_info()['version']}",
        "connect_timeout_ms": round(connection.connect_timeout * 1000),
        "stall_timeout_ms": round(connection.stall_timeout * 1000),
        "max_attempts": connection.max_attempts,
    }


def credentials_source(provider: CredentialsProvider) -> Any:
    """Return what the engine calls for credentials: with whether to obtain new ones."""

    def current(force_refresh: bool) -> tuple[str, str, str] | None:
        found = provider.get(force_refresh)
        if found is None:
            return None
        return found.access_key, found.secret_key, found.session_token or ""

    return current
