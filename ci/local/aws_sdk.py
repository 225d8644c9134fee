"""A static aws-sdk-cpp that somebody has built, to be linked into a wheel."""

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

from ci.local.gcc import make_native_toolchain
from ci.local.zig import Target, Toolchain, make_toolchain

_CORE = "libaws-cpp-sdk-core.a"
_PARTS = (_CORE, "libaws-cpp-sdk-s3.a", "libaws-crt-cpp.a")

# Part of the name of every symbol with a string, in libc++ and in libstdc++.
_LIBCXX = b"NSt3__1"
_LIBSTDCXX = b"NSt7__cxx11"


class AwsSdkError(argparse.ArgumentTypeError):
    """A folder holds no aws-sdk-cpp that can be linked into a wheel."""


@dataclass(frozen=True)
class AwsSdk:
    """An installed aws-sdk-cpp."""

    prefix: Path
    version: str
    crt_version: str  # of aws-crt-cpp, the Common Runtime that came with it
    cxx_library: str  # "libc++" or "libstdc++": what it was compiled with

    def toolchain(self, target: Target) -> Toolchain:
        """Return the compiler whose objects can be linked with it, aimed at a system."""
        if self.cxx_library == "libc++":
            return make_toolchain(target)
        if not target.is_native:
            raise AwsSdkError(f"{self.prefix} was compiled for this machine, not for {target.arch}")
        return make_native_toolchain()


def read_aws_sdk(prefix: Path) -> AwsSdk:
    """Return the SDK that is installed in a folder, its ``CMAKE_INSTALL_PREFIX``."""
    include = prefix / "include" / "aws"
    if missing := [name for name in _PARTS if not any(prefix.glob(f"lib*/{name}"))]:
        raise AwsSdkError(
            f"{prefix} holds no {missing[0]}: build aws-sdk-cpp with -DBUILD_SHARED_LIBS=OFF and"
            " -DBUILD_ONLY=s3, and install it there"
        )
    (core,) = prefix.glob(f"lib*/{_CORE}")
    return AwsSdk(
        prefix,
        _version(include / "core" / "VersionConfig.h", "AWS_SDK_VERSION_STRING"),
        _version(include / "crt" / "Config.h", "AWS_CRT_CPP_VERSION"),
        _cxx_library(core),
    )


def _version(header: Path, macro: str) -> str:
    found = (
        re.search(rf'#define {macro} "([^"]+)"', header.read_text()) if header.exists() else None
    )
    if not found:
        raise AwsSdkError(f"{header} does not define {macro}")
    return found[1]


def _cxx_library(archive: Path) -> str:
    symbols = archive.read_bytes()
    if _LIBCXX in symbols:
        return "libc++"
    if _LIBSTDCXX in symbols:
        return "libstdc++"
    raise AwsSdkError(f"{archive} was compiled neither with libc++ nor with libstdc++")
