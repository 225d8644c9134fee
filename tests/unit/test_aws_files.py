"""Files and variables are read like botocore reads them."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import botocore.session
import pytest
from botocore.exceptions import BotoCoreError

from objectpipes import _aws
from objectpipes._aws import AwsProfile
from objectpipes._aws_files import NeedsBotocoreError, written_credentials
from objectpipes.credentials import Credentials
from objectpipes.errors import ConfigError

KEYS = "aws_access_key_id = {0}\naws_secret_access_key = {0}-secret\n"
ENVIRONMENTS: list[dict[str, str]] = [
    {},
    {"AWS_ACCESS_KEY_ID": "env", "AWS_SECRET_ACCESS_KEY": "env-secret"},
    {
        "AWS_ACCESS_KEY_ID": "env",
        "AWS_SECRET_ACCESS_KEY": "env-secret",
        "AWS_SESSION_TOKEN": "new",
        "AWS_SECURITY_TOKEN": "old",
    },
    {"AWS_ACCESS_KEY_ID": "env", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": ""},
    {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "env-secret"},
    {"AWS_ACCESS_KEY_ID": "half"},
    {
        "AWS_ACCESS_KEY_ID": "env",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_CREDENTIAL_EXPIRATION": "2099-01-01T00:00:00Z",
    },
    {"AWS_PROFILE": "team"},
    {"AWS_PROFILE": "team", "AWS_DEFAULT_PROFILE": "other"},
    {"AWS_PROFILE": "nobody"},
    {"AWS_PROFILE": ""},
    {"AWS_PROFILE": "team", "AWS_ACCESS_KEY_ID": "env", "AWS_SECRET_ACCESS_KEY": "s"},
    {"AWS_DEFAULT_REGION": "eu-north-1", "AWS_CA_BUNDLE": "/ca.pem", "AWS_MAX_ATTEMPTS": "7"},
]
CREDENTIALS_FILES = [
    "",
    f"[default]\n{KEYS.format('file')}",
    f"[default]\n{KEYS.format('file')}aws_session_token = new\n",
    f"[default]\n{KEYS.format('file')}aws_session_token = new\naws_security_token = old\n",
    f"[team]\n{KEYS.format('team')}region = ap-south-1\n[other]\n{KEYS.format('other')}",
    "[default]\naws_access_key_id = half\n",
    f"[profile team]\n{KEYS.format('misplaced')}",
    f"[default]\n{KEYS.format('with = and # and %(x)s')}",
    "no section\n",
]
CONFIG_FILES = [
    "",
    "[default]\nregion = eu-west-1\nca_bundle = /x.pem\nmax_attempts = 4\n",
    f"[default]\n{KEYS.format('config')}[profile team]\nregion = us-west-2\n{KEYS.format('team')}",
    f"[profile 'team']\n{KEYS.format('quoted')}\n[profile other]\nregion = x-y-1\n",
    "[profile team]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = other\n",
    "[default]\ncredential_process = /bin/false\n[profile team]\nsso_session = s\n",
    "[default]\ns3 =\n  addressing_style = path\n  max_concurrent_requests = 3\n",
    "[default]\ns3 =\n  addressing_style = virtual\n",
    "[default]\nservices = mine\n[services mine]\ns3 =\n  endpoint_url = http://mine\n",
    "[default]\nendpoint_url = http://all\n[profile team]\nuse_fips_endpoint = true\n",
    "[default]\nlogin_session = x\n",
    "[default]\nweb_identity_token_file = /nowhere\nrole_arn = arn:aws:iam::1:role/r\n",
]
CASES = [
    *itertools.product(ENVIRONMENTS, CREDENTIALS_FILES[1:3], CONFIG_FILES[1:3]),
    *itertools.product(ENVIRONMENTS[:1], CREDENTIALS_FILES, CONFIG_FILES),
]
PROFILES = [None, "team"]
LOCAL = {"env", "shared-credentials-file", "config-file"}


def botocores(profile: str | None) -> Credentials | None:
    """Return what botocore finds without asking anybody; None if it would ask, or fails."""
    session = botocore.session.Session(profile=profile)
    try:
        resolver = session.get_component("credential_provider")
        for provider in resolver.providers:
            if provider.METHOD not in LOCAL:
                if provider.METHOD in ("container-role", "iam-role"):
                    return None
                if type(provider).__name__ in ("OriginalEC2Provider", "BotoProvider"):
                    continue
            found = provider.load()
            if found is None:
                continue
            if found.method not in LOCAL or getattr(found, "_expiry_time", None) is not None:
                return None
            keys = found.get_frozen_credentials()
            return Credentials(keys.access_key, keys.secret_key, keys.token, source=found.method)
    except (BotoCoreError, ValueError):
        return None
    return None


def ours(profile: str | None) -> Credentials | None:
    try:
        return written_credentials(profile)
    except NeedsBotocoreError:
        return None


@pytest.mark.parametrize("profile", PROFILES)
def test_keys_are_those_of_botocore(
    profile: str | None, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = 0
    for variables, credentials, config in CASES:
        (home / ".aws" / "credentials").write_text(credentials)
        (home / ".aws" / "config").write_text(config)
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            mine = ours(profile)
            assert mine == botocores(profile), (variables, credentials, config)
            if mine is not None:
                found += 1
                assert mine.source in LOCAL
    assert found > len(CASES) // 10, "the table does not test what it should"


@pytest.mark.parametrize("profile", PROFILES)
def test_settings_are_those_of_botocore(
    profile: str | None, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variables, credentials, config in CASES:
        (home / ".aws" / "credentials").write_text(credentials)
        (home / ".aws" / "config").write_text(config)
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            read = AwsProfile(profile)
            asked = AwsProfile(profile)
            asked._files = None
            for name in ("region", "endpoint_url", "ca_bundle", "max_attempts", "addressing_style"):
                what = (name, variables, credentials, config)
                try:
                    expected = getattr(asked, name)
                except ConfigError:
                    with pytest.raises(ConfigError):
                        getattr(read, name)
                else:
                    assert getattr(read, name) == expected, what


def test_endpoints_are_those_of_botocore() -> None:
    """In all regions that botocore knows, and where none is known."""
    session = botocore.session.Session()
    partitions = session.get_available_partitions()
    regions = {r for p in partitions for r in session.get_available_regions("s3", p)}
    assert len(regions) > 30
    short_cut = 0
    for region in sorted(regions | {"", "us-gov-west-1", "eu-isoe-west-1", "aws-global", "x-y-9"}):
        read, asked = AwsProfile(None), AwsProfile(None)
        assert read._files is not None
        asked._files = None
        assert read.default_endpoint(region, "https") == asked.default_endpoint(region, "https")
        short_cut += _aws._ORDINARY_REGION.fullmatch(region or _aws.FIRST_REGION) is not None
    assert short_cut > 20


PROGRAM = """
import sys
from objectpipes.s3_config import S3Config
config = S3Config()
config.resolve()
assert config.credentials_source().found is not None
assert "botocore" not in sys.modules, "botocore was imported"
"""


@pytest.mark.parametrize("where", ["environment", "credentials", "config"])
def test_written_keys_need_no_botocore(where: str, home: Path) -> None:
    environment = dict(os.environ)
    if where == "environment":
        environment.update(AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="s")
    else:
        (home / ".aws" / where).write_text(f"[default]\nregion = eu-west-1\n{KEYS.format('a')}")
    program = textwrap.dedent(PROGRAM)
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)
