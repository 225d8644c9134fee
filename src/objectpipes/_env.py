"""Values of environment variables. A malformed one raises a `ConfigError` that names it.

A variable with an empty value counts as not set.
"""

from __future__ import annotations

import os

from ._checks import check_seconds
from .errors import ConfigError


def env_text(name: str) -> str | None:
    return os.environ.get(name) or None


def env_flag(name: str) -> bool | None:
    """Read a flag as AIStore's own clients do."""
    value = env_text(name)
    return None if value is None else value.strip().lower() in ("1", "t", "true", "y", "yes", "on")


def env_size(name: str) -> int | None:
    value = env_text(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()):
        raise ConfigError(f"{name} is not a number of bytes: {value!r}.")
    return int(value)


def env_seconds(name: str) -> float | None:
    value = env_text(name)
    if value is None:
        return None
    try:
        return check_seconds(name, float(value))
    except ValueError as error:  # not a number, or out of range
        raise ConfigError(
            f"{name} is not a number of seconds greater than 0: {value!r}."
        ) from error
