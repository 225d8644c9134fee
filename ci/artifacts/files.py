"""The released files: the meaning of their names, and their rows in the platform table."""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from ci.paths import ROOT
from ci.table.platforms import Artifact, Table

DIST = ROOT / "dist"

# The bill of materials, below ``*.dist-info/sboms/`` of a wheel.
BOM_NAME = "objectpipes.cdx.json"

# Folders of conda packages below that: what a package was built against decides what it is.
CONDA = "conda"
STAND_INS = "stand-ins"

# Folder below that of what was linked with an aws-sdk-cpp of the machine: its name does not say so.
AWS_SDK = "aws-sdk"

_CONDA = re.compile(r"objectpipes-(?P<version>[^-]+)-py(?P<python>\d+)h\w+\.conda")


class UnknownArtifactError(Exception):
    """A file is not an artifact of the platform table."""


@dataclass(frozen=True)
class BuiltFile:
    """A file that may be released."""

    path: Path
    channel: str  # "wheel", "conda" or "sdist"
    platform: str  # as the table has it
    python: str  # as the table has it; empty if for any
    version: str  # as PEP 440 spells it
    stand_ins: bool = False  # whether it is a conda package that was built against stand-ins
    aws_sdk: bool = False  # whether it was linked with an aws-sdk-cpp of the machine that built it


def built_files(folder: Path = DIST) -> list[BuiltFile]:
    """Return all artifacts in a folder, as the build programs leave them there.

    Conda packages are in ``conda/<platform>`` or ``stand-ins/<platform>`` below it, and what has an
    aws-sdk-cpp of the machine is in ``aws-sdk`` and folders below that.
    """
    return [describe(path) for path in artifact_files(folder)]


def artifact_files(folder: Path = DIST) -> list[Path]:
    """Return all files in a folder that should be artifacts."""
    channels = (CONDA, STAND_INS, f"{AWS_SDK}/{STAND_INS}")
    conda = [f"{channel}/*/objectpipes-[0-9]*.conda" for channel in channels]
    patterns = ("*.whl", f"{AWS_SDK}/*.whl", "*.tar.gz", *conda)
    return [path for pattern in patterns for path in sorted(folder.glob(pattern))]


def describe(path: Path) -> BuiltFile:
    """Return what the name of a file says, and those of its folders if it is a conda package."""
    try:
        return _describe(path)
    except (InvalidSdistFilename, InvalidVersion, InvalidWheelFilename) as error:
        raise UnknownArtifactError(str(error)) from error


def _describe(path: Path) -> BuiltFile:
    if path.suffix == ".whl":
        _, version, _, tags = parse_wheel_filename(path.name)
        tag = max(tags, key=str)  # of several platforms, the newest is the one that was asked for
        free_threaded = "t" if tag.abi.endswith("t") else ""
        python = f"{tag.interpreter[2]}.{tag.interpreter[3:]}{free_threaded}"
        if tag.platform.startswith("linux_"):  # what pip makes of the sources, for this machine
            return BuiltFile(path, "sdist", "any", python, str(version))
        aws_sdk = path.parent.name == AWS_SDK
        return BuiltFile(path, "wheel", tag.platform, python, str(version), aws_sdk=aws_sdk)
    if path.name.endswith(".tar.gz"):
        _, version = parse_sdist_filename(path.name)
        return BuiltFile(path, "sdist", "any", "", str(version))
    if found := _CONDA.fullmatch(path.name):
        python = f"{found['python'][0]}.{found['python'][1:]}"
        version = Version(found["version"])
        stand_ins = path.parents[1].name == STAND_INS
        aws_sdk = stand_ins and path.parents[2].name == AWS_SDK
        return BuiltFile(path, "conda", path.parent.name, python, str(version), stand_ins, aws_sdk)
    raise UnknownArtifactError(f"{path.name} is not a wheel, conda package or source distribution")


def row_of(built: BuiltFile, table: Table, *, official: bool = False) -> Artifact:
    """Return the row of the table that a file belongs to.

    If a workflow built it, it is `official`: any machine can build a wheel of the same name.
    """
    rows = [
        row
        for row in table.in_channel(built.channel)
        if fnmatchcase(built.platform, row.platform)
        if not built.python or built.python in row.python
        # A package that was built with stand-ins is never published.
        if built.channel != "conda" or built.stand_ins is not bool(row.runner)
        # Nor is a file with an SDK of this machine.
        if built.aws_sdk is ("aws" in row.transports and not row.runner)
    ]
    if not rows:
        raise UnknownArtifactError(f"{built.path.name} is not in the platform table")
    return min(rows, key=lambda row: bool(row.runner) != official)
