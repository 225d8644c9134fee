"""How to reach an AIStore cluster."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from ._checks import check_text
from ._connection import Connection, StoreConfig, normal_endpoint
from ._env import env_flag, env_seconds, env_text
from .credentials import Credentials, CredentialsProvider, CredentialsSource
from .errors import ConfigError

__all__ = ["AISConfig"]


@dataclass(frozen=True, kw_only=True, repr=False)
class AISConfig(StoreConfig):
    """Options for AIStore. The variables of AIStore's own clients set those that are not given.

    A variable is read when the first object is requested, in the process that requests it.

    Parameters
    ----------
    endpoint_url : str, optional
        ``[http[s]://]host[:port]`` of a gateway; a missing scheme is http. Default:
        ``AIS_ENDPOINT``.
    token : str, optional
        Token of an AuthN server. Default: ``AIS_AUTHN_TOKEN``.
    token_file : str, optional
        JSON file ``{"token": "..."}``, which is read again when the cluster refuses the token.
        Default: ``AIS_AUTHN_TOKEN_FILE``.
    client_cert, client_key : str, optional
        PEM files for mutual TLS. The file of the certificate may contain the key. Default:
        ``AIS_CRT`` and ``AIS_CRT_KEY``.
    verify_tls : bool, optional
        False: accept any certificate. Default: False if ``AIS_SKIP_VERIFY_CRT`` or
        ``AIS_SKIP_VERIFY`` is true.
    ca_file : str, optional
        PEM file with the certificate authorities to trust. Default: ``AIS_CLIENT_CA``, or what
        `find_ca_bundle` finds.
    proxy : str, optional
        URL of an HTTP proxy; empty: none. Default: ``HTTPS_PROXY``, ``HTTP_PROXY``, ``NO_PROXY``.
    connect_timeout : float, optional
        How many seconds making a connection may take. Default: ``AIS_CONNECT_TIMEOUT``, or 5.
    stall_timeout : float, optional
        Seconds without a byte after which a request fails. Default: ``AIS_READ_TIMEOUT``, or 20.
    max_attempts : int, optional
        Number of failed requests in a row after which a read fails. Probes during an outage do not
        count. Default: 10.

    Raises
    ------
    ConfigError
        An option has a value that can never work.
    """

    endpoint_url: str | None = None
    token: str | None = field(default=None, repr=False)
    token_file: str | None = None
    verify_tls: bool | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.endpoint_url:
            normal_endpoint("endpoint_url", self.endpoint_url, "http")
        if self.token:
            _bearer(self.token, "token")
        if self.token and self.token_file:
            raise ConfigError("Give either token or token_file, not both.")

    def resolve(self) -> Connection:
        """Fill in all options that are not given. Makes no request.

        Returns
        -------
        Connection
            The complete options. The endpoint is that of a gateway.

        Raises
        ------
        ConfigError
            There is no endpoint, a variable is malformed, or a named file is missing.
        """
        endpoint_url = self._endpoint_url()
        return self._connection(
            endpoint_url,
            verify_tls=self._verifies_tls(),
            ca_settings=[("AIS_CLIENT_CA", env_text("AIS_CLIENT_CA"))],
            client_cert=env_text("AIS_CRT"),
            client_key=env_text("AIS_CRT_KEY"),
            connect_timeout=env_seconds("AIS_CONNECT_TIMEOUT"),
            stall_timeout=env_seconds("AIS_READ_TIMEOUT"),
        )

    def credentials_source(self) -> CredentialsSource:
        """Return the source of the token, which becomes a session token without keys.

        Returns
        -------
        CredentialsSource
            The source; it reads the token file again when the token is refused.

        Raises
        ------
        ConfigError
            The token file is missing or malformed, or the token cannot be used.
        """
        token = self._load_token()
        return CredentialsSource(("token", token), self._load_token, found=token, lasts=True)

    def credentials_provider(self) -> CredentialsProvider:
        """Return a new provider of the token.

        Returns
        -------
        CredentialsProvider
            A provider that reads the token file at first and for each refresh.
        """
        return CredentialsProvider(self._load_token)

    def _endpoint_url(self) -> str:
        if self.endpoint_url:
            return normal_endpoint("endpoint_url", self.endpoint_url, "http")
        if url := env_text("AIS_ENDPOINT"):
            return normal_endpoint("AIS_ENDPOINT", url, "http")
        raise ConfigError(
            "No AIStore endpoint is configured: pass endpoint_url= to AISConfig, or set"
            " AIS_ENDPOINT."
        )

    def _verifies_tls(self) -> bool:
        if self.verify_tls is not None:
            return self.verify_tls
        skip = env_flag("AIS_SKIP_VERIFY_CRT")
        return not (env_flag("AIS_SKIP_VERIFY") if skip is None else skip)

    def _load_token(self) -> Credentials | None:
        if self.token:
            return _bearer(self.token, "token")
        if self.token_file:
            return _bearer(_read_token(self.token_file), self.token_file)
        if token := env_text("AIS_AUTHN_TOKEN"):
            return _bearer(token, "AIS_AUTHN_TOKEN")
        if file := env_text("AIS_AUTHN_TOKEN_FILE"):
            return _bearer(_read_token(file), file)
        return None


def _bearer(token: str, source: str) -> Credentials:
    if not check_text(f"The token from {source}", token).isascii():
        raise ConfigError(f"The token from {source} has a character that is not ASCII.")
    return Credentials("", "", token, source=source)


def _read_token(file: str) -> str:
    try:
        token = json.loads(Path(file).read_text(encoding="utf-8"))["token"]
    except OSError as error:
        raise ConfigError(f"The token file cannot be read: {error}.") from error
    except (ValueError, LookupError, TypeError):
        token = None
    if not isinstance(token, str) or not token:
        raise ConfigError(f'The token file {file} does not have the form {{"token": "..."}}.')
    return token.rstrip("\r\n")  # as files end
