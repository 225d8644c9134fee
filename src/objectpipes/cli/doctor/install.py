"""Checks the installation: the package, its engine, and the libraries in the process."""

from __future__ import annotations

import importlib
import platform
import re
import sys
import textwrap
import warnings
from contextlib import suppress
from importlib import metadata
from importlib.machinery import EXTENSION_SUFFIXES
from itertools import groupby
from pathlib import Path

from ... import _engine
from ..._importing import importing
from ...tls import find_ca_bundle
from ..output import human_size
from .chain import Broken, Link, NotNeeded

_PACKAGE = Path(_engine.__file__).parent
_MAPS = Path("/proc/self/maps")
_COPIED_BY_MANY = re.compile(r"lib(c?-?ares|ssl|crypto)\b")


class InstallDoctor:
    """Checks the installation in the current process."""

    def __init__(self) -> None:
        self._not_by_extension: set[Path] | None = None

    def links(self) -> list[Link]:
        """Return the checks, in order."""
        return [
            ("package", self._package),
            ("Python", self._python),
            ("torch", self._torch),
            ("CA file", lambda: str(find_ca_bundle()).partition(": ")[2]),
            ("extension", self._load_extension),
            ("built with", self._build),
            ("loads", self._loaded_with_extension),
            ("pipes", self._pipes),
            ("copies", self._copies),
        ]

    def _package(self) -> str:
        with suppress(metadata.PackageNotFoundError):
            return f"objectpipes {metadata.version('objectpipes')} in {_PACKAGE}"
        return f"not installed, imported from {_PACKAGE}"

    def _python(self) -> str:
        libc = " ".join(platform.libc_ver()).strip() or "no glibc"
        return (
            f"{platform.python_implementation()} {platform.python_version()}, {sys.executable}\n"
            f"{platform.system()} {platform.release()}, {platform.machine()}, {libc}"
        )

    def _torch(self) -> str:
        versions = {name: _version(name) for name in ("torch", "torchdata")}
        if versions["torch"] is None:
            raise NotNeeded("not installed; the pipes need it: pip install torch")
        return ", ".join(f"{name} {version or 'absent'}" for name, version in versions.items())

    def _load_extension(self) -> str:
        before = _loaded_libraries()
        try:
            extension = _engine.ext
        except ImportError as error:
            raise Broken(str(error.__cause__), _import_remedy(str(error.__cause__))) from error
        file = Path(extension.__file__ or "").resolve()
        self._not_by_extension = None if before is None else {*before, file}
        return f"{file}, {human_size(file.stat().st_size)}"

    def _build(self) -> str:
        info = _engine.build_info()
        flags = [name.upper() for name, value in info.items() if value is True]
        libraries = ("c_ares", "openssl", "pugixml", "aws_sdk_cpp", "pybind11")
        named = [name for name in libraries if info[name]]
        return (
            f"{info['compiler']}, {info['build_type']}, {' '.join(flags) or 'no flags'},"
            f" {_stores(info['transports'])}\n"
            + ", ".join(f"{name} {info[name]}" for name in named)
        )

    def _loaded_with_extension(self) -> str:
        loaded = _loaded_libraries()
        if loaded is None or self._not_by_extension is None:
            raise NotNeeded("only Linux shows what a process has loaded")
        return _by_directory(loaded - self._not_by_extension)

    def _pipes(self) -> str:
        if _version("torch") is None:
            raise NotNeeded("torch is not installed")
        try:
            with importing:
                import objectpipes.iter
        except ImportError as error:
            raise Broken(str(error), "Install torch again, in version 2.1 or newer.") from error
        with importing:
            from objectpipes.iter import IterDataPipe

        with importing, warnings.catch_warnings(), suppress(ImportError, OSError):
            warnings.simplefilter("ignore")
            importlib.import_module("torchdata.datapipes.iter")
        ours = [
            name
            for name, method in vars(IterDataPipe).items()
            if getattr(method, "__module__", "").startswith(objectpipes.iter.__name__)
        ]
        lines = [f"{', '.join(ours)} are ours"]
        if taken := [name for name in ours if name in getattr(IterDataPipe, "functions", ())]:
            lines.append(f"{', '.join(taken)} of torchdata are hidden by ours in this process")
        return "\n".join(lines)

    def _copies(self) -> str:
        """List other copies of the engine's libraries. Comes last, when torch is loaded."""
        with importing:
            import ssl

        loaded = _loaded_libraries() or set()
        found = {library for library in loaded if _COPIED_BY_MANY.match(library.name)}
        lines = [f"Python's ssl uses {ssl.OPENSSL_VERSION}"]
        return "\n".join([*lines, _by_directory(found)]) if found else lines[0]


def _stores(transports: list[str]) -> str:
    return f"transports {' and '.join(transports)}" if transports else "no S3"


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _import_remedy(reason: str) -> str:
    built = sorted(file.name for file in _PACKAGE.glob("_ext.*") if file.suffix in (".so", ".pyd"))
    if not built:
        return (
            "There is no engine in the package, since Python imports its sources in place. Install"
            " a wheel (pip install --force-reinstall objectpipes), and start Python in another"
            " directory."
        )
    if not any(f"_ext{suffix}" in built for suffix in EXTENSION_SUFFIXES):
        return (
            f"The engine was built for another Python ({', '.join(built)}): install objectpipes"
            " with the pip of this Python."
        )
    if "GLIBC" in reason:
        return (
            "This machine's C library is older than the one that the engine was built for. Install"
            " a wheel (manylinux_2_28 needs glibc 2.28), or build it on this machine."
        )
    return (
        "Install the library that is named above, or a wheel of objectpipes, which contains all its"
        " libraries (pip install --force-reinstall --only-binary :all: objectpipes)."
    )


def _loaded_libraries() -> set[Path] | None:
    """Return the shared libraries in this process, or None if the system does not say."""
    try:
        lines = _MAPS.read_text().splitlines()
    except OSError:
        return None
    files = {Path(line.split(maxsplit=5)[5]) for line in lines if "/" in line}
    return {file for file in files if ".so" in file.suffixes}


def _by_directory(files: set[Path]) -> str:
    lines: list[str] = []
    for directory, members in groupby(sorted(files), key=lambda file: file.parent):
        names = f"{directory}: {', '.join(file.name for file in members)}"
        lines += textwrap.wrap(names, 90, subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join(lines) or "nothing"
