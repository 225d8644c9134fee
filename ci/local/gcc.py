"""The C and C++ compiler of this machine: for what must be linked with what it has compiled.

A wheel that it makes runs with the glibc of this machine or a newer one, and takes libstdc++ from
the system, as the manylinux policies allow.
"""

import platform

from ci.cache import cache_folder
from ci.command import output
from ci.local.debian import check_programs
from ci.local.zig import Target, Toolchain

_TOOLCHAIN_FILE = """\
set(CMAKE_MODULE_LINKER_FLAGS_INIT "-s -Wl,--gc-sections")
"""


def make_native_toolchain() -> Toolchain:
    """Write the CMake file of this machine's compiler into the cache."""
    check_programs("cc", "c++")
    _, glibc = platform.libc_ver()
    identity = output("c++", "--version").splitlines()[0]
    toolchain = Toolchain(
        Target(platform.machine(), glibc), cache_folder(f"toolchain/native-{glibc}"), identity
    )
    toolchain.cmake_file.write_text(_TOOLCHAIN_FILE)
    return toolchain
