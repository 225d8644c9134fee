"""The AWS configuration files and variables, read like botocore but without it.

Importing botocore takes longer than reading the first thousand objects. Plain keys, regions,
endpoints and certificate files can be read without it. For everything else this module raises
`NeedsBotocoreError`, and the caller uses botocore.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ._checks import check_text
from ._importing import importing
from .credentials import Credentials

_Section = dict[str, "str | dict[str, str]"]

CONFIG_FILE = ("AWS_CONFIG_FILE", "~/.aws/config")
# Settings of a profile that botocore uses before keys in files.
_ROLES_AND_SIGN_ONS = ("role_arn", "web_identity_token_file", "sso_account_id", "sso_role_name")
CREDENTIALS_FILE = ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")


class NeedsBotocoreError(Exception):
    """Only botocore can interpret these settings, or say what is wrong with them."""


@dataclass(frozen=True)
class AwsFiles:
    """The content of both files for one profile."""

    # The settings of the profile from both files; a nested section is a mapping.
    scoped: Mapping[str, str | Mapping[str, str]] = field(repr=False)
    # The settings of the profile in each file; may be empty.
    config: Mapping[str, str | Mapping[str, str]] = field(repr=False)
    credentials: Mapping[str, str | Mapping[str, str]] = field(repr=False)
    # The "[services name]" sections.
    services: Mapping[str, Mapping[str, str | Mapping[str, str]]] = field(repr=False)


def read_files(profile: str | None) -> AwsFiles:
    """Read both files for a profile; None: for the one that the environment names."""
    for variable in ("AWS_DEFAULT_PROFILE", "AWS_PROFILE"):
        if profile is None and (profile := os.environ.get(variable)):
            check_text(f"The profile in {variable}", profile)
    profiles: dict[str, _Section] = {}
    services: dict[str, _Section] = {}
    for title, section in _parse(*CONFIG_FILE).items():
        if title == "default":
            profiles[title] = section
        elif title.startswith("profile"):
            profiles.update(_named(title, section))
        elif title.startswith("services"):
            services.update(_named(title, section))
    in_credentials = _parse(*CREDENTIALS_FILE)
    name = "default" if profile is None else profile
    if profile is not None and name not in profiles and name not in in_credentials:
        raise NeedsBotocoreError
    config = profiles.get(name, {})
    credentials = in_credentials.get(name, {})
    return AwsFiles({**config, **credentials}, config, credentials, services)


def written_credentials(profile: str | None) -> Credentials | None:
    """Return the keys in the environment or in a file.

    They are the ones that botocore would find; None if it would look elsewhere. A profile that is
    named takes precedence over keys in the environment.
    """
    files = read_files(profile)
    if profile is None and os.environ.get("AWS_ACCESS_KEY_ID"):
        return _environment_keys()
    if any(name in files.scoped for name in _ROLES_AND_SIGN_ONS):
        return None
    if profile is None and os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
        return None
    if "aws_access_key_id" in files.credentials:
        return _section_keys(files.credentials, "shared-credentials-file")
    if "login_session" in files.scoped or "credential_process" in files.scoped:
        return None
    if "aws_access_key_id" in files.config:
        return _section_keys(files.config, "config-file")
    return None


def _environment_keys() -> Credentials:
    secret = os.environ.get("AWS_SECRET_ACCESS_KEY")
    if not secret or os.environ.get("AWS_CREDENTIAL_EXPIRATION"):
        raise NeedsBotocoreError
    names = ("AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN")
    token = next(filter(None, map(os.environ.get, names)), None)
    return Credentials(os.environ["AWS_ACCESS_KEY_ID"], secret, token, source="env")


def _section_keys(section: Mapping[str, str | Mapping[str, str]], source: str) -> Credentials:
    token = section.get("aws_security_token", section.get("aws_session_token"))
    keys = [section["aws_access_key_id"], section.get("aws_secret_access_key"), token or ""]
    words = [key for key in keys if isinstance(key, str)]
    if len(words) < len(keys):
        raise NeedsBotocoreError
    return Credentials(words[0], words[1], words[2] or None, source=source)


def written_secrets() -> list[str]:
    """Return the secret keys, tokens and web identities of all profiles."""
    sections = [*_parse(*CONFIG_FILE).values(), *_parse(*CREDENTIALS_FILE).values()]
    names = ("aws_secret_access_key", "aws_session_token", "aws_security_token")
    found = [section[name] for section in sections for name in names if name in section]
    for section in sections:
        file = section.get("web_identity_token_file")
        with suppress(OSError, UnicodeError):
            found += (
                [Path(file).read_text(encoding="utf-8").strip()] if isinstance(file, str) else []
            )
    return [text for text in found if isinstance(text, str)]


def _parse(variable: str, default: str) -> dict[str, _Section]:
    """Read a file with AWS's nested sections. A missing file counts as empty."""
    path = aws_path(variable, default)
    if not path.is_file():
        return {}
    with importing:
        import configparser

    parser = configparser.RawConfigParser()
    try:
        parser.read([path])
        return {
            title: {name: _nested(parser.get(title, name)) for name in parser.options(title)}
            for title in parser.sections()
        }
    except (configparser.Error, ValueError) as error:
        raise NeedsBotocoreError from error


def aws_path(variable: str, default: str) -> Path:
    """Return the file that a variable names, else the default one."""
    named = os.path.expandvars(os.environ.get(variable, default))
    return Path(os.path.expanduser(named))  # noqa: PTH111  (there may be no home)


def _nested(value: str) -> str | dict[str, str]:
    if not value.startswith("\n"):
        return value
    pairs = (line.split("=", 1) for line in value.splitlines() if line.strip())
    return {name.strip(): text.strip() for name, text in pairs}


def _named(title: str, section: _Section) -> dict[str, _Section]:
    """Extract the name, which may be quoted, from ``[profile name]``."""
    with importing:
        import shlex

    try:
        words = shlex.split(title)
    except ValueError:
        return {}
    return {words[1]: section} if len(words) == 2 else {}
