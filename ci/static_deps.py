"""The static libraries of a wheel: read from one manifest, fetched, built once, and cached.

The manifest is ``wheels/static-deps.toml``. The sources are source packages of Debian, fetched
with apt from the archive that this machine is configured for, into folders of our own.
"""

import argparse
import hashlib
import inspect
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import tomli

from ci.cache import cache_folder, locked
from ci.command import output, run
from ci.paths import ROOT
from ci.zig import Target, Toolchain, make_toolchain

MANIFEST = ROOT / "wheels" / "static-deps.toml"
LICENSES = ROOT / "wheels" / "licenses"

# Nobody but root can make a folder there, so no one can put a CA file or an openssl.cnf in
# OpenSSL's way; and it is the same on every machine, so that builds are reproducible.
_OPENSSL_PREFIX = "/nonexistent"

_COMPILE_FLAGS = "-O2 -fPIC -fvisibility=hidden -ffunction-sections -fdata-sections"

# Macros of OpenSSL put the name of the source file into whatever calls them.
_PATH_FLAG = "-ffile-prefix-map={source}=."


class StaticDepsError(Exception):
    """A static library could not be fetched, or isn't what the manifest says."""


@dataclass(frozen=True)
class StaticDep:
    """One library of the manifest.

    Attributes
    ----------
    name
        Its name, also that of its licence file in ``wheels/licenses/``.
    version
        Upstream version.
    purpose
        What it is linked in for.
    license
        SPDX identifier.
    license_file
        Path of the licence in the source tree.
    cpe
        Vendor and product as vulnerability lists name them (CPE 2.3, without the version).
    suite
        Release of Debian that serves the source package.
    source_package
        Name of the source package.
    source_version
        Version of the source package; what is after the upstream version counts its patches.
    dsc_sha256
        SHA-256 of the source package's ``.dsc``, which names those of all other files.
    build
        ``"openssl"`` or ``"cmake"``.
    options
        Passed to OpenSSL's ``Configure``, or to CMake as ``-D`` definitions.
    needs
        Earlier libraries of the manifest that it is built with.
    source_folder
        Where in the source tree the build is described.
    """

    name: str
    version: str
    purpose: str
    license: str
    license_file: str
    cpe: str
    suite: str
    source_package: str
    source_version: str
    dsc_sha256: str
    build: str
    options: list[str] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)
    source_folder: str = "."

    @property
    def license_copy(self) -> Path:
        """The licence in this repository, which the artifacts carry."""
        return LICENSES / f"{self.name}.txt"


def read_manifest(path: Path = MANIFEST) -> list[StaticDep]:
    """Return the libraries in build order, which is the order of the manifest.

    Parameters
    ----------
    path
        The manifest.

    Raises
    ------
    TypeError
        If a library lacks a key or has an unknown one.
    """
    tables: dict[str, dict[str, Any]] = tomli.loads(path.read_text())
    return [StaticDep(name=name, **table) for name, table in tables.items()]


def cache_key(dep: StaticDep, needed: Iterable[Path], compiler: str) -> str:
    """Return a name for what is built of a library: it changes when the result may.

    Parameters
    ----------
    dep
        The library.
    needed
        Where the libraries are that it is built with.
    compiler
        Everything about the compiler that decides its output, as `Toolchain.identity` has it.
    """
    commands = inspect.getsource(_BUILDERS[dep.build])
    flags = [compiler, _COMPILE_FLAGS, _PATH_FLAG, _OPENSSL_PREFIX]
    recipe = [asdict(dep), [prefix.name for prefix in needed], commands, flags]
    digest = hashlib.sha256(json.dumps(recipe).encode()).hexdigest()
    return f"{dep.name}-{dep.version}-{digest[:16]}"


def build_static_deps(target: Target) -> list[Path]:
    """Return the prefixes of all libraries of the manifest, built unless the cache has them.

    Parameters
    ----------
    target
        What to compile for.

    Returns
    -------
    list of Path
        Folders with ``include/`` and ``lib/``, for ``CMAKE_PREFIX_PATH``.

    Raises
    ------
    StaticDepsError
        If a source package is not served or has another checksum, or a licence has changed.
    """
    toolchain = make_toolchain(target)
    prefixes: dict[str, Path] = {}
    for dep in read_manifest():
        needed = [prefixes[name] for name in dep.needs]
        key = cache_key(dep, needed, toolchain.identity)
        prefixes[dep.name] = prefix = cache_folder(f"static/{target.arch}/{key}")
        complete = prefix / ".complete"
        with locked(prefix):
            if not complete.exists():
                _build(dep, prefix, needed, toolchain)
                complete.touch()
    return list(prefixes.values())


def _build(dep: StaticDep, prefix: Path, needed: list[Path], toolchain: Toolchain) -> None:
    _check_programs("apt-get", "dpkg-source", "make", "perl")
    dsc = fetch_source(dep, cache_folder("sources"))
    with tempfile.TemporaryDirectory(prefix="objectpipes-static-") as scratch:
        source = Path(scratch) / dep.name
        run("dpkg-source", "--no-check", "--extract", dsc, source)
        _check_license(dep, source)
        _BUILDERS[dep.build](dep, source, prefix, needed, toolchain)


def fetch_source(dep: StaticDep, downloads: Path) -> Path:
    """Return the description of a library's source package, downloaded unless it is there.

    Parameters
    ----------
    dep
        The library.
    downloads
        Folder for the files of the package.

    Raises
    ------
    StaticDepsError
        If the archive does not serve the package in that version, or it has another checksum.
    """
    dsc = downloads / f"{dep.source_package}_{dep.source_version}.dsc"
    if not dsc.exists():
        _download(dep, dsc)
    found = hashlib.sha256(dsc.read_bytes()).hexdigest()
    if found != dep.dsc_sha256:
        raise StaticDepsError(f"{dsc.name} has SHA-256 {found}, the manifest {dep.dsc_sha256}")
    return dsc


def _download(dep: StaticDep, dsc: Path) -> None:
    package = f"{dep.source_package}={dep.source_version}"
    with tempfile.TemporaryDirectory(prefix="objectpipes-apt-") as scratch:
        apt = _private_apt(Path(scratch), dep.suite)
        files = Path(scratch) / "files"
        files.mkdir()
        try:
            run("apt-get", *apt, "--quiet", "update")
            run("apt-get", *apt, "--quiet", "source", "--download-only", package, cwd=files)
        except subprocess.CalledProcessError as error:
            raise StaticDepsError(
                f"apt-get cannot fetch {package}: if Debian {dep.suite} has another version now, "
                f"pin that in {MANIFEST.relative_to(ROOT)}"
            ) from error
        # The description comes last: where it is, all that it names is there.
        for file in sorted(files.iterdir(), key=lambda file: file.name == dsc.name):
            shutil.move(file, dsc.parent / file.name)


def _private_apt(folder: Path, suite: str) -> list[str]:
    """Return options that make apt read source packages of a release, and change no machine."""
    sources = folder / "sources.list"
    sources.write_text(f"deb-src {_debian_archive()} {suite} main\n")
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


def _debian_archive() -> str:
    """Return the URI of the Debian archive that this machine takes its packages from.

    ``$DEBIAN_ARCHIVE`` names one for a machine that is none of Debian's. Such a machine has no
    keys of Debian's, and needs none: the manifest pins what is fetched.
    """
    if archive := os.environ.get("DEBIAN_ARCHIVE"):
        return f"[trusted=yes] {archive}"
    targets = output("apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(REPO_URI)")
    for line in targets.splitlines():
        origin, label, uri = line.rsplit(maxsplit=2)
        if (origin, label) == ("Debian", "Debian"):
            return uri
    raise StaticDepsError(
        "this machine has no package lists of Debian: run `apt-get update`, or elsewhere set"
        " DEBIAN_ARCHIVE to the URI of an archive"
    )


def _check_programs(*names: str) -> None:
    if missing := [name for name in names if not shutil.which(name)]:
        raise StaticDepsError(
            f"{', '.join(missing)} is missing: on Debian, apt-get install dpkg-dev make perl"
        )


def _check_license(dep: StaticDep, source: Path) -> None:
    """Make sure that the licence which the artifacts carry is the one of this very version."""
    if (source / dep.license_file).read_bytes() != dep.license_copy.read_bytes():
        raise StaticDepsError(
            f"the licence of {dep.name} {dep.version} has changed: read {dep.license_file} of the "
            f"source and copy it to {dep.license_copy.relative_to(ROOT)}"
        )


def _build_openssl(
    dep: StaticDep, source: Path, prefix: Path, needed: list[Path], toolchain: Toolchain
) -> None:
    # The compiler is found by PATH because OpenSSL keeps its command line in the library.
    environment = {
        **toolchain.environment,
        "PATH": os.pathsep.join([str(toolchain.folder / "bin"), os.environ["PATH"]]),
        "CC": "cc",
        "AR": "ar",
        "RANLIB": "ranlib",
        "SOURCE_DATE_EPOCH": "0",
    }
    run(
        "./Configure",
        f"linux-{toolchain.target.arch}",
        f"--prefix={_OPENSSL_PREFIX}",
        f"--openssldir={_OPENSSL_PREFIX}",
        "--libdir=lib",
        *dep.options,
        *_COMPILE_FLAGS.split(),
        cwd=source,
        env=environment,
    )
    run("make", _jobs(), "build_libs", cwd=source, env=environment)
    staging = source / "staging"
    run("make", "install_dev", f"DESTDIR={staging}", cwd=source, env=environment)
    shutil.copytree(staging / _OPENSSL_PREFIX.lstrip("/"), prefix, dirs_exist_ok=True)


def _build_with_cmake(
    dep: StaticDep, source: Path, prefix: Path, needed: list[Path], toolchain: Toolchain
) -> None:
    build = source / "build-static"
    flags = f"{_COMPILE_FLAGS} {_PATH_FLAG.format(source=source)}"
    run(
        "cmake",
        "-G",
        "Ninja",
        "-S",
        source / dep.source_folder,
        "-B",
        build,
        f"-DCMAKE_INSTALL_PREFIX={prefix}",
        f"-DCMAKE_PREFIX_PATH={';'.join(map(str, needed))}",
        "-DCMAKE_INSTALL_LIBDIR=lib",
        "-DCMAKE_BUILD_TYPE=Release",
        "-DBUILD_SHARED_LIBS=OFF",
        "-DBUILD_TESTING=OFF",
        # Some were last changed for a CMake that today's does not imitate unasked.
        "-DCMAKE_POLICY_VERSION_MINIMUM=3.5",
        f"-DCMAKE_C_FLAGS={flags}",
        f"-DCMAKE_CXX_FLAGS={flags}",
        *(f"-D{option}" for option in dep.options),
        env=toolchain.environment,
    )
    run("cmake", "--build", build, _jobs(), env=toolchain.environment)
    run("cmake", "--install", build, env=toolchain.environment)


_BUILDERS = {"openssl": _build_openssl, "cmake": _build_with_cmake}


def _jobs() -> str:
    return f"-j{os.cpu_count() or 1}"


def main(arguments: list[str] | None = None) -> int:
    """Build the static libraries and print where they are."""
    parser = argparse.ArgumentParser(prog="ci.static_deps", description=main.__doc__)
    parser.add_argument("--arch", default="x86_64", choices=["x86_64", "aarch64"])
    options = parser.parse_args(arguments)
    print(*build_static_deps(Target(options.arch)), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
