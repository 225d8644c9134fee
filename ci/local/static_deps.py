"""The static libraries of a wheel: read from one manifest, fetched, built once, and cached.

The manifest is ``wheels/static-deps.toml``. The sources are source packages of Debian.
"""

import hashlib
import inspect
import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import tomli

from ci.cache import cache_folder, locked
from ci.command import run
from ci.local.debian import SourcePackage, check_programs, extract_source
from ci.local.zig import Toolchain
from ci.paths import ROOT

MANIFEST = ROOT / "wheels" / "static-deps.toml"
LICENSES = ROOT / "wheels" / "licenses"

# Nobody but root can make a folder there, so no one can put a CA file or an openssl.cnf in
# OpenSSL's way; and it is the same on every machine, so that builds are reproducible.
_OPENSSL_PREFIX = "/nonexistent"

_COMPILE_FLAGS = "-O2 -fPIC -fvisibility=hidden -ffunction-sections -fdata-sections"

# Macros of OpenSSL put the name of the source file into whatever calls them.
_PATH_FLAG = "-ffile-prefix-map={source}=."


class StaticDepsError(Exception):
    """A static library isn't what the manifest says."""


@dataclass(frozen=True)
class StaticDep:
    """One library of the manifest."""

    name: str  # also that of its licence file in wheels/licenses/
    version: str  # upstream
    purpose: str  # what it is linked in for
    license: str  # SPDX identifier
    license_file: str  # path of the licence in the source tree
    cpe: str  # vendor and product as vulnerability lists name them (CPE 2.3, without the version)
    suite: str  # release of Debian that serves the source package
    source_package: str
    source_version: str  # what is after the upstream version counts its patches
    dsc_sha256: str  # SHA-256 of the source package's .dsc, which names those of all other files
    build: str  # "openssl", "zlib" or "cmake"
    # Passed to OpenSSL's or zlib's configure script, or to CMake as -D definitions.
    options: list[str] = field(default_factory=list)
    # Passed as well, for a wheel without aws-sdk-cpp.
    options_without_aws_sdk: list[str] = field(default_factory=list)
    # Earlier libraries of the manifest that it is built with.
    needs: list[str] = field(default_factory=list)
    source_folder: str = "."  # where in the source tree the build is described
    for_aws_sdk: bool = False  # whether only aws-sdk-cpp needs it

    @property
    def source(self) -> SourcePackage:
        """The source package."""
        return SourcePackage(self.suite, self.source_package, self.source_version, self.dsc_sha256)

    @property
    def license_copy(self) -> Path:
        """The licence in this repository, which the artifacts carry."""
        return LICENSES / f"{self.name}.txt"


def read_manifest(path: Path = MANIFEST) -> list[StaticDep]:
    """Return the libraries in build order, which is the order of the manifest."""
    tables: dict[str, dict[str, Any]] = tomli.loads(path.read_text())
    return [StaticDep(name=name, **table) for name, table in tables.items()]


def linked_deps(*, aws_sdk: bool) -> list[StaticDep]:
    """Return the libraries of the manifest that a wheel is linked with, in build order."""
    if aws_sdk:
        return read_manifest()
    return [
        replace(dep, options=[*dep.options, *dep.options_without_aws_sdk])
        for dep in read_manifest()
        if not dep.for_aws_sdk
    ]


def cache_key(dep: StaticDep, needed: Iterable[Path], compiler: str) -> str:
    """Return a name for the result of a build, which changes whenever the result may.

    `needed` are the prefixes of the libraries that it is built with, `compiler` is
    `Toolchain.identity`.
    """
    flags = [compiler, _COMPILE_FLAGS, _PATH_FLAG, _OPENSSL_PREFIX]
    built = asdict(dep)
    del built["for_aws_sdk"], built["options_without_aws_sdk"]
    recipe = [built, [prefix.name for prefix in needed], _COMMANDS[dep.build], flags]
    digest = hashlib.sha256(json.dumps(recipe).encode()).hexdigest()
    return f"{dep.name}-{dep.version}-{digest[:16]}"


def build_static_deps(toolchain: Toolchain, deps: Iterable[StaticDep]) -> list[Path]:
    """Return the prefixes of libraries of the manifest, built unless the cache has them.

    They are folders with ``include/`` and ``lib/``, for ``CMAKE_PREFIX_PATH``.
    """
    prefixes: dict[str, Path] = {}
    for dep in deps:
        needed = [prefixes[name] for name in dep.needs]
        key = cache_key(dep, needed, toolchain.identity)
        prefixes[dep.name] = prefix = cache_folder(f"static/{toolchain.target.arch}/{key}")
        complete = prefix / ".complete"
        with locked(prefix):
            if not complete.exists():
                _build(dep, prefix, needed, toolchain)
                complete.touch()
    return list(prefixes.values())


def _build(dep: StaticDep, prefix: Path, needed: list[Path], toolchain: Toolchain) -> None:
    check_programs("make", "perl")
    with tempfile.TemporaryDirectory(prefix="objectpipes-static-") as scratch:
        source = Path(scratch) / dep.name
        extract_source(dep.source, source)
        _check_license(dep, source)
        _BUILDERS[dep.build](dep, source, prefix, needed, toolchain)


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
    environment = _programs(toolchain)
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


def _build_zlib(
    dep: StaticDep, source: Path, prefix: Path, needed: list[Path], toolchain: Toolchain
) -> None:
    # Not with CMake, which asks for files of Windows that Debian leaves out.
    flags = f"{_COMPILE_FLAGS} {_PATH_FLAG.format(source=source)}"
    environment = {**_programs(toolchain), "CFLAGS": flags}
    run("./configure", *dep.options, f"--prefix={prefix}", cwd=source, env=environment)
    run("make", _jobs(), "libz.a", cwd=source, env=environment)
    run("make", "install", cwd=source, env=environment)


def _programs(toolchain: Toolchain) -> dict[str, str]:
    # Found by PATH, because OpenSSL keeps its command line in the library.
    return {
        **toolchain.environment,
        "PATH": os.pathsep.join([str(toolchain.folder / "bin"), os.environ["PATH"]]),
        "CC": "cc",
        "AR": "ar",
        "RANLIB": "ranlib",
        "SOURCE_DATE_EPOCH": "0",
    }


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


_BUILDERS = {"openssl": _build_openssl, "zlib": _build_zlib, "cmake": _build_with_cmake}
# Read now, because the file may be edited during the build.
_COMMANDS = {
    name: inspect.getsource(builder) + inspect.getsource(_programs)
    for name, builder in _BUILDERS.items()
}


def _jobs() -> str:
    return f"-j{os.cpu_count() or 1}"
