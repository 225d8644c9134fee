"""Wheels that run on glibc 2.28, built on any newer Debian without containers."""

import argparse
import filecmp
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

from ci.artifacts.check_wheel import CHECKS, check_build_paths, problems_of
from ci.artifacts.files import AWS_SDK, DIST
from ci.artifacts.sbom import (
    BUILD_CONSTRAINTS,
    Library,
    add_to_wheel,
    aws_sdk_libraries,
    static_libraries,
    zig_libraries,
)
from ci.artifacts.sdist import build_sdist
from ci.artifacts.source_date import source_date_epoch
from ci.command import output, run
from ci.local.aws_sdk import AwsSdk, read_aws_sdk
from ci.local.pythons import NoSuchPythonError, find_python
from ci.local.static_deps import build_static_deps, linked_deps
from ci.local.zig import Target, Toolchain, make_toolchain
from ci.paths import ROOT
from ci.table.platforms import read_table


class WheelError(Exception):
    """A wheel has a fault."""


def build_wheel(python: Path, target: Target, destination: Path, sdk: AwsSdk | None = None) -> Path:
    """Build a wheel, complete it, check it, and put it into a folder, which exists.

    With an SDK that the cross compiler has not compiled, the target is this machine. Without one,
    the wheel has the transport ``http`` only. A wheel with a fault is a `WheelError`.
    """
    toolchain = make_toolchain(target) if sdk is None else sdk.toolchain(target)
    with tempfile.TemporaryDirectory(prefix="objectpipes-wheel-") as scratch:
        wheel = _tag(_compile(python, toolchain, Path(scratch), sdk), toolchain.target)
        add_to_wheel(wheel, _linked(toolchain, sdk))
        # An SDK holds the paths of its sources, unless it was compiled with -ffile-prefix-map.
        checks = [check for check in CHECKS if sdk is None or check is not check_build_paths]
        if problems := problems_of(wheel, checks):
            raise WheelError(f"{wheel.name}: {'; '.join(problems)}")
        return Path(shutil.move(wheel, destination / wheel.name))


def _linked(toolchain: Toolchain, sdk: AwsSdk | None) -> list[Library]:
    libraries = static_libraries(linked_deps(aws_sdk=sdk is not None))
    if toolchain.is_zig:
        libraries += zig_libraries()
    return libraries if sdk is None else [*libraries, *aws_sdk_libraries(sdk)]


def _compile(python: Path, toolchain: Toolchain, scratch: Path, sdk: AwsSdk | None) -> Path:
    prefixes = build_static_deps(toolchain, linked_deps(aws_sdk=sdk is not None))
    run(
        *("uv", "build", "--wheel", "--python", python, "--out-dir", scratch),
        *("--build-constraints", BUILD_CONSTRAINTS),
        # A new folder, so that no file of an earlier build gets into a wheel.
        f"--config-setting=build-dir={scratch}/build",
        "--config-setting=cmake.build-type=Release",
        *([] if sdk is None else ["--config-setting=cmake.define.ZLIB_USE_STATIC_LIBS=ON"]),
        *_cross_settings(python, toolchain.target),
        ROOT,
        env={
            **toolchain.environment,
            "CMAKE_PREFIX_PATH": os.pathsep.join(
                map(str, prefixes if sdk is None else [*prefixes, sdk.prefix])
            ),
            "USE_SYSTEM_AWS_SDK_CPP": "OFF" if sdk is None else "ON",
            "CXXFLAGS": f"-ffile-prefix-map={ROOT}=. -ffunction-sections -fdata-sections",
        },
    )
    (wheel,) = scratch.glob("*.whl")
    return wheel


def _cross_settings(python: Path, target: Target) -> list[str]:
    """Set what this Python would report on the target, for scikit-build-core and pybind11."""
    if target.is_native:
        return []
    suffix = output(python, "-c", "import sysconfig; print(sysconfig.get_config_var('EXT_SUFFIX'))")
    return [
        f"--config-setting=env._PYTHON_HOST_PLATFORM=linux-{target.arch}",
        "--config-setting=cmake.define.PYTHON_MODULE_EXTENSION="
        + suffix.replace(platform.machine(), target.arch),
    ]


def _tag(wheel: Path, target: Target) -> Path:
    """Give the wheel its platform tag; `ci.artifacts.check_wheel` finds out whether it is true.

    `auditwheel repair`, which would do both, takes the tags of this machine's architecture only.
    """
    name = output("wheel", "tags", "--remove", "--platform-tag", target.platform_tag, wheel)
    return wheel.with_name(name)


def _check_same_bytes(wheel: Path, python: Path, target: Target, sdk: AwsSdk | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if not filecmp.cmp(wheel, build_wheel(python, target, Path(folder), sdk), shallow=False):
            raise WheelError(f"{wheel.name} has other bytes when it is built again")


def main(arguments: list[str] | None = None) -> int:
    """Build manylinux wheels, and the source distribution, into dist/."""
    rows = {row.arch: row for row in read_table().built_by("scripts/build-wheel")}
    parser = argparse.ArgumentParser(prog="scripts/build-wheel", description=main.__doc__)
    parser.add_argument("--python", nargs="+", help="versions; by default all that are here")
    parser.add_argument("--arch", default="x86_64", choices=sorted(rows))
    parser.add_argument("--twice", action="store_true", help="build again and compare the bytes")
    parser.add_argument(
        "--aws-sdk",
        type=lambda prefix: read_aws_sdk(Path(prefix).absolute()),
        metavar="PREFIX",
        help='link the static aws-sdk-cpp that is installed there: the wheel gets transport="aws",'
        f" and into {AWS_SDK}/ below the folder",
    )
    parser.add_argument("--output", type=Path, default=DIST, help="folder, in place of dist/")
    options = parser.parse_args(arguments)

    os.environ["SOURCE_DATE_EPOCH"] = source_date_epoch()
    destination = options.output.absolute()
    target = Target(options.arch)
    sdk = options.aws_sdk
    if sdk is not None:
        destination /= AWS_SDK
    destination.mkdir(parents=True, exist_ok=True)
    for python in _interpreters(options.python, rows[options.arch].python):
        wheel = build_wheel(python, target, destination, sdk)
        if options.twice:
            _check_same_bytes(wheel, python, target, sdk)
        print(f"{wheel}: {wheel.stat().st_size:,} bytes, checked")
    if sdk is not None:
        return 0
    sdist = build_sdist(destination)
    print(f"{sdist}: {sdist.stat().st_size:,} bytes, checked")
    return 0


def _interpreters(asked: list[str] | None, known: list[str]) -> list[Path]:
    """Return the interpreters asked for, or those of the known ones that are on this machine."""
    if asked:
        return [find_python(version) for version in asked]
    found = []
    for version in known:
        try:
            found.append(find_python(version))
        except NoSuchPythonError as error:
            print(f"no wheel for Python {version}: {error}")
    return found


if __name__ == "__main__":
    sys.exit(main())
