"""Checks that refuse invalid values before anything is sent."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Sequence
from contextlib import suppress

from .errors import ConfigError

# Ten years: longer than any process runs, and far below what the engine's clocks can hold.
_MAX_SECONDS = 10 * 365 * 86400.0
_MAX_COUNT = (1 << 63) - 1


def check_text(name: str, value: str) -> str:
    """Return a key, a token or a name if it can be part of a request.

    `name` says what it is and where it came from. The error does not show the text.
    """
    if not isinstance(value, str):
        raise ConfigError(f"{name} must be a str, not {type(value).__name__}.")
    if not value.isprintable():
        raise ConfigError(f"{name} has a control character, perhaps a line end: remove it.")
    if value != value.strip():
        raise ConfigError(f"{name} begins or ends with a space: remove it.")
    return value


def check_region(name: str, value: str) -> str:
    """Return a region if it can be part of a host name; as `check_text`."""
    if not re.fullmatch(r"[\w.-]+", check_text(name, value), re.ASCII):
        raise ConfigError(f"{name} is not a valid DNS name, as a region must be: {value!r}.")
    return value


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise `ConfigError` if a text is not one of those that an option may have."""
    if not isinstance(value, str) or value not in choices:
        raise ConfigError(f"{name} must be one of {', '.join(map(repr, choices))}, not {value!r}.")


def check_flag(name: str, value: bool) -> bool:
    """Return a flag as `bool`; 1, 0 and NumPy's flags are accepted, too."""
    # Text or a list would count as True, whatever it contains.
    if not isinstance(value, int) and type(value).__name__ not in ("bool", "bool_"):
        raise ConfigError(f"{name} must be True or False, not {value!r}.")
    return bool(value)


def check_seconds(name: str, value: float, *, endless: bool = False) -> float:
    """Return a number of seconds that is valid as a limit; if `endless`, infinity means none."""
    seconds = math.nan
    if hasattr(value, "__float__") and not isinstance(value, bool):
        with suppress(OverflowError, TypeError, ValueError):
            seconds = float(value)
    if not 0 < seconds <= _MAX_SECONDS and not (endless and seconds == math.inf):
        unless = ", or infinite for no limit" if endless else ""
        raise ConfigError(
            f"{name} must be a number of seconds greater than 0 and at most"
            f" {_MAX_SECONDS:.0f}{unless}, not {value!r}."
        )
    return seconds


def check_count(name: str, value: int, *, minimum: int = 0, maximum: int = _MAX_COUNT) -> int:
    """Return a whole number if it is within its range, as plain data.

    The numbers of NumPy and torch are accepted, too, but not `bool`.
    """
    number = None
    if not isinstance(value, bool):
        with suppress(TypeError):
            number = operator.index(value)
    if number is None or not minimum <= number <= maximum:
        upper = "" if maximum == _MAX_COUNT else f" and at most {maximum}"
        raise ConfigError(
            f"{name} must be a whole number of at least {minimum}{upper}, not {value!r}."
        )
    return number


def check_seed(seed: int) -> int:
    """Return a seed as plain data."""
    try:
        return operator.index(seed)
    except TypeError:
        raise ConfigError(f"seed must be a whole number, not {seed!r}.") from None
