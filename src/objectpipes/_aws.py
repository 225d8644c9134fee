"""AWS settings that are not given as arguments: environment, ~/.aws, AWS's own endpoints.

`_aws_files` reads what variables and files say plainly. botocore finds the rest; no other module
imports it.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import re
import subprocess
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._aws_files import (
    CONFIG_FILE,
    CREDENTIALS_FILE,
    AwsFiles,
    NeedsBotocoreError,
    aws_path,
    read_files,
    written_credentials,
    written_secrets,
)
from ._cached import cached
from ._checks import check_count, check_region, check_text
from ._env import env_text
from ._importing import importing
from ._redact import keep_secret, redact
from .credentials import Credentials, CredentialsSource
from .errors import ConfigError, ExpiredCredentialsError, InvalidCredentialsError

if TYPE_CHECKING:
    from botocore.session import Session

_log = logging.getLogger("objectpipes")

# The first region to ask for a bucket's region.
FIRST_REGION = "us-east-1"
# The longest that the program of a profile may take: a person may have to sign in.
_MAX_PROGRAM_S = 60.0
_CONTAINER_TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
# Regions of the largest partition: their endpoints have the same form.
_ORDINARY_REGION = re.compile(r"(?:us|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-\d+")
# Variables that take precedence over the files.
_VARIABLES = {"ca_bundle": "AWS_CA_BUNDLE", "max_attempts": "AWS_MAX_ATTEMPTS"}
# Settings that change endpoints, with their variables. botocore knows how they do.
_ENDPOINT_SETTINGS = {
    "use_dualstack_endpoint": "AWS_USE_DUALSTACK_ENDPOINT",
    "use_fips_endpoint": "AWS_USE_FIPS_ENDPOINT",
    "ignore_configured_endpoint_urls": "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
}


def preload(profile: str | None, *, credentials: bool) -> None:
    """Import botocore if it will be needed, so that workers forked later have it.

    `credentials` says whether credentials must be found.
    """
    with suppress(NeedsBotocoreError, ConfigError):
        if not credentials or written_credentials(profile) is not None:
            return
    with importing:
        import botocore.session  # noqa: F401


class AwsProfile:
    """The AWS settings of a profile; None: of the one in ``AWS_PROFILE``, or "default".

    Each access may raise `ConfigError`.
    """

    def __init__(self, name: str | None) -> None:
        self._name = name
        self._files: AwsFiles | None = None
        with suppress(NeedsBotocoreError):
            files = read_files(name)
            unusual = set(_ENDPOINT_SETTINGS) & set(files.scoped)
            unusual |= {v for v in _ENDPOINT_SETTINGS.values() if v in os.environ}
            in_s3 = files.scoped.get("s3", {})
            if not unusual and isinstance(in_s3, Mapping) and set(in_s3) <= {"addressing_style"}:
                self._files = files

    @cached
    def _session(self) -> Session:
        with importing:
            import botocore.session

        return botocore.session.Session(profile=self._name)

    @property
    def region(self) -> str | None:
        # All SDKs but botocore read AWS_REGION.
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            if region := env_text(name):
                return check_region(f"The region in {name}", region)
        region = self._setting("region")
        return check_region("The region of the AWS profile", region) if region else None

    @property
    def endpoint_url(self) -> tuple[str, str | None]:
        """The name of the setting with the endpoint for S3, and the endpoint; or None."""
        in_profile = "endpoint_url of the AWS profile"
        if self._files is None and self._setting("ignore_configured_endpoint_urls"):
            return in_profile, None
        for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
            if url := env_text(name):
                return name, url
        profile, sections = self._scoped()
        section = profile.get("services")
        if section is not None and section not in sections:
            raise ConfigError(
                f"The AWS profile names the section [services {section}], which does not exist."
            )
        for_s3 = sections[section].get("s3", {}) if section is not None else {}
        return in_profile, for_s3.get("endpoint_url") or profile.get("endpoint_url")

    @property
    def ca_bundle(self) -> str | None:
        file: str | None = self._setting("ca_bundle")
        return file

    @property
    def max_attempts(self) -> int | None:
        attempts: int | None = self._setting("max_attempts", int)
        if attempts is None:
            return None
        return check_count(
            "AWS_MAX_ATTEMPTS or max_attempts of the AWS profile", attempts, minimum=1
        )

    @property
    def addressing_style(self) -> str | None:
        style: str | None = self._s3_settings.get("addressing_style")
        return style

    def default_endpoint(self, region: str, scheme: str) -> str:
        """Return AWS's own endpoint for S3, with ``{region}`` in place of the region."""
        if self._files is not None and _ORDINARY_REGION.fullmatch(region or FIRST_REGION):
            return f"{scheme}://s3.{{region}}.amazonaws.com"
        s3 = self._s3_settings
        dual_stack = s3.get("use_dualstack_endpoint", self._setting("use_dualstack_endpoint"))
        with _malformed("region or endpoint"):
            host = _default_host(
                region or FIRST_REGION,
                fips=bool(self._setting("use_fips_endpoint")),
                dual_stack=bool(dual_stack),
                accelerate=bool(s3.get("use_accelerate_endpoint")),
            )
        return f"{scheme}://{host}"

    @property
    def _s3_settings(self) -> Mapping[str, Any]:
        return self._setting("s3") or {}

    def _scoped(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        if self._files is not None:
            return self._files.scoped, self._files.services
        with _malformed("services"):
            profile = self._session.get_scoped_config()
            return profile, self._session.full_config.get("services", {})

    def _setting(self, name: str, cast: Callable[[Any], Any] = lambda value: value) -> Any:
        if self._files is None:
            with _malformed(name):
                return self._session.get_config_variable(name)
        variable = _VARIABLES.get(name)
        value: Any = os.environ.get(variable) if variable else None
        value = self._files.scoped.get(name) if value is None else value
        try:
            return None if value is None else cast(value)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"The AWS setting {name} cannot be used: {error}") from error


@functools.cache
def _default_host(region: str, *, fips: bool, dual_stack: bool, accelerate: bool) -> str:
    with importing:
        from botocore.endpoint_provider import EndpointProvider
        from botocore.loaders import Loader

    loader = Loader()
    rules = EndpointProvider(
        ruleset_data=loader.load_service_model("s3", "endpoint-rule-set-1"),
        partition_data=loader.load_data("partitions"),
    )
    # Accelerated transfer has a host of its own only in virtual style, so the rules need a bucket.
    endpoint = rules.resolve_endpoint(
        Bucket="bucket", Region=region, UseFIPS=fips, UseDualStack=dual_stack, Accelerate=accelerate
    )
    host: str = endpoint.url.removeprefix("https://bucket.")
    return host.replace(region, "{region}")


@contextmanager
def _malformed(setting: str) -> Iterator[None]:
    with importing:
        from botocore.exceptions import BotoCoreError, ConfigParseError, ProfileNotFound

    try:
        yield
    except (ConfigParseError, ProfileNotFound) as error:
        # Its cause quotes the line that cannot be read, which may hold a secret.
        raise ConfigError(f"The AWS profile cannot be used: {error}") from None
    except (BotoCoreError, ValueError) as error:
        raise ConfigError(f"The AWS setting {setting} cannot be used: {error}") from error


def chain(profile: str | None) -> CredentialsSource:
    """Return the source of credentials if none are given as arguments.

    A profile that is named takes precedence over keys in the environment.
    """
    load = functools.partial(load_credentials, profile)
    with suppress(NeedsBotocoreError):
        if written := written_credentials(profile):
            return CredentialsSource((profile, written), load, found=written)
    return CredentialsSource(_chain_settings(profile), load)


def _chain_settings(profile: str | None) -> Hashable:
    """Return everything that botocore's search for credentials depends on."""
    variables = tuple(sorted(v for v in os.environ.items() if v[0].startswith(("AWS_", "BOTO"))))
    files = [aws_path(*CONFIG_FILE), aws_path(*CREDENTIALS_FILE)]
    for variable in ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
        files.append(aws_path(variable, ""))
    with suppress(NeedsBotocoreError):
        token_file = read_files(profile).scoped.get("web_identity_token_file")
        files += [Path(token_file)] if isinstance(token_file, str) else []
    files += sorted(aws_path("", "~/.aws/sso/cache").glob("*.json"))
    return profile, variables, tuple(map(_content, files))


def _content(file: Path) -> tuple[str, bytes]:
    with suppress(OSError):
        return str(file), sha256(file.read_bytes()).digest()
    return str(file), b""


def load_credentials(profile: str | None) -> Credentials | None:
    """Look for credentials again: in variables and files, else with botocore's chain of providers.

    None if all providers say that they have none. It is a `ConfigError` if a setting or a key
    cannot be used, an `ExpiredCredentialsError` if a sign-on has expired, and else an
    `InvalidCredentialsError`: a provider failed, or the metadata service did not answer.
    """
    with suppress(NeedsBotocoreError):
        if written := written_credentials(profile):
            return written
    with importing:
        import botocore.session
        from botocore import exceptions as e

        from ._limited_replies import limit_replies
        from ._metadata import require_no_role

    _keep_tokens_of_chain()
    session = botocore.session.Session(profile=profile)
    try:
        if session.get_config_variable("region") is None:  # a role is assumed in some region
            session.set_config_variable("region", env_text("AWS_REGION"))
        _limit_programs(session)
        limit_replies(session)
        found = session.get_credentials()
        if found is None:
            require_no_role(session)
            _warn_unsigned()
            return None
        frozen = found.get_frozen_credentials()
    except InvalidCredentialsError:
        raise
    except (
        e.ProfileNotFound,
        e.ConfigParseError,
        e.InvalidConfigError,
        e.PartialCredentialsError,
    ) as error:
        # No error here has a cause: a traceback shows it as it is, with what a file, a program or a
        # server said.
        raise ConfigError(f"The AWS profile cannot be used: {error}") from None
    except (e.SSOError, e.TokenRetrievalError) as error:
        raise ExpiredCredentialsError(str(error)) from None
    except Exception as error:  # anything that a provider, its server or its program may raise
        reason = error if isinstance(error, e.BotoCoreError) else f"{type(error).__name__}: {error}"
        raise InvalidCredentialsError(
            redact(f"No AWS credentials could be obtained: {reason}")
        ) from None
    return Credentials(
        frozen.access_key or "",
        frozen.secret_key or "",
        frozen.token,
        expiry=getattr(found, "_expiry_time", None),  # botocore keeps it nowhere else
        source=found.method,
    )


class _Program(subprocess.Popen[bytes]):
    """A ``credential_process``. botocore waits for its end, however long that takes."""

    def communicate(
        self, input: bytes | None = None, timeout: float | None = None
    ) -> tuple[bytes, bytes]:
        with self:  # closes the pipes
            try:
                return super().communicate(input, timeout or _MAX_PROGRAM_S)
            except subprocess.TimeoutExpired:
                self.kill()
                raise TimeoutError(
                    f"the program in credential_process did not end within {_MAX_PROGRAM_S:g} s"
                ) from None


def _limit_programs(session: Session) -> None:
    """Give the program that a profile names a time limit, also if a role's source names it."""
    with importing:
        from botocore.credentials import AssumeRoleProvider, ProcessProvider

    def limited(profile: str) -> ProcessProvider:
        return ProcessProvider(profile, lambda: session.full_config, popen=_Program)

    name = session.get_config_variable("profile") or "default"
    resolver = session.get_component("credential_provider")
    for place, provider in enumerate(resolver.providers):
        if isinstance(provider, ProcessProvider):
            resolver.providers[place] = limited(name)
        elif isinstance(provider, AssumeRoleProvider):
            # It makes the providers of a source_profile when it needs them.
            builder = provider._profile_provider_builder  # type: ignore[attr-defined]
            builder._create_process_provider = limited


def _keep_tokens_of_chain() -> None:
    """Check and hide what botocore sends for credentials: servers may repeat it in errors."""
    if token := env_text(_CONTAINER_TOKEN):
        keep_secret(check_text(f"The token in {_CONTAINER_TOKEN}", token))
    for variable in ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
        with suppress(OSError, UnicodeError):
            keep_secret(aws_path(variable, "").read_text(encoding="utf-8").strip())
    with suppress(NeedsBotocoreError):
        keep_secret(*written_secrets())
    for file in aws_path("", "~/.aws/sso/cache").glob("*.json"):
        with suppress(OSError, ValueError, AttributeError):
            cached_token = json.loads(file.read_text(encoding="utf-8"))
            keep_secret(*map(cached_token.get, ("accessToken", "refreshToken", "clientSecret")))


@functools.cache
def _warn_unsigned() -> None:
    """Warn once per process, not once per pipe."""
    _log.warning("no credentials found: sending unsigned requests")
