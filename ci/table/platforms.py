"""The table of shipped artifacts, ``platforms.toml``, and the matrices that follow from it."""

import argparse
import json
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import tomli

from ci.paths import ROOT

TABLE = ROOT / "ci" / "table" / "platforms.toml"

_ALLOWED = {
    "channel": {"wheel", "conda", "sdist"},
    "dependencies": {"vendored", "system"},
    "transports": {"http", "aws"},
    "protocol": {"s3", "ais"},
}
_PYTHON = re.compile(r"3\.\d+t?")
_VERIFIED = re.compile(r"never|\d{4}-\d\d-\d\d, .+")

# The platform tag of a wheel: family, oldest libc or system, architecture.
_WHEEL_PLATFORM = re.compile(r"(manylinux|musllinux|macosx|win)(?:_\d+_\d+)?_(.+)")
_SYSTEMS = {"manylinux": "linux", "musllinux": "linux", "macosx": "macos", "win": "windows"}

# Most packages for the tests support free-threaded Pythons only after this version.
_WITHOUT_TEST_PACKAGES = {"3.13t"}


class TableError(Exception):
    """A value in the table is not valid."""


@dataclass(frozen=True)
class Server:
    """An object store that artifacts are tested against."""

    name: str  # in the matrix
    protocol: str  # "s3" or "ais"
    about: str


@dataclass(frozen=True)
class Artifact:
    """One row: an artifact for one platform, built in one way."""

    name: str
    channel: str  # "wheel", "conda" or "sdist"
    platform: str  # platform tag of the wheels, or conda's name of the platform
    needs: str  # what the user's machine must have
    python: list[str]  # Python versions; a t marks a free-threaded one
    transports: list[str]  # those of S3 that are built in
    dependencies: str  # "vendored" (inside the artifact) or "system" (of the environment)
    builder: str  # the program that builds it
    verified: str  # date and way of the last test as an installed artifact, or "never"
    runner: str = ""  # label of the workflow machine that builds it; empty if no workflow does
    # Parts of the matrix that cannot be run on that machine.
    untested: list[str] = field(default_factory=list)
    # Whether it is built on a machine of another architecture, and tried in a root.
    foreign: bool = False

    @property
    def system(self) -> str:
        """``linux``, ``macos`` or ``windows``, for a wheel."""
        return _SYSTEMS[self._family_and_arch()[0]]

    @property
    def arch(self) -> str:
        """The architecture in a wheel's platform tag."""
        return self._family_and_arch()[1]

    @property
    def identifiers(self) -> list[str]:
        """Names of the wheels in this row for cibuildwheel: ``cp311-manylinux_x86_64``, ..."""
        suffix = "_".join(self._family_and_arch())
        return [f"cp{python.replace('.', '')}-{suffix}" for python in self.python]

    @property
    def command(self) -> str:
        """The command that builds it, with the architecture unless that is the machine's."""
        return f"{self.builder} --arch {self.arch}" if self.foreign else self.builder

    @property
    def runs_where_built(self) -> bool:
        """Whether it can be installed and tested, with servers, on the machine that builds it."""
        return not self.foreign and not self.platform.startswith(("musllinux", "win"))

    @property
    def tests(self) -> str:
        """A description of its tests."""
        if not self.runs_where_built:
            return "lists and reads"
        less = [version for version in self.python if not has_test_packages(version)]
        return ", ".join(
            [
                "all",
                *(f"not {part}" for part in self.untested),
                *(f"{version} only lists and reads" for version in less),
            ]
        )

    def _family_and_arch(self) -> tuple[str, str]:
        found = _WHEEL_PLATFORM.fullmatch(self.platform)
        if not found:
            raise TableError(f"{self.name}: {self.platform} is not a platform tag of a wheel")
        return found[1], found[2]


@dataclass(frozen=True)
class Table:
    """The content of ``ci/table/platforms.toml``."""

    # Date and way of the last test of the transport aws in a build against an aws-sdk-cpp of the
    # machine, or "never".
    aws_verified: str
    servers: list[Server]
    artifacts: list[Artifact]

    def in_channel(self, channel: str) -> list[Artifact]:
        """Return the rows of a channel."""
        return [artifact for artifact in self.artifacts if artifact.channel == channel]

    def built_by(self, builder: str) -> list[Artifact]:
        """Return the rows that a program builds."""
        return [artifact for artifact in self.artifacts if artifact.builder == builder]

    def pythons(self) -> list[str]:
        """Return every Python version of the table, oldest first."""
        found = {python for artifact in self.artifacts for python in artifact.python}
        return sorted(found, key=lambda python: (int(python[2:].rstrip("t")), python))


def has_test_packages(python: str) -> bool:
    """Return whether the packages for the tests support a Python."""
    return python not in _WITHOUT_TEST_PACKAGES


def read_table(path: Path = TABLE) -> Table:
    """Read the table."""
    return make_table(tomli.loads(path.read_text()))


def make_table(data: dict[str, Any]) -> Table:
    """Make a table of parsed TOML, in which rows inherit from builders, and check every value."""
    shared: dict[str, dict[str, Any]] = data.pop("builder", {})
    table = Table(
        aws_verified=data.pop("aws_verified"),
        servers=[Server(**row) for row in data.pop("server")],
        artifacts=[
            Artifact(**shared.get(row.get("builder", ""), {}) | row) for row in data.pop("artifact")
        ],
    )
    if data:
        raise TableError(f"unknown keys: {', '.join(data)}")
    _check_verified("aws_verified", table.aws_verified)
    _check_names(table.servers)
    _check_names(table.artifacts)
    rows: list[Server | Artifact] = [*table.servers, *table.artifacts]
    for row in rows:
        _check_values(row)
    return table


def build_matrix(table: Table, channel: str, *, diagonal: bool = False) -> list[dict[str, str]]:
    """Return the workflow jobs that build a channel: one for each row with a runner.

    As a quick check, `diagonal` builds only one Python version per row, a different one each time.
    """
    rows = [artifact for artifact in table.in_channel(channel) if artifact.runner]
    jobs = []
    for index, row in enumerate(rows):
        python = [row.python[index % len(row.python)]] if diagonal else row.python
        job = {"name": row.name, "runner": row.runner, "python": "\n".join(python)}
        if channel == "wheel":
            job["build"] = " ".join(replace(row, python=python).identifiers)
        jobs.append(job | {"test": "yes" if row.runs_where_built else ""})
    return jobs


def check_matrix(table: Table, artifact: Artifact) -> list[tuple[Server, str]]:
    """Return what an artifact is tested with: each server by each transport that can reach it."""
    return [
        (server, transport)
        for server in table.servers
        for transport in artifact.transports
        # aws-sdk-cpp speaks S3 only.
        if server.protocol == "s3" or transport == "http"
    ]


def _check_names(rows: Iterable[Server | Artifact]) -> None:
    seen = set()
    for row in rows:
        if row.name in seen:
            raise TableError(f"two rows are named {row.name}")
        seen.add(row.name)


def _check_values(row: Server | Artifact) -> None:
    for key, value in asdict(row).items():
        values = value if isinstance(value, list) else [value]
        if key in _ALLOWED and not set(values) <= _ALLOWED[key]:
            raise TableError(f"{row.name}: {key} = {value!r} is not of {sorted(_ALLOWED[key])}")
        if key == "python" and not all(_PYTHON.fullmatch(version) for version in values):
            raise TableError(f"{row.name}: python = {value!r}")
        if key == "verified":
            _check_verified(f"{row.name}: verified", value)


def _check_verified(place: str, value: str) -> None:
    if not _VERIFIED.fullmatch(value):
        raise TableError(f"{place} = {value!r} is neither 'never' nor 'DATE, HOW'")


def main(arguments: list[str] | None = None) -> int:
    """Print the build matrix of a channel as JSON: in a workflow, as output "jobs" of its step."""
    parser = argparse.ArgumentParser(prog="ci.table.platforms", description=main.__doc__)
    parser.add_argument("channel", choices=sorted(_ALLOWED["channel"]))
    parser.add_argument("--diagonal", action="store_true", help="one Python version a platform")
    options = parser.parse_args(arguments)
    jobs = build_matrix(read_table(), options.channel, diagonal=options.diagonal)
    matrix = json.dumps({"include": jobs})
    if step_output := os.environ.get("GITHUB_OUTPUT"):
        with Path(step_output).open("a") as file:
            print(f"jobs={matrix}", file=file)
    print(matrix)
    return 0


if __name__ == "__main__":
    sys.exit(main())
