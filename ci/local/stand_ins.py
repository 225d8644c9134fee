"""A conda channel made of this machine's own Python, compiler and libraries.

Where no conda channel can be reached, the recipe is built and tested against these stand-ins.
Their names, dependencies and run exports are those of conda-forge, so that the package comes out
with the dependencies it would have there; their contents are Debian's, PyPI's and the Python that
runs this program. Nothing of them is ever published.
"""

import asyncio
import hashlib
import inspect
import json
import os
import platform
import re
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PathDistribution, version
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import cmake
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from rattler import Subdir
from rattler.index import index_fs
from rattler_build import Stage0Recipe, VariantConfig, assemble_package

from ci.cache import cache_folder, locked
from ci.command import environment, output, run
from ci.local.aws_sdk import AwsSdk

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_ABI = f"cp{PYTHON.replace('.', '')}"
_MULTIARCH = f"{platform.machine()}-linux-gnu"
_COMPILER_TRIPLE = f"{platform.machine()}-conda-linux-gnu"
SUBDIR = str(Subdir.current())

# Read now, because the file may be edited during the build.
_SOURCE = inspect.getsource(sys.modules[__name__])

# Packages of PyPI for building, running and testing the package.
_WHEELS = ["pip", "scikit-build-core", "pybind11-global", "botocore", "pyelftools"]
_CONDA_NAMES = {"pybind11-global": "pybind11"}

_COMPILER = """\
#!/bin/sh
exec /usr/bin/g++ -B/usr/bin/ --sysroot="$(dirname "$0")/../{triple}/sysroot" "$@"
"""
_BINUTILS = ("ar", "nm", "ranlib", "strip")

# The tests of a recipe call pip by its name.
_CONSOLE_SCRIPT = """\
#!/bin/sh
exec "$(dirname "$0")/python" -c "import sys, {module}; sys.exit({module}.{function}())" "$@"
"""

# The part of conda-forge's that a build with CMake looks at.
_ACTIVATE_COMPILER = """\
export CXX="$BUILD_PREFIX/bin/{triple}-c++"
export CXXFLAGS="-O2 -isystem $PREFIX/include"
export LDFLAGS="-Wl,--as-needed -Wl,-rpath,$PREFIX/lib -Wl,-rpath-link,$PREFIX/lib -L$PREFIX/lib"
export CMAKE_PREFIX_PATH="$PREFIX"
export CMAKE_ARGS="-DCMAKE_BUILD_TYPE=Release -DCMAKE_FIND_ROOT_PATH_MODE_PROGRAM=NEVER\
 -DCMAKE_AR=$BUILD_PREFIX/bin/{triple}-ar -DCMAKE_RANLIB=$BUILD_PREFIX/bin/{triple}-ranlib\
 -DCMAKE_NM=$BUILD_PREFIX/bin/{triple}-nm -DCMAKE_STRIP=$BUILD_PREFIX/bin/{triple}-strip\
 -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY\
 -DCMAKE_FIND_ROOT_PATH=$PREFIX;$BUILD_PREFIX/{triple}/sysroot"
"""

# What conda-forge-pinning says on conda-forge.
_PINS = """\
c_stdlib:
  - sysroot
c_stdlib_version:
  - "{glibc}"
cxx_compiler:
  - gxx
cxx_compiler_version:
  - "{gcc}"
aws_transport:
  - {aws_transport}
"""

# What only a static aws-sdk-cpp needs, so that it may be missing here, and Debian's package of it.
_FOR_AWS_SDK = {"libcurl": "libcurl4-openssl-dev", "zlib": "zlib1g-dev"}

_LINKING_UNCHECKED = {"overlinking_behavior": "ignore", "overdepending_behavior": "ignore"}

# Programs that find their own files; nothing in them is for rattler-build to adapt.
_AS_IT_IS = {
    "prefix_detection": {"ignore": True},
    "dynamic_linking": {"binary_relocation": False, **_LINKING_UNCHECKED},
}


@dataclass(frozen=True)
class StandIn:
    """A package to make."""

    name: str  # on conda-forge
    version: str  # of what it is made of
    host: Sequence[str] = ()  # packages that its script needs
    run: Sequence[str] = ()  # packages that it needs when it is used
    constraints: Sequence[str] = ()  # what it asks of packages that need not be there
    # Dependencies of what is built with it, by kind (weak, strong, noarch).
    run_exports: dict[str, list[str]] = field(default_factory=dict)
    build: dict[str, Any] = field(default_factory=dict)  # further keys of the recipe's build
    # Commands that fill $PREFIX, run in a copy of its folder of files.
    script: Sequence[str] = ("cp -a . $PREFIX",)

    def recipe(self, files: Path) -> dict[str, Any]:
        """Return the recipe (v1)."""
        return {
            "schema_version": 1,
            "package": {"name": self.name, "version": self.version},
            "source": {"path": str(files), "use_gitignore": False},
            "build": {"script": list(self.script), **self.build},
            "requirements": {
                "host": list(self.host),
                "run": list(self.run),
                "run_constraints": list(self.constraints),
                "run_exports": self.run_exports,
            },
            "about": {"license": "LicenseRef-stand-in"},
        }


def make_channel() -> Path:
    """Return the channel, made unless the cache has it: a folder for a ``file:`` URL."""
    if sys.base_prefix == "/usr":
        raise RuntimeError(
            "a conda package is tested with a Python that can be copied, not with /usr's: remove"
            " .venv and set PYTHON to one that lies in a folder of its own, as pyenv's do"
        )
    channel = cache_folder(f"conda/{_identity()}")
    complete = channel / ".complete"
    with locked(channel):
        if not complete.exists():
            with tempfile.TemporaryDirectory(prefix="objectpipes-stand-ins-") as scratch:
                _make(Path(scratch) / "channel", Path(scratch))
                for packages in [SUBDIR, "noarch"]:
                    shutil.copytree(
                        Path(scratch) / "channel" / packages, channel / packages, dirs_exist_ok=True
                    )
            complete.touch()
    return channel


def make_aws_sdk_channel(sdk: AwsSdk, channel: Path) -> None:
    """Make a channel of nothing but ``aws-sdk-cpp``, which Debian does not have, in a new folder.

    It is static: what is linked with it depends on what it would depend on itself.
    """
    needed = [library for library, _ in _libraries() if library.name in _FOR_AWS_SDK]
    if len(needed) < len(_FOR_AWS_SDK):
        names = " ".join(_FOR_AWS_SDK.values())
        raise RuntimeError(f"a static aws-sdk-cpp needs other libraries: apt-get install {names}")
    package = StandIn(
        "aws-sdk-cpp",
        sdk.version,
        run=[library.name for library in needed],
        run_exports={
            "weak": [export for library in needed for export in library.run_exports["weak"]]
        },
        build=_AS_IT_IS,
    )
    with tempfile.TemporaryDirectory(prefix="objectpipes-aws-sdk-") as cache:
        os.environ.update(environment(), RATTLER_CACHE_DIR=cache)
        _build(package, sdk.prefix, channel)
    asyncio.run(index_fs(channel))


def pins(*, aws_transport: bool) -> str:
    """Return the text of ``conda_build_config.yaml``, as conda-forge-pinning would have it."""
    return _PINS.format(
        glibc=_debian_version("libc6"),
        gcc=_gcc_version(),
        aws_transport=json.dumps(aws_transport),
    )


def _identity() -> str:
    """Return a name for the channel: it changes when its contents may."""
    parts = [_SOURCE, sys.version, sys.base_prefix, pins(aws_transport=False)]
    parts += [json.dumps([asdict(package) for package, _ in _libraries()])]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _make(channel: Path, scratch: Path) -> None:
    # A cache of its own: an older package of the same name would be taken for this one.
    os.environ.update(environment(), RATTLER_CACHE_DIR=str(scratch / "cache"))
    for package, debian in _libraries():
        _build(package, _debian_files(debian, scratch / package.name), channel)
    for package, files in [
        (_sysroot(), _sysroot_files(scratch / "sysroot")),
        (_compiler(), _compiler_files(scratch / "compiler")),
        (_tool("cmake", version("cmake")), _cmake_files(scratch / "cmake")),
        (_tool("ninja", version("ninja")), _ninja_files(scratch / "ninja")),
        (_python_abi(), _empty(scratch / "python_abi")),
        (_python(), _python_files(scratch / "python")),
    ]:
        _build(package, files, channel)
    wheels = _empty(scratch / "wheels")
    run(
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"),
        *("--only-binary", ":all:", "--dest", str(wheels), *_WHEELS),
    )
    for wheel in wheels.iterdir():
        _repack(wheel, scratch / wheel.stem, channel)
    asyncio.run(index_fs(channel))


def _build(package: StandIn, files: Path, channel: Path) -> None:
    print(f"stand-in {package.name} {package.version}", flush=True)
    recipe = Stage0Recipe.from_dict(package.recipe(files), recipe_dir=files)
    for variant in recipe.render(VariantConfig({"python": [PYTHON]})):
        variant.run_build(output_dir=channel, channels=[channel.as_uri()], package_format="conda:1")


# --- libraries, from Debian -----------------------------------------------------------------------


def _libraries() -> Iterator[tuple[StandIn, list[str]]]:
    """Return the libraries and the Debian packages that they are made of."""
    for name, debian, upper_parts in [
        ("openssl", [_installed("libssl3t64", "libssl3"), "libssl-dev"], 1),
        ("c-ares", [_installed("libcares2", "libc-ares2"), "libc-ares-dev"], 1),
        ("pugixml", ["libpugixml1v5", "libpugixml-dev"], 2),
        ("xxhash", ["libxxhash0", "libxxhash-dev"], 3),
        ("libcurl", [_installed("libcurl4t64", "libcurl4"), "libcurl4-openssl-dev"], 1),
        ("zlib", ["zlib1g", "zlib1g-dev"], 1),
    ]:
        if name in _FOR_AWS_SDK and not _is_installed(_FOR_AWS_SDK[name]):
            continue
        found = _debian_version(debian[0])
        exported = f"{name} >={found},<{_upper_bound(found, upper_parts)}"
        yield StandIn(name, found, run_exports={"weak": [exported]}), debian
    yield StandIn("nlohmann_json", _debian_version("nlohmann-json3-dev")), ["nlohmann-json3-dev"]
    for name, debian_name in {"libstdcxx": "libstdc++6", "libgcc": "libgcc-s1"}.items():
        yield StandIn(name, _gcc_version()), [debian_name]


def _upper_bound(lowest: str, parts: int) -> str:
    """Return the first version that is not compatible any more, as conda writes it."""
    release = [*Version(lowest).release[:parts]]
    release[-1] += 1
    return ".".join(map(str, release)) + ".0a0"


def _debian_files(debian: Iterable[str], folder: Path) -> Path:
    """Copy headers, libraries and CMake files, without Debian's folders by architecture."""
    for file in _listed(debian):
        path = Path(str(file).replace(f"/{_MULTIARCH}", "")).relative_to("/")
        if path.parts[0] == "usr":
            path = path.relative_to("usr")
        if path.parts[0] in {"include", "lib"} or path.match("share/cmake/*/*"):
            _copy(file, folder / path)
            if path.suffix == ".cmake" and _MULTIARCH in str(file):
                _move_up(folder / path)
    return folder


def _move_up(cmake_file: Path) -> None:
    """Make up for the folder that is missing between a CMake file and the prefix."""
    up = 'get_filename_component(_IMPORT_PREFIX "${_IMPORT_PREFIX}" PATH)\n'
    text = cmake_file.read_text().replace(f"/{_MULTIARCH}", "")
    cmake_file.write_text(text.replace(up, "", 1))


def _listed(debian: Iterable[str]) -> Iterator[Path]:
    for file in map(Path, output("dpkg", "-L", *debian).splitlines()):
        if file.is_file():  # which /lib is not, though it is a link
            yield file


def _installed(*names: str) -> str:
    """Return which of a library's names, one per release of Debian, is that of a package here."""
    return next(filter(_is_installed, names), names[-1])


def _is_installed(package: str) -> bool:
    status = "--showformat=${Package} ${db:Status-Status}\n"
    return f"{package} installed" in output("dpkg-query", "--show", status).splitlines()


def _debian_version(package: str) -> str:
    """Return the upstream version of an installed package."""
    full = output("dpkg-query", "--show", "--showformat=${Version}", package)
    return re.sub(r"^\d+:|([.+](dfsg|ds)\d*)?-[^-]*$", "", full)


def _gcc_version() -> str:
    return output("gcc", "-dumpversion")


# --- the compiler ---------------------------------------------------------------------------------


def _sysroot() -> StandIn:
    glibc = _debian_version("libc6")
    return StandIn(
        f"sysroot_{SUBDIR}",
        glibc,
        run_exports={"strong": [f"__glibc >={glibc},<3.0.a0"]},
        build=_AS_IT_IS,
    )


def _sysroot_files(folder: Path) -> Path:
    gcc = _gcc_version()
    debian = ["libc6", "libc6-dev", "linux-libc-dev", "libcrypt1", "libcrypt-dev"]
    root = folder / _COMPILER_TRIPLE / "sysroot"
    for file in _listed([*debian, f"libstdc++-{gcc}-dev", f"libgcc-{gcc}-dev"]):
        _copy(file, root / file.relative_to("/"))
    return folder


def _compiler() -> StandIn:
    gcc = _gcc_version()
    return StandIn(
        f"gxx_{SUBDIR}",
        gcc,
        run=[f"sysroot_{SUBDIR}"],
        run_exports={"strong": [f"libstdcxx >={gcc}", f"libgcc >={gcc}"]},
        build=_AS_IT_IS,
    )


def _compiler_files(folder: Path) -> Path:
    compiler = folder / "bin" / f"{_COMPILER_TRIPLE}-c++"
    _write(compiler, _COMPILER.format(triple=_COMPILER_TRIPLE))
    compiler.chmod(0o755)
    for name in _BINUTILS:
        (folder / "bin" / f"{_COMPILER_TRIPLE}-{name}").symlink_to(f"/usr/bin/{name}")
    script = folder / "etc" / "conda" / "activate.d" / "compiler.sh"
    _write(script, _ACTIVATE_COMPILER.format(triple=_COMPILER_TRIPLE))
    return folder


def _tool(name: str, version: str) -> StandIn:
    return StandIn(name, version, build=_AS_IT_IS)


def _cmake_files(folder: Path) -> Path:
    shutil.copytree(Path(cmake.__file__).with_name("data"), folder)
    return folder


def _ninja_files(folder: Path) -> Path:
    _copy(Path(sysconfig.get_path("scripts")) / "ninja", folder / "bin" / "ninja")
    return folder


# --- Python and what comes from PyPI --------------------------------------------------------------


def _python_abi() -> StandIn:
    return StandIn(
        "python_abi",
        PYTHON,
        constraints=[f"python {PYTHON}.*"],
        build={"string": f"0_{_ABI}"},
        script=[],
    )


def _python() -> StandIn:
    abi = f"python_abi {PYTHON}.* *_{_ABI}"
    # From 3.13 on, the name of a build tells the ABI.
    build = _ABI if sys.version_info >= (3, 13) else "cpython"
    return StandIn(
        "python",
        platform.python_version(),
        host=["openssl"],
        run=["openssl"],
        constraints=[abi],
        run_exports={"noarch": ["python"], "weak": [abi]},
        build={
            "string": f"0_{build}",
            "dynamic_linking": _LINKING_UNCHECKED,
            "python": {
                "site_packages_path": f"lib/python{PYTHON}/site-packages",
                "skip_pyc_compilation": ["**/*.py"],
            },
        },
        script=[
            "cp -a . $PREFIX",
            # The prefix of an environment takes the place of the build's, on installation.
            f"grep -rlI --null {sys.base_prefix} $PREFIX/lib/python{PYTHON} $PREFIX/lib/pkgconfig"
            f" | xargs -0r sed -i s#{sys.base_prefix}#$PREFIX#g",
        ],
    )


def _python_files(folder: Path) -> Path:
    prefix = Path(sys.base_prefix)
    unneeded = ("site-packages", "__pycache__", "test", "config-*", "*.a")
    for part in [f"include/python{PYTHON}", f"lib/python{PYTHON}", "lib/pkgconfig"]:
        shutil.copytree(
            prefix / part, folder / part, symlinks=True, ignore=shutil.ignore_patterns(*unneeded)
        )
    for library in prefix.glob("lib/libpython3*.so*"):
        _copy(library, folder / "lib" / library.name)
    _copy(prefix / "bin" / f"python{PYTHON}", folder / "bin" / f"python{PYTHON}")
    for link in ["python", "python3"]:
        (folder / "bin" / link).symlink_to(f"python{PYTHON}")
    _write(folder / "lib" / f"python{PYTHON}" / "site-packages" / "README.txt", "")
    return folder


def _repack(wheel: Path, folder: Path, channel: Path) -> None:
    """Make a package of a wheel without commands, in the layout that fits every Python."""
    with ZipFile(wheel) as archive:
        archive.extractall(folder / "site-packages")
    for data in folder.glob("site-packages/*.data/data"):
        shutil.copytree(data, folder, dirs_exist_ok=True)
    (dist_info,) = folder.glob("site-packages/*.dist-info")
    metadata = PathDistribution(dist_info)
    print(f"stand-in {metadata.name} {metadata.version}", flush=True)
    for entry in metadata.entry_points.select(group="console_scripts"):
        script = folder / "python-scripts" / entry.name
        _write(script, _CONSOLE_SCRIPT.format(module=entry.module, function=entry.attr))
        script.chmod(0o755)
    assemble_package(
        name=_conda_name(metadata.name),
        version=metadata.version,
        target_platform="noarch",
        build_string="py_0",
        output_dir=channel / "noarch",
        files_dir=folder,
        depends=["python", *_requirements(metadata.requires or [])],
        noarch="python",
    )


def _requirements(lines: Iterable[str]) -> Iterator[str]:
    for requirement in map(Requirement, lines):
        if not requirement.marker or requirement.marker.evaluate({"extra": ""}):
            yield f"{_conda_name(requirement.name)} {requirement.specifier}".strip()


def _conda_name(name: str) -> str:
    name = canonicalize_name(name)
    return _CONDA_NAMES.get(name, name)


# --- files ----------------------------------------------------------------------------------------


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _empty(folder: Path) -> Path:
    folder.mkdir()
    return folder
