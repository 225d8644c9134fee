"""The conda package, built against conda-forge where it can be reached, else against stand-ins."""

import argparse
import asyncio
import sys
import tempfile
import urllib.request
from pathlib import Path
from urllib.error import URLError

from rattler import Channel, VirtualPackage, install, solve

from ci.artifacts.conda_package import main as conda_package
from ci.artifacts.files import AWS_SDK, CONDA, DIST, STAND_INS
from ci.command import run
from ci.local import stand_ins
from ci.local.aws_sdk import AwsSdk, read_aws_sdk
from ci.local.sealed import run_sealed
from ci.paths import ROOT
from ci.table.platforms import read_table

_CONDA_FORGE = "conda-forge"
_PINS = "conda_build_config.yaml"

# A cache of its own for each build: tests of an older package of the same name would be taken for
# those of this one.
_CACHE = "RATTLER_CACHE_DIR"


def is_reachable(channel: str, timeout: float = 10) -> bool:
    """Say whether a channel, given by name or URL, can be reached within `timeout` seconds."""
    url = f"{Channel(channel).base_url}noarch/repodata.json.zst"
    try:
        urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=timeout).close()
    except (URLError, TimeoutError):
        return False
    return True


def build_with_conda_forge(pythons: list[str], output: Path) -> None:
    """Build with the packages of conda-forge, in the versions that conda-forge pins."""
    with tempfile.TemporaryDirectory(prefix="objectpipes-conda-forge-") as scratch:
        prefix = Path(scratch) / "pins"
        asyncio.run(_install_pins(prefix))
        run(
            *(sys.executable, "-m", "ci.artifacts.conda_package"),
            *_arguments([_CONDA_FORGE], prefix / _PINS, pythons, output),
            cwd=ROOT,
            env={_CACHE: f"{scratch}/cache"},
        )


def build_with_stand_ins(output: Path, sdk: AwsSdk | None = None) -> None:
    """Build with packages made of this machine's own files, isolated from everything else."""
    channels = [stand_ins.make_channel().as_uri()]
    with tempfile.TemporaryDirectory(prefix="objectpipes-sealed-") as scratch:
        pins = Path(scratch) / _PINS
        pins.write_text(stand_ins.pins(aws_transport=sdk is not None))
        if sdk is not None:
            sdk_channel = Path(scratch) / "aws-sdk"
            stand_ins.make_aws_sdk_channel(sdk, sdk_channel)
            channels.append(sdk_channel.as_uri())
        run_sealed(
            *(sys.executable, "-m", "ci.artifacts.conda_package"),
            *_arguments(channels, pins, [stand_ins.PYTHON], output),
            folder=Path(scratch),
            env={_CACHE: f"{scratch}/cache", "LANG": "C.UTF-8"},
        )


async def _install_pins(prefix: Path) -> None:
    records = await solve(
        sources=[_CONDA_FORGE],
        specs=["conda-forge-pinning"],
        virtual_packages=VirtualPackage.detect(),
    )
    await install(records, target_prefix=prefix, show_progress=False)


def _arguments(channels: list[str], pins: Path, pythons: list[str], output: Path) -> list[str]:
    places = ["--channel", *channels, "--pins", str(pins), "--output", str(output)]
    return [*places, "--python", *pythons]


def main(arguments: list[str] | None = None) -> int:
    """Build and test the conda package into dist/, or render its recipe."""
    rows = {row.platform: row for row in read_table().built_by("rattler-build")}
    parser = argparse.ArgumentParser(prog="scripts/build-conda", description=main.__doc__)
    parser.add_argument("--render", action="store_true", help="only show what is built where")
    parser.add_argument(
        "--stand-ins", action="store_true", help="don't ask whether conda-forge can be reached"
    )
    parser.add_argument(
        "--aws-sdk",
        type=lambda prefix: read_aws_sdk(Path(prefix).absolute()),
        metavar="PREFIX",
        help="with stand-ins, one of them made of the static aws-sdk-cpp that is installed there;"
        f" into {AWS_SDK}/ below the folder",
    )
    parser.add_argument("--output", type=Path, default=DIST, help="folder, in place of dist/")
    options = parser.parse_args(arguments)
    folder = options.output.absolute()
    if options.render:
        for platform, row in rows.items():
            conda_package(["--render", platform, "--python", *row.python])
    elif options.aws_sdk:
        build_with_stand_ins(folder / AWS_SDK / STAND_INS, options.aws_sdk)
    elif options.stand_ins or not is_reachable(_CONDA_FORGE):
        print("Building with stand-ins for the packages of conda-forge", flush=True)
        build_with_stand_ins(folder / STAND_INS)
    else:
        build_with_conda_forge(rows[stand_ins.SUBDIR].python, folder / CONDA)
    return 0


if __name__ == "__main__":
    sys.exit(main())
