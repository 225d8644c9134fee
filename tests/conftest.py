"""Hides the settings of the machine from the tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = ["not_run"]

_SETTINGS = ("AIS_", "AWS_", "S3_", "SSL_", "CURL_CA_", "REQUESTS_CA_")


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return an empty home directory; no proxy, certificate or store is configured."""
    for name in os.environ:
        if name.startswith(_SETTINGS) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    directory = tmp_path / "home"
    (directory / ".aws").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(directory))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return directory
