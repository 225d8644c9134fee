"""Credentials, and their renewal before they expire."""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from types import MethodType
from typing import NamedTuple

from ._checks import check_text
from ._redact import keep_secret, redact
from .errors import ConfigError, ExpiredCredentialsError, InvalidCredentialsError

__all__ = ["Credentials", "CredentialsProvider", "CredentialsSource", "Renewal", "identity_of"]

_log = logging.getLogger("objectpipes")

# Credentials are renewed this long before their end, or at half of a shorter life.
_MARGIN_S = 300.0
# After a failed renewal, valid credentials are renewed after a quarter of their remaining life, or
# after this time if that is shorter.
_MAX_PAUSE_S = 30.0
# The pause between attempts while requests wait for fresh credentials; doubled each time.
_MIN_BACKOFF_S = 0.1
_MAX_BACKOFF_S = 2.0
# How often the engine polls while credentials need no renewal.
_POLL_S = 5.0
# The longest wait for the first credentials, however many attempts are left.
_MAX_FIRST_S = 8.0

# For messages: the name of each part, and its variable. Files have that in lower case.
_PARTS = {
    "access_key": ("access key", "AWS_ACCESS_KEY_ID"),
    "secret_key": ("secret key", "AWS_SECRET_ACCESS_KEY"),
    "session_token": ("session token", "AWS_SESSION_TOKEN"),
}


@dataclass(frozen=True)
class Credentials:
    """The keys with which requests are signed.

    Parameters
    ----------
    access_key : str
        Access key id.
    secret_key : str
        Secret access key; never shown.
    session_token : str, optional
        Token of temporary credentials; never shown.
    expiry : datetime.datetime, optional
        When they end, with a time zone; None if they do not.
    source : str, optional
        Where they were found, for messages: botocore's name for it (``"env"``, ``"sso"``).

    Raises
    ------
    ConfigError
        A key is missing (AIStore needs only a session token), a key or the token is not a `str`,
        has a control character or begins or ends with a space, or `expiry` has no time zone.
    """

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    expiry: datetime | None = None
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for part, (name, variable) in _PARTS.items():
            if (value := getattr(self, part)) is not None:
                shown = f"The {name}{self._origin(variable)}"
                check_text(shown, value)
                if part != "secret_key" and not value.isascii():
                    raise ConfigError(f"{shown} has a character that is not ASCII.")
        keep_secret(self.secret_key, self.session_token)
        if bool(self.access_key) != bool(self.secret_key):
            raise ConfigError("An access key and a secret key must be given together.")
        if not self.access_key and not self.session_token:
            raise ConfigError(
                "Credentials are empty; to send unsigned requests pass anonymous=True."
            )
        if self.expiry is not None and self.expiry.utcoffset() is None:
            raise ConfigError(
                "The expiry of credentials needs a time zone (datetime.timezone.utc)."
            )

    def _origin(self, variable: str) -> str:
        in_file = f"{variable.lower()} of the shared credentials file"
        origins = {"env": variable, "shared-credentials-file": in_file}
        origin = origins.get(self.source, self.source)
        return f" from {origin}" if origin else ""


@dataclass(frozen=True)
class CredentialsSource:
    """The source of a pipe's credentials, as it is when the pipe is iterated."""

    # Differs from the key of any other source.
    key: Hashable = field(repr=False)  # the key and the callable may hold secrets
    load: Callable[[], Credentials | None] = field(repr=False)
    found: Credentials | None = None  # found in variables or files
    # Whether later pipes may use loaded credentials until they expire or are refused.
    lasts: bool = False

    def still_gives(self, current: Credentials | None) -> bool:
        """Tell whether a pipe may use the credentials that an earlier pipe loaded from this source.

        `current` are those that the earlier pipe uses now.
        """
        if self.found is not None:
            return current == self.found
        return self.lasts or (current is not None and current.expiry is not None)


def identity_of(source: Callable[[], Credentials]) -> Hashable:
    """Return a key that is equal for the same callable, or the same method of the same object.

    The callable may have no hash, or equal another one. The key is valid while the callable lives.
    """
    if isinstance(source, MethodType):  # each access makes a new bound method
        return id(source.__func__), id(source.__self__)
    return id(source), None


class Renewal(NamedTuple):
    """The result of a provider's renewal for the engine."""

    credentials: Credentials | None  # None to send unsigned requests
    renewed: bool  # whether they were just obtained
    failure: str  # why all attempts to get fresh ones failed; empty otherwise
    ask_again_s: float


class CredentialsProvider:
    """Gives current credentials and renews them in time. Threads may share it.

    `load` returns fresh credentials, or None to send unsigned requests. It may be slow: the thread
    that needs credentials calls it, one thread at a time. `max_attempts` calls in a row may fail.
    `found` are credentials that `load` has already returned.
    """

    def __init__(
        self,
        load: Callable[[], Credentials | None],
        *,
        max_attempts: int = 1,
        found: Credentials | None = None,
    ) -> None:
        self._load = load
        self._max_attempts = max_attempts
        self._lock = threading.Lock()
        self._current: Credentials | None = None
        self._renew_at = self._ends_at = -math.inf  # POSIX seconds
        self._failures = 0  # in a row
        self._next_call_at = -math.inf
        self._error: Exception | None = None
        if found is not None:
            self._adopt(found)

    @property
    def current(self) -> Credentials | None:
        """The credentials obtained last, perhaps long ago."""
        return self._current

    def obtain(self) -> Credentials | None:
        """Return the first credentials, as `get`. Failed calls are repeated for some seconds."""
        began = time.time()
        while True:
            try:
                return self.get()
            except (ConfigError, ExpiredCredentialsError):
                raise
            except Exception:
                pause = self._backoff()
                out_of_time = time.time() + pause - began > _MAX_FIRST_S
                if self._failures >= self._max_attempts or out_of_time:
                    raise
                time.sleep(pause)

    def get(self, force_refresh: bool = False) -> Credentials | None:
        """Return the current credentials, None to send unsigned requests.

        Cheap while they need no renewal: they are the same object until then. `force_refresh`
        renews them now, because the server refused the current ones.

        If they have expired and cannot be renewed, that is an `ExpiredCredentialsError`. Whatever
        the source raises in the first call, or in a forced one, is passed on.
        """
        if not force_refresh and time.time() < self._renew_at:
            return self._current
        with self._lock:
            if force_refresh or self._ends_at == -math.inf:
                self._call()
            elif time.time() >= self._renew_at:
                self._renew_ahead()
            return self._current

    def renew(self, force: bool) -> Renewal:
        """Renew the credentials if necessary, with at most one call; called by the engine.

        With `force`, requests wait for fresh ones: the current ones were refused or have expired.
        """
        with self._lock:
            now = time.time()
            needed = force or now >= self._ends_at
            before = self._current
            if needed and now >= self._next_call_at:
                self._call_quietly()
            elif now >= self._renew_at and not needed:
                self._renew_ahead()
            if not needed or self._failures == 0:
                fresh = self._current is not before or (needed and self._failures == 0)
                return Renewal(self._current, fresh, "", _POLL_S)
            hopeless = self._failures >= self._max_attempts or isinstance(self._error, ConfigError)
            failure = _reason(self._error) if hopeless else ""
            return Renewal(self._current, False, failure, max(self._next_call_at - now, 0.0))

    def _renew_ahead(self) -> None:
        try:
            self._call()
        except Exception as error:
            now = time.time()
            left = self._ends_at - now
            if left <= 0:
                raise ExpiredCredentialsError(
                    f"The credentials have expired, and cannot be renewed: {_reason(error)}"
                ) from error
            _log.warning(
                "cannot renew credentials yet, still using the old ones: %s", _reason(error)
            )
            self._renew_at = now + _jittered(min(left / 4, _MAX_PAUSE_S))

    def _call_quietly(self) -> None:
        try:
            self._call()
        except Exception as error:
            _log.warning(
                "cannot renew credentials (attempt %d of %d): %s",
                self._failures,
                self._max_attempts,
                _reason(error),
            )

    def _call(self) -> None:
        try:
            fresh = self._load()
            if fresh is None and self._current is not None:
                raise InvalidCredentialsError("The source of the credentials no longer has any.")
            self._adopt(fresh)
        except Exception as error:
            self._failures += 1
            self._error = error
            self._next_call_at = time.time() + self._backoff()
            raise

    def _adopt(self, fresh: Credentials | None) -> None:
        ends_at = math.inf if fresh is None or fresh.expiry is None else fresh.expiry.timestamp()
        left = ends_at - time.time()
        if left <= 0:
            raise ExpiredCredentialsError(
                "The source of the credentials returned some that have already expired."
            )
        self._current = fresh
        self._ends_at = ends_at
        self._renew_at = ends_at - min(_MARGIN_S, left / 2)
        self._failures = 0
        self._error = None
        self._next_call_at = -math.inf

    def _backoff(self) -> float:
        return _jittered(min(_MIN_BACKOFF_S * 2 ** min(self._failures, 10), _MAX_BACKOFF_S))


def _jittered(seconds: float) -> float:
    """Vary a pause, so that not all workers act at the same time."""
    return seconds * random.uniform(0.5, 1.0)


def _reason(error: Exception | None) -> str:
    return redact(f"{type(error).__name__}: {error}".removesuffix(": "))
