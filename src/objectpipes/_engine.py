"""The native engine: loaded when it is first needed, one client for each store and process."""

from __future__ import annotations

import atexit
import functools
import importlib
import io
import os
import threading
from collections.abc import Callable
from dataclasses import asdict
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import _ext
    from ._ais import ReadOptions
    from ._connection import Connection
    from .ais_config import AISConfig
    from .credentials import CredentialsProvider
    from .s3_config import S3Config

__all__ = ["ais_client", "build_info", "extension", "s3_client", "stats"]

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


@functools.cache
def extension() -> ModuleType:
    """Load the extension module.

    Raises
    ------
    ImportError
        It is missing or cannot be loaded; says why and what to do.
    """
    try:
        module = importlib.import_module("objectpipes._ext")
    except ImportError as error:
        raise ImportError(
            f"The native engine of objectpipes cannot be loaded: {error}. "
            "`objectpipes doctor --install` shows what is wrong with it."
        ) from error
    # Not a base class, which would cost every object a slower construction, but the same interface.
    io.BufferedIOBase.register(module.ObjectReader)
    atexit.register(module.shut_down)
    return module


def build_info() -> dict[str, Any]:
    """Return what the native engine was built with.

    Returns
    -------
    dict
        ``version``, ``compiler``, ``build_type``, the build flags in lower case (``build_s3``,
        ``use_system_pybind11``, ``use_system_aws_sdk_cpp``: bool), the versions of the libraries
        in use (``pybind11``, ``curl``, ``curl_tls``, ``openssl``, ``pugixml``, ``aws_sdk_cpp``:
        str, empty for none) and ``transports`` of S3 (list of str).

    Raises
    ------
    ImportError
        The engine cannot be loaded.
    """
    info: dict[str, Any] = extension().build_info()
    return info


def stats() -> dict[str, int]:
    """Return what this process has read, and what went wrong on the way.

    Returns
    -------
    dict
        Counts since the start of the process: ``objects`` and ``bytes`` delivered, ``requests``
        sent, ``retries`` after a failure, replies that ``throttled`` us, ``timeouts``, objects
        whose checksum was ``verified``, ``integrity_failures`` and ``restarts`` (objects read
        again because they came damaged, or were replaced meanwhile).
    """
    counts: dict[str, int] = extension().stats()
    return counts


def s3_client(config: S3Config, *, verify: bool = True) -> _ext.Client:
    """Return the client for a configuration, which all pipes of this process share.

    Everything the configuration leaves open is decided now, in this process.

    Parameters
    ----------
    config
        How to reach the store.
    verify
        Whether to ask the server for checksums.

    Raises
    ------
    ConfigError
        The configuration cannot work.
    NotSupportedError
        This build lacks S3 or the transport, or the transport cannot do what is asked for.
    ImportError
        The engine cannot be loaded.
    """
    resolved = config.resolve()
    key = (os.getpid(), resolved, config.profile, config.credentials, config.anonymous, verify)

    def make() -> _ext.Client:
        options = _http_options(resolved.connection)
        options.update(
            region=resolved.region,
            virtual_addressing=resolved.addressing_style == "virtual",
            requester_pays=resolved.requester_pays,
            checksums=verify,
            transport=resolved.transport,
            split=resolved.multi_part_download,
        )
        source = _credentials_source(config.credentials_provider())
        client: _ext.Client = extension().s3_client(options, source)
        return client

    return _shared_client(key, make)


def ais_client(config: AISConfig, read: ReadOptions) -> _ext.Client:
    """Return the client for a configuration, which all pipes of this process share.

    Everything the configuration leaves open is decided now, in this process.

    Parameters
    ----------
    config
        How to reach the cluster.
    read
        How it is to read objects.

    Raises
    ------
    ConfigError
        The configuration cannot work.
    ImportError
        The engine cannot be loaded.
    """
    resolved = config.resolve()
    key = (os.getpid(), resolved, config, read)

    def make() -> _ext.Client:
        options = _http_options(resolved)
        options.update(asdict(read), split=True)
        source = _credentials_source(config.credentials_provider())
        client: _ext.Client = extension().ais_client(options, source)
        return client

    return _shared_client(key, make)


def _shared_client(key: tuple[Any, ...], make: Callable[[], _ext.Client]) -> _ext.Client:
    with _clients_lock:
        client = _clients.pop(key, None) or make()
        _clients[key] = client
        oldest = _clients.pop(next(iter(_clients))) if len(_clients) > _MOST_CLIENTS else None
    del oldest  # without the lock: its credentials' callable may be anything
    return client


def _http_options(connection: Connection) -> dict[str, Any]:
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


def _credentials_source(provider: CredentialsProvider) -> Any:
    def current(force_refresh: bool) -> tuple[str, str, str] | None:
        found = provider.get(force_refresh)
        if found is None:
            return None
        return found.access_key, found.secret_key, found.session_token or ""

    return current
