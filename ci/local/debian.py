"""Packages and sources from the Debian archive for which this machine is configured.

Packages are fetched with apt into folders of our own; nothing of the machine's settings changes.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ci.cache import cache_folder
from ci.command import output, run

# Where programs come from whose package has another name.
_PACKAGES = {
    "apt-get": "apt",
    "cc": "gcc libc6-dev",
    "dpkg-source": "dpkg-dev",
    "qemu-aarch64-static": "qemu-user-static",
    "unshare": "util-linux",
}


class DebianError(Exception):
    """A program is missing, or the archive does not have the package."""


@dataclass(frozen=True)
class SourcePackage:
    """A source package in one version."""

    suite: str  # release of Debian that serves it
    name: str
    version: str  # what is after the upstream version counts Debian's patches
    dsc_sha256: str  # SHA-256 of its .dsc, which names those of all other files


def check_programs(*names: str) -> None:
    """Make sure that programs are on the search path."""
    if missing := [name for name in names if not shutil.which(name)]:
        packages = " ".join(_PACKAGES.get(name, name) for name in missing)
        raise DebianError(f"{', '.join(missing)} is missing: on Debian, apt-get install {packages}")


def archive() -> str:
    """Return the URI of the Debian archive that this machine takes its packages from.

    ``$DEBIAN_ARCHIVE`` names one for a machine that is none of Debian's.
    """
    if uri := os.environ.get("DEBIAN_ARCHIVE"):
        return uri
    check_programs("apt-get")
    targets = output("apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(REPO_URI)")
    for line in targets.splitlines():
        origin, label, uri = line.rsplit(maxsplit=2)
        if (origin, label) == ("Debian", "Debian"):
            return uri
    raise DebianError(
        "this machine has no package lists of Debian: run `apt-get update`, or elsewhere set"
        " DEBIAN_ARCHIVE to the URI of an archive"
    )


def extract_source(package: SourcePackage, folder: Path, *, patched: bool = True) -> None:
    """Unpack a source package."""
    check_programs("apt-get", "dpkg-source")
    dsc = fetch_source(package, cache_folder("sources"))
    options = [] if patched else ["--skip-patches"]
    run("dpkg-source", "--no-check", *options, "--extract", dsc, folder)


def fetch_source(package: SourcePackage, downloads: Path) -> Path:
    """Return the description of a source package, downloaded unless it is there."""
    _, _, without_epoch = package.version.rpartition(":")
    dsc = downloads / f"{package.name}_{without_epoch}.dsc"
    if not dsc.exists():
        _download(package, dsc)
    found = hashlib.sha256(dsc.read_bytes()).hexdigest()
    if found != package.dsc_sha256:
        raise DebianError(f"{dsc.name} has SHA-256 {found}, it is pinned to {package.dsc_sha256}")
    return dsc


def _download(package: SourcePackage, dsc: Path) -> None:
    pinned = f"{package.name}={package.version}"
    with tempfile.TemporaryDirectory(prefix="objectpipes-apt-") as scratch:
        apt = _private_apt(Path(scratch), package.suite)
        files = Path(scratch) / "files"
        files.mkdir()
        try:
            run("apt-get", *apt, "--quiet", "update")
            run("apt-get", *apt, "--quiet", "source", "--download-only", pinned, cwd=files)
        except subprocess.CalledProcessError as error:
            raise DebianError(
                f"apt-get cannot fetch {pinned}: if Debian {package.suite} has another version "
                "now, pin that"
            ) from error
        # The description comes last: if it exists, all files that it names do, too.
        for file in sorted(files.iterdir(), key=lambda file: file.name == dsc.name):
            shutil.move(file, dsc.parent / file.name)


def _private_apt(folder: Path, suite: str) -> list[str]:
    """Return options that make apt read source packages of a release, and change no machine."""
    sources = folder / "sources.list"
    # A machine that is none of Debian's has no keys of it, and needs none: sources are pinned.
    trusted = "[trusted=yes] " if os.environ.get("DEBIAN_ARCHIVE") else ""
    sources.write_text(f"deb-src {trusted}{archive()} {suite} main\n")
    (folder / "lists" / "partial").mkdir(parents=True)
    options = {
        "Dir::Etc::SourceList": sources,
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": folder / "lists",
        "Dir::Cache": folder,
        # The folders are ours: apt's own user could not write there.
        "APT::Sandbox::User": output("id", "--user", "--name"),
    }
    return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
