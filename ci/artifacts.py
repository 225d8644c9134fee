"""The files that are released: what their names say, and their rows in the platform table."""

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from ci.paths import ROOT
from ci.platforms import Artifact, Table

DIST = ROOT / "dist"

_CONDA = re.compile(r"objectpipes-(?P<version>[^-]+)-py(?P<python>\d+)h\w+\.conda")


class UnknownArtifactError(Exception):
    """A file is no artifact of the platform table."""


@dataclass(frozen=True)
class BuiltFile:
    """A file that may be released.

    Attributes
    ----------
    path
        Where it is.
    channel
        ``"wheel"``, ``"conda"`` or ``"sdist"``.
    platform
        As the table has it.
    python
        The Python that it is for, as the table has it; empty if for any.
    version
        Of the package, as PEP 440 spells it.
    """

    path: Path
    channel: str
    platform: str
    python: str
    version: str


def built_files(folder: Path = DIST) -> list[BuiltFile]:
    """Return all artifacts in a folder, as the build programs leave them there.

    Parameters
    ----------
    folder
        The folder; conda packages are in ``conda/<platform>`` below it.
    """
    patterns = ("*.whl", "*.tar.gz", "conda/*/objectpipes-[0-9]*.conda")
    return [describe(path) for pattern in patterns for path in sorted(folder.glob(pattern))]


def describe(path: Path) -> BuiltFile:
    """Return what the name of a file says.

    Parameters
    ----------
    path
        A wheel, a conda package (in the folder of its platform) or a source distribution.

    Raises
    ------
    UnknownArtifactError
        It is none of these.
    """
    if path.suffix == ".whl":
        _, version, _, tags = parse_wheel_filename(path.name)
        (tag,) = tags
        free_threaded = "t" if tag.abi.endswith("t") else ""
        python = f"{tag.interpreter[2]}.{tag.interpreter[3:]}{free_threaded}"
        if tag.platform.startswith("linux_"):  # what pip makes of the sources, for this machine
            return BuiltFile(path, "sdist", "any", python, str(version))
        return BuiltFile(path, "wheel", tag.platform, python, str(version))
    if path.name.endswith(".tar.gz"):
        _, version = parse_sdist_filename(path.name)
        return BuiltFile(path, "sdist", "any", "", str(version))
    if found := _CONDA.fullmatch(path.name):
        python = f"{found['python'][0]}.{found['python'][1:]}"
        version = Version(found["version"])
        return BuiltFile(path, "conda", path.parent.name, python, str(version))
    raise UnknownArtifactError(f"{path.name} is no wheel, conda package or source distribution")


def row_of(built: BuiltFile, table: Table, *, official: bool = False) -> Artifact:
    """Return the row of the table that a file belongs to.

    Parameters
    ----------
    built
        The file.
    table
        The table.
    official
        Whether a workflow built it, where any machine can build one of the same name.

    Raises
    ------
    UnknownArtifactError
        There is none.
    """
    rows = [
        row
        for row in table.in_channel(built.channel)
        if row.platform == built.platform and (not built.python or built.python in row.python)
    ]
    if not rows:
        raise UnknownArtifactError(f"{built.path.name} is not in the platform table")
    return min(rows, key=lambda row: bool(row.runner) != official)
