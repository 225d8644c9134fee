"""AWS settings that nobody passed as an argument: environment, ~/.aws, AWS's own endpoints.

botocore knows where all these are, and finds them. Nothing else here imports it, and this module
does so only when it is asked for something.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ._env import env_text
from .credentials import Credentials
from .errors import ConfigError, ExpiredCredentialsError, InvalidCredentialsError

__all__ = ["AwsProfile", "load_credentials", "preload"]

_log = logging.getLogger(__name__)

# Where the search for a bucket's region starts.
_FIRST_REGION = "us-east-1"


def preload() -> None:
    """Import botocore, so that workers that are forked later have it: 0.3 s of CPU for each."""
    import botocore.session  # noqa: F401


class AwsProfile:
    """The AWS settings in effect under one profile; every access may raise `ConfigError`.

    Parameters
    ----------
    name : str or None
        Profile of the AWS configuration files; None for the one in ``AWS_PROFILE``, or "default".
    """

    def __init__(self, name: str | None) -> None:
        import botocore.session

        self._session = botocore.session.Session(profile=name)

    @property
    def region(self) -> str | None:
        # AWS_REGION is what all SDKs but botocore read.
        in_profile: str | None = self._setting("region")
        return env_text("AWS_REGION") or in_profile

    @property
    def endpoint_url(self) -> tuple[str, str | None]:
        """Where an endpoint for S3 is configured, and the endpoint, or None."""
        in_profile = "endpoint_url of the AWS profile"
        if self._setting("ignore_configured_endpoint_urls"):
            return in_profile, None
        for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
            if url := env_text(name):
                return name, url
        with _malformed("services"):
            profile = self._session.get_scoped_config()
            sections = self._session.full_config.get("services", {})
        section = profile.get("services")
        if section is not None and section not in sections:
            raise ConfigError(
                f"The AWS profile names a section [services {section}]: there is none."
            )
        for_s3 = sections[section].get("s3", {}) if section is not None else {}
        return in_profile, for_s3.get("endpoint_url") or profile.get("endpoint_url")

    @property
    def ca_bundle(self) -> str | None:
        file: str | None = self._setting("ca_bundle")
        return file

    @property
    def max_attempts(self) -> int | None:
        attempts: int | None = self._setting("max_attempts")
        return attempts

    @property
    def addressing_style(self) -> str | None:
        style: str | None = self._s3_settings.get("addressing_style")
        return style

    def default_endpoint(self, region: str, scheme: str) -> str:
        """Return AWS's own endpoint for S3, with ``{region}`` in place of the region."""
        s3 = self._s3_settings
        dual_stack = s3.get("use_dualstack_endpoint", self._setting("use_dualstack_endpoint"))
        with _malformed("region or endpoint"):
            host = _default_host(
                region or _FIRST_REGION,
                fips=bool(self._setting("use_fips_endpoint")),
                dual_stack=bool(dual_stack),
                accelerate=bool(s3.get("use_accelerate_endpoint")),
            )
        return f"{scheme}://{host}"

    @property
    def _s3_settings(self) -> dict[str, Any]:
        return self._setting("s3") or {}

    def _setting(self, name: str) -> Any:
        with _malformed(name):
            return self._session.get_config_variable(name)


@functools.cache
def _default_host(region: str, *, fips: bool, dual_stack: bool, accelerate: bool) -> str:
    from botocore.endpoint_provider import EndpointProvider
    from botocore.loaders import Loader

    loader = Loader()
    rules = EndpointProvider(
        ruleset_data=loader.load_service_model("s3", "endpoint-rule-set-1"),
        partition_data=loader.load_data("partitions"),
    )
    # Acceleration has a host of its own only in virtual style, so the rules are asked for a bucket.
    endpoint = rules.resolve_endpoint(
        Bucket="bucket", Region=region, UseFIPS=fips, UseDualStack=dual_stack, Accelerate=accelerate
    )
    host: str = endpoint.url.removeprefix("https://bucket.")
    return host.replace(region, "{region}")


@contextmanager
def _malformed(setting: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError

    try:
        yield
    except (BotoCoreError, ValueError) as error:
        raise ConfigError(f"The AWS setting {setting} cannot be used: {error}") from error


def load_credentials(profile: str | None) -> Credentials | None:
    """Walk botocore's chain of credential providers anew.

    Parameters
    ----------
    profile : str or None
        As for `AwsProfile`. A profile that is named goes before the environment's keys.

    Returns
    -------
    Credentials or None
        None if no provider has any.

    Raises
    ------
    ConfigError
        The profile does not exist or is malformed.
    ExpiredCredentialsError
        A sign-on has expired.
    InvalidCredentialsError
        A provider is configured, and failed.
    """
    import botocore.session
    from botocore import exceptions as e

    try:
        found = botocore.session.Session(profile=profile).get_credentials()
        if found is None:
            _warn_unsigned()
            return None
        frozen = found.get_frozen_credentials()
    except (
        e.ProfileNotFound,
        e.ConfigParseError,
        e.InvalidConfigError,
        e.PartialCredentialsError,
    ) as error:
        raise ConfigError(f"The AWS profile cannot be used: {error}") from error
    except (e.SSOError, e.TokenRetrievalError) as error:
        raise ExpiredCredentialsError(str(error)) from error
    except Exception as error:  # whatever the provider, its server or its program came up with
        raise InvalidCredentialsError(f"No AWS credentials could be obtained: {error}") from error
    return Credentials(
        frozen.access_key or "",
        frozen.secret_key or "",
        frozen.token,
        expiry=getattr(found, "_expiry_time", None),  # the only place that botocore keeps it
        source=found.method,
    )


@functools.cache
def _warn_unsigned() -> None:
    """Say it once per process, not once per pipe."""
    _log.warning("no credentials found, sending unsigned requests")
