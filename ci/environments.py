"""Fresh environments with an artifact in them, and the packages that its tests need."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from packaging.tags import platform_tags
from rattler import Channel, Subdir, VirtualPackage, install, solve

from ci.artifacts import BuiltFile
from ci.build_conda import is_reachable
from ci.command import output, run
from ci.paths import ROOT
from ci.pythons import find_python
from ci.stand_ins import make_channel

_TEST_GROUP = f"{ROOT / 'pyproject.toml'}:artifact-test"


class NotRunnableError(Exception):
    """Nothing on this machine can run the artifact."""


def make_environment(built: BuiltFile, folder: Path) -> Path:
    """Install an artifact into a new environment and return its interpreter.

    Torch is installed too, where ``$WHEELHOUSE`` (by default ``../shared/wheels``) has it for
    that Python: the one on PyPI brings CUDA, which takes gigabytes.

    Parameters
    ----------
    built
        The artifact.
    folder
        Folder for the environment; must not exist.

    Raises
    ------
    NotRunnableError
        The artifact is for another machine.
    NoSuchPythonError
        There is no interpreter of its version.
    subprocess.CalledProcessError
        It cannot be installed.
    """
    if built.channel == "conda":
        python = _conda_environment(built, folder)
        wanted: list[str | Path] = []
    else:
        python = _virtual_environment(built, folder)
        wanted = [built.path]
    install_packages = ("uv", "pip", "install", "--quiet", "--python", python)
    run(*install_packages, "--group", _TEST_GROUP, *_torch_wheel(python), *wanted)
    return python


def _virtual_environment(built: BuiltFile, folder: Path) -> Path:
    if built.platform not in {"any", *platform_tags()}:
        raise NotRunnableError(f"this machine is {next(platform_tags())}")
    base = find_python(built.python) if built.python else Path(sys.executable)
    run("uv", "venv", "--quiet", "--python", base, folder)
    return folder / "bin" / "python"


def _conda_environment(built: BuiltFile, folder: Path) -> Path:
    if built.platform != str(Subdir.current()):
        raise NotRunnableError(f"this machine is {Subdir.current()}")
    asyncio.run(_install_conda(built, folder))
    return folder / "bin" / "python"


async def _install_conda(built: BuiltFile, folder: Path) -> None:
    """Install a package from its own channel, and what it needs from the one it was built with."""
    own = built.path.parents[1].as_uri()
    others = "conda-forge" if is_reachable("conda-forge") else make_channel().as_uri()
    records = await solve(
        sources=[Channel(own), Channel(others)],
        specs=[f"objectpipes[fn={built.path.name}]"],
        virtual_packages=VirtualPackage.detect(),
    )
    # A cache of its own: an older package of the same name would be taken for this one.
    with tempfile.TemporaryDirectory() as cache:
        await install(records, target_prefix=folder, cache_dir=Path(cache), show_progress=False)


def _torch_wheel(python: Path) -> list[Path]:
    wheelhouse = Path(os.environ.get("WHEELHOUSE") or ROOT.parent / "shared" / "wheels")
    code = "import sys; print('cp{}{}'.format(*sys.version_info[:2]))"
    return sorted(wheelhouse.glob(f"torch-*-{output(python, '-c', code)}-*.whl"))[-1:]
