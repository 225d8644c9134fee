"""What the platform table says about an artifact; written by `ci.artifacts.test_artifacts`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Expected:
    """What an artifact is to be.

    Attributes
    ----------
    version
        Of the package, as PEP 440 spells it.
    transports
        Those that it may have.
    all_transports
        Whether it must have all of them; what is built from source has those it was asked for.
    vendored
        Whether it brings its libraries.
    cells
        Server and transport of every part of the matrix.
    """

    version: str
    transports: list[str]
    all_transports: bool
    vendored: bool
    cells: list[tuple[str, str]]

    @classmethod
    def read(cls, file: Path) -> Expected:
        """Read what was written as JSON."""
        return cls(**json.loads(file.read_text()))
