"""Fresh environments with an artifact in them, and the packages that its tests need."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import tomli
from packaging.tags import platform_tags
from rattler import Channel, Subdir, VirtualPackage, install, solve

from ci.artifacts.files import BuiltFile
from ci.command import output, run
from ci.local.pythons import find_python, interpreter_of
from ci.local.stand_ins import make_channel
from ci.paths import ROOT
from ci.table.platforms import has_test_packages

_PYPROJECT = ROOT / "pyproject.toml"
_TEST_GROUP = f"{_PYPROJECT}:artifact-test"


class NotRunnableError(Exception):
    """Nothing on this machine can run the artifact."""


def make_environment(built: BuiltFile, folder: Path) -> Path:
    """Install an artifact into a new environment and return its interpreter.

    What shares a process with it is installed too, where there are wheels for that Python. Torch
    comes from ``$WHEELHOUSE`` (by default ``../shared/wheels``) or the index at
    ``$TORCH_INDEX_URL``: the one on PyPI brings CUDA, which takes gigabytes. Where not even what
    the tests need is there (`has_test_packages`), nothing but the artifact is installed.

    An artifact for another machine is a `NotRunnableError`, for a Python that is not here a
    `NoSuchPythonError`.
    """
    if built.channel == "conda":
        python = _conda_environment(built, folder)
        wanted: list[str | Path] = []
    else:
        python = _virtual_environment(built, folder)
        wanted = [built.path]
    pip_install = ("uv", "pip", "install", "--quiet", "--python", python)
    if not has_test_packages(built.python):
        run(*pip_install, *wanted)
        return python
    run(*pip_install, "--group", _TEST_GROUP, *wanted)
    for companion in _companions(python):
        # The tests report packages without a wheel as not run.
        with suppress(subprocess.CalledProcessError):
            run(*pip_install, "--only-binary", ":all:", *companion)
    return python


def _companions(python: Path) -> Iterator[Sequence[str | Path]]:
    """Return for each package what uv is to install."""
    yield from _torch(python)
    for package in tomli.loads(_PYPROJECT.read_text())["dependency-groups"]["companions"]:
        yield [package]


def _torch(python: Path) -> Iterator[Sequence[str | Path]]:
    wheelhouse = Path(os.environ.get("WHEELHOUSE") or ROOT.parent / "shared" / "wheels")
    code = "import sys; print('cp{}{}'.format(*sys.version_info[:2]))"
    if wheels := sorted(wheelhouse.glob(f"torch-*-{output(python, '-c', code)}-*.whl")):
        yield [wheels[-1]]
    elif index := os.environ.get("TORCH_INDEX_URL"):
        yield ["--index-url", index, "torch>=2.1"]


def _virtual_environment(built: BuiltFile, folder: Path) -> Path:
    if built.platform not in {"any", *platform_tags()}:
        raise NotRunnableError(f"this machine is {next(platform_tags())}")
    base = find_python(built.python) if built.python else Path(sys.executable)
    run("uv", "venv", "--quiet", "--python", base, folder)
    return interpreter_of(folder)


def _conda_environment(built: BuiltFile, folder: Path) -> Path:
    if built.platform != str(Subdir.current()):
        raise NotRunnableError(f"this machine is {Subdir.current()}")
    asyncio.run(_install_conda(built, folder))
    return interpreter_of(folder)


async def _install_conda(built: BuiltFile, folder: Path) -> None:
    """Install a package from its own channel, with requirements from the channel of its build."""
    own = built.path.parents[1].as_uri()
    others = make_channel().as_uri() if built.stand_ins else "conda-forge"
    records = await solve(
        sources=[Channel(own), Channel(others)],
        specs=[f"objectpipes[fn={built.path.name}]"],
        virtual_packages=VirtualPackage.detect(),
    )
    # A cache of its own: an older package of the same name would be taken for this one.
    with tempfile.TemporaryDirectory() as cache:
        await install(records, target_prefix=folder, cache_dir=Path(cache), show_progress=False)
