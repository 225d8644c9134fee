"""Old and foreign systems for running wheels: roots made by debootstrap, kept in the cache.

A root of another architecture runs under qemu. Everything is mounted in a mount namespace that ends
with the command. Wheels are installed from outside, so a root does not change and needs no network.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ci.artifacts.files import BuiltFile
from ci.artifacts.results import Result
from ci.cache import cache_folder, locked
from ci.command import run
from ci.local import cpython, debian
from ci.local.debian import DebianError
from ci.paths import ROOT

SMOKE = ROOT / "tests" / "artifact" / "smoke.py"

_MANYLINUX = re.compile(r"manylinux_(?P<major>\d+)_(?P<minor>\d+)_(?P<arch>\w+)")

_DEBIAN_NAMES = {"aarch64": "arm64", "x86_64": "amd64"}

# What Debian's qemu-user-static has the kernel start for a foreign program, and no machine without
# systemd registers it. A registration that is made here is removed again.
_ISOLATED = """\
set -eu
formats=$1
shift
binfmt=/proc/sys/fs/binfmt_misc
known=$binfmt/$(basename "$formats" .conf)
if [ -n "$formats" ]; then
  [ -e $binfmt/register ] || mount -t binfmt_misc binfmt_misc $binfmt
  if ! [ -e "$known" ]; then
    cat "$formats" >$binfmt/register
    trap 'echo -1 >"$known"' EXIT
  fi
fi
"$@"
"""

_ENTER = """\
set -eu
root=$1
shared=$2
shift 2
mount -t proc proc "$root/proc"
mount --bind "$shared" "$root/mnt"
exec chroot "$root" env --ignore-environment HOME=/tmp LANG=C.UTF-8 \\
  PATH=/usr/local/bin:/usr/bin:/bin "$@"
"""


@dataclass(frozen=True)
class Root:
    """A system of its own in a folder."""

    about: str  # what is shown by running in it
    suite: str  # release of Debian
    arch: str  # processor, as uname -m has it
    python: str  # version
    packages: list[str] = field(default_factory=list)  # packages beside the smallest system
    # Whether its Python is compiled in it, because the release has an older one.
    compiled: bool = False
    glibc: tuple[int, int] = (2, 36)  # by default bookworm's


ROOTS = [
    Root("aarch64", "bookworm", "aarch64", "3.11", ["python3"]),
    # No older release is in the archive.
    Root(
        *("glibc 2.31", "bullseye", "x86_64", cpython.VERSION),
        packages=["gcc", "libc6-dev", "libffi-dev", "libssl-dev", "make", "zlib1g-dev"],
        compiled=True,
        glibc=(2, 31),
    ),
]


class NoRootError(Exception):
    """Nothing can be run in a root on this machine, or only by another user."""


def roots_for(built: BuiltFile) -> list[Root]:
    """Return the roots that a wheel is for."""
    tag = _MANYLINUX.fullmatch(built.platform)
    if built.channel != "wheel" or not tag:
        return []
    oldest = (int(tag["major"]), int(tag["minor"]))
    return [
        root
        for root in ROOTS
        if (tag["arch"], built.python) == (root.arch, root.python) and oldest <= root.glibc
    ]


def smoke_test(built: BuiltFile) -> Iterator[Result]:
    """List and read with a wheel in every root that it is for."""
    for root in roots_for(built):
        try:
            run_smoke(built, root)
        except (NoRootError, DebianError) as error:
            yield Result(root.about, SMOKE.name, "not run", str(error))
        except subprocess.CalledProcessError as error:
            reason = f"it ended with {error.returncode}"
            yield Result(root.about, SMOKE.name, "failed", reason)
        else:
            yield Result(root.about, SMOKE.name, "passed")


def run_smoke(built: BuiltFile, root: Root) -> None:
    """List and read with a wheel in a root; `run_inside` says what it raises."""
    with tempfile.TemporaryDirectory(prefix="objectpipes-root-") as scratch:
        shared = Path(scratch)
        _install(built, root, shared / "packages")
        shutil.copy(SMOKE, shared)
        run_inside(
            root, shared, *("env", "PYTHONPATH=/mnt/packages", "python3", f"/mnt/{SMOKE.name}")
        )


def run_inside(root: Root, shared: Path, *command: str) -> None:
    """Run a program in a root, which is made unless the cache has it.

    If nothing can be run in it on this machine, that is a `NoRootError` or a `DebianError`.
    """
    _check_machine(root)
    cache = cache_folder(f"roots/{root.suite}-{root.arch}-{_cache_key(root)}")
    with locked(cache):
        if not (cache / "root").exists():
            _make(root, cache)
        _enter(root, cache / "root", shared, *command)


def _check_machine(root: Root) -> None:
    debian.check_programs("debootstrap", "unshare")
    if root.arch != platform.machine():
        debian.check_programs(f"qemu-{root.arch}-static")
    if os.geteuid() != 0:
        raise NoRootError("only root can make and enter a root directory")


def _cache_key(root: Root) -> str:
    recipe = [*root.packages, cpython.cache_key() if root.compiled else ""]
    return hashlib.sha256("\0".join(recipe).encode()).hexdigest()[:16]


def _make(root: Root, cache: Path) -> None:
    unfinished = cache / "unfinished"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    _isolated(
        root,
        *("debootstrap", "--variant=minbase", f"--arch={_DEBIAN_NAMES[root.arch]}"),
        *(f"--include={','.join(root.packages)}", root.suite, unfinished, debian.archive()),
    )
    if root.compiled:
        _compile_python(root, unfinished)
    unfinished.rename(cache / "root")


def _compile_python(root: Root, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="objectpipes-python-") as scratch:
        source = Path(scratch) / "python"
        cpython.extract(source)
        compile_ = f"cd /mnt\n{cpython.COMPILE}"
        _enter(root, folder, source, "sh", "-c", compile_, "sh", "/usr/local")


def _enter(root: Root, folder: Path, shared: Path, *command: str) -> None:
    _isolated(root, "sh", "-c", _ENTER, "sh", folder, shared, *command)


def _isolated(root: Root, *command: str | Path) -> None:
    """Run a program of this machine that may mount file systems and start programs of the root."""
    formats = "" if root.arch == platform.machine() else f"/usr/lib/binfmt.d/qemu-{root.arch}.conf"
    run(*("unshare", "--mount", "sh", "-c", _ISOLATED, "sh", formats), *command)


def _install(built: BuiltFile, root: Root, folder: Path) -> None:
    """Install a wheel, and what it needs, for the Python of a root."""
    run(
        *("uv", "pip", "install", "--quiet", "--target", folder, "--only-binary=:all:"),
        *(f"--python-version={root.python}", f"--python-platform={root.arch}-manylinux_2_28"),
        built.path,
    )
