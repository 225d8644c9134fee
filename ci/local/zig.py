"""The C and C++ compiler of PyPI's ``ziglang``, for linking to an old glibc.

zig carries the symbol lists of every glibc, so a binary linked here for glibc 2.28 runs there,
without a container of an old distribution. Its C++ library is libc++, linked statically.
Everything that goes into one binary must be compiled by it: objects of the system compiler refer
to the newer glibc of the system.
"""

import importlib.util
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ci.cache import cache_folder
from ci.command import output

# Unasked, zig writes debug information, and with it the paths of the building machine.
_COMPILER_FLAGS = "-g0 -target {triple}"

_WRAPPER = """#!/bin/sh
exec "$ZIG" {command} "$@"
"""

_TOOLCHAIN_FILE = """\
set(CMAKE_C_COMPILER {bin}/cc)
set(CMAKE_CXX_COMPILER {bin}/c++)
set(CMAKE_AR {bin}/ar)
set(CMAKE_RANLIB {bin}/ranlib)
# The linker strips: the machine's own strip knows no other architecture.
set(CMAKE_MODULE_LINKER_FLAGS_INIT "-s -Wl,--gc-sections")
set(CMAKE_STRIP true)
# zig builds its C++ library again for each optimization level, which takes minutes.
set(CMAKE_INTERPROCEDURAL_OPTIMIZATION OFF)
"""

# CMake takes a toolchain that names its system for a cross build, even when it is our own.
_CROSS_TOOLCHAIN = """\
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR {arch})
"""


@dataclass(frozen=True)
class Target:
    """A Linux system that binaries are made for."""

    arch: str  # processor, as uname -m has it
    glibc: str = "2.28"  # oldest glibc that the binaries run with

    @property
    def triple(self) -> str:
        """The target's name in zig."""
        return f"{self.arch}-linux-gnu.{self.glibc}"

    @property
    def platform_tag(self) -> str:
        """The platform tag of a wheel for the target (PEP 600)."""
        return f"manylinux_{self.glibc.replace('.', '_')}_{self.arch}"

    @property
    def is_native(self) -> bool:
        """Whether this machine can run what is made for the target."""
        return self.arch == platform.machine()


@dataclass(frozen=True)
class Toolchain:
    """Compiler, linker and archiver for one target, as programs and as a CMake toolchain."""

    target: Target
    folder: Path  # holds bin/ with the programs, and the CMake file
    identity: str  # everything that determines the compiler's output
    # Environment variables that the programs need.
    variables: Mapping[str, str] = field(default_factory=dict)
    is_zig: bool = False  # whether it links zig's C++ library and runtime into what it makes

    @property
    def cmake_file(self) -> Path:
        """The file to name in ``CMAKE_TOOLCHAIN_FILE``."""
        return self.folder / "toolchain.cmake"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that CMake and the compiler need."""
        return {**self.variables, "CMAKE_TOOLCHAIN_FILE": str(self.cmake_file)}


def zig_program() -> Path:
    """Return the path of zig."""
    return _package_folder() / "zig"


def zig_version() -> str:
    """Return the version of zig, such as ``"0.17.1"``."""
    return output(zig_program(), "version")


def libcxx_version() -> str:
    """Return the version of the libc++ that zig links into every C++ binary."""
    config = (_package_folder() / "lib/libcxx/include/__config").read_text()
    found = re.search(r"define _LIBCPP_VERSION (\d\d)(\d\d)(\d\d)", config)
    if not found:
        raise LookupError("no _LIBCPP_VERSION in zig's libc++")
    return ".".join(str(int(part)) for part in found.groups())


def make_toolchain(target: Target) -> Toolchain:
    """Write the programs and the CMake file of a target into the cache."""
    flags = _COMPILER_FLAGS.format(triple=target.triple)
    zig_cache = str(cache_folder("zig"))
    toolchain = Toolchain(
        target,
        cache_folder(f"toolchain/zig-{zig_version()}-{target.triple}"),
        f"zig {zig_version()} {flags}",
        {
            "ZIG": str(zig_program()),
            "ZIG_GLOBAL_CACHE_DIR": zig_cache,
            "ZIG_LOCAL_CACHE_DIR": zig_cache,
        },
        is_zig=True,
    )
    bin_folder = toolchain.folder / "bin"
    bin_folder.mkdir(exist_ok=True)
    for name, command in {
        "cc": f"cc {flags}",
        "c++": f"c++ {flags}",
        "ar": "ar",
        "ranlib": "ranlib",
    }.items():
        program = bin_folder / name
        program.write_text(_WRAPPER.format(command=command))
        program.chmod(0o755)
    cross = "" if target.is_native else _CROSS_TOOLCHAIN.format(arch=target.arch)
    toolchain.cmake_file.write_text(cross + _TOOLCHAIN_FILE.format(bin=bin_folder))
    return toolchain


def _package_folder() -> Path:
    spec = importlib.util.find_spec("ziglang")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("ziglang is not installed: pip install --group artifacts")
    return Path(spec.origin).parent
