"""Loads the native engine when it is first needed."""

from __future__ import annotations

import atexit
import functools
import importlib
import io
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ._importing import importing

if TYPE_CHECKING:
    from . import _ext as ext

__all__ = ["build_info", "ext", "stats"]


@functools.cache
def _load() -> ModuleType:
    # Check before anything native is loaded, which would deadlock in a subinterpreter.
    if not _is_main_interpreter():
        raise ImportError(
            "The native engine of objectpipes runs only in the main interpreter of a process, but"
            " this is a subinterpreter: use processes or threads instead."
        )
    try:
        with importing:
            module = importlib.import_module("objectpipes._ext")
    except ImportError as error:
        raise ImportError(
            f"The native engine of objectpipes cannot be loaded: {error}. "
            "`objectpipes doctor --install` shows what is wrong with it."
        ) from error
    # Registered, because a real base class would slow down the construction of every object.
    io.BufferedIOBase.register(module.ObjectReader)
    atexit.register(module.shut_down)
    return module


if not TYPE_CHECKING:  # a type checker knows `ext` by the import above

    def __getattr__(name: str) -> Any:
        """Load the engine for ``_engine.ext``, or raise an ImportError that says what to do."""
        if name == "ext":
            return _load()
        if name == "ObjectReader":
            return _load().ObjectReader
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _is_main_interpreter() -> bool:
    for name in ("_interpreters", "_xxsubinterpreters"):  # since Python 3.13, and before
        with importing, suppress(ImportError):
            interpreters = importlib.import_module(name)
            return bool(interpreters.get_current() == interpreters.get_main())
    return True  # this Python has no others


def build_info() -> dict[str, Any]:
    """Return what the native engine was built with.

    Returns
    -------
    dict
        ``version``, ``compiler``, ``build_type``, the build flags in lower case (``build_s3``,
        ``use_system_pybind11``, ``use_system_aws_sdk_cpp``: bool), the versions of the libraries
        in use (``pybind11``, ``c_ares``, ``openssl``, ``xxhash``, ``nlohmann_json``,
        ``pugixml``, ``aws_sdk_cpp``: str, empty for none) and ``transports`` of S3 (list of str).
        ``crc`` says how CRCs are computed: with the CPU's ``"instructions"`` for carry-less
        multiplication, or with ``"tables"``, which is slower.

    Raises
    ------
    ImportError
        The engine cannot be loaded.
    """
    info: dict[str, Any] = _load().build_info()
    return info


def stats() -> dict[str, int]:
    """Return what this process has read, and which failures it met.

    Returns
    -------
    dict
        Counts since the start of the process: ``objects`` and ``bytes`` delivered, ``requests``
        sent, ``retries`` after a failure, replies that ``throttled`` us, ``timeouts``, objects
        whose checksum was ``verified``, ``integrity_failures``, and ``restarts`` (objects that were
        read again because they arrived damaged, or were replaced while they were read). Current
        values: ranges of objects ``in_flight``, including those that wait for a retry, and
        ``held_bytes``, the memory of what is read ahead.
    """
    counts: dict[str, int] = _load().stats()
    return counts
