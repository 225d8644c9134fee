"""Credentials, and who renews them before they expire."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from .errors import ConfigError, ExpiredCredentialsError

__all__ = ["Credentials", "CredentialsProvider"]

_log = logging.getLogger(__name__)

# Credentials are renewed this long before their end, or half-way through a shorter life.
_MARGIN_S = 300.0
# After a failed renewal of credentials that are still valid.
_RETRY_S = 30.0


@dataclass(frozen=True)
class Credentials:
    """What requests are signed with, at one moment.

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
        Where they were found, for people; botocore's word for it (``"env"``, ``"sso"``).

    Raises
    ------
    ConfigError
        A key is missing (a session token alone will do, for AIStore), or `expiry` has no time zone.
    """

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    expiry: datetime | None = None
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if bool(self.access_key) != bool(self.secret_key):
            raise ConfigError("An access key and a secret key are only of use together.")
        if not self.access_key and not self.session_token:
            raise ConfigError(
                "Credentials are empty; to send unsigned requests pass anonymous=True."
            )
        if self.expiry is not None and self.expiry.utcoffset() is None:
            raise ConfigError(
                "The expiry of credentials needs a time zone (datetime.timezone.utc)."
            )


class CredentialsProvider:
    """Gives current credentials, renewed in time; safe to share between threads.

    Parameters
    ----------
    load : callable
        Called without arguments, returns fresh `Credentials`, or None to send unsigned requests. It
        may take its time: it is called in the thread that asks, and by one thread at a time.
    """

    def __init__(self, load: Callable[[], Credentials | None]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._current: Credentials | None = None
        self._renew_at = self._ends_at = -math.inf  # POSIX seconds

    def get(self, force_refresh: bool = False) -> Credentials | None:
        """Return the current credentials; cheap as long as they need no renewal.

        Parameters
        ----------
        force_refresh : bool, optional
            Renew them now: the server refused the current ones.

        Returns
        -------
        Credentials or None
            The same object until they are renewed; None to send unsigned requests.

        Raises
        ------
        ExpiredCredentialsError
            The source gave credentials whose time is over.
        Exception
            Whatever the source raises, unless the current credentials are still good.
        """
        if not force_refresh and time.time() < self._renew_at:
            return self._current
        with self._lock:
            if force_refresh:
                self._renew()
            elif time.time() >= self._renew_at:
                self._renew_ahead()
            return self._current

    def _renew_ahead(self) -> None:
        try:
            self._renew()
        except Exception as error:
            now = time.time()
            if now >= self._ends_at:
                raise
            _log.warning("cannot renew credentials yet, going on with the old ones: %s", error)
            self._renew_at = min(now + _RETRY_S, self._ends_at)

    def _renew(self) -> None:
        fresh = self._load()
        ends_at = math.inf if fresh is None or fresh.expiry is None else fresh.expiry.timestamp()
        left = ends_at - time.time()
        if left <= 0:
            raise ExpiredCredentialsError("The credentials that were found have expired already.")
        self._current = fresh
        self._ends_at = ends_at
        self._renew_at = ends_at - min(_MARGIN_S, left / 2)
