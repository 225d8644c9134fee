"""Building the conda package, testing it, and rendering its recipe, against any channel.

`ci.artifacts.build_conda` chooses the channel and calls this where nothing else can be reached.
"""

import argparse
import asyncio
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from rattler import Channel, VirtualPackage, install, solve
from rattler.index import index_fs
from rattler_build import (
    JinjaConfig,
    Package,
    PlatformConfig,
    RenderConfig,
    RenderedVariant,
    Stage0Recipe,
    VariantConfig,
)

from ci.artifacts.files import CONDA, DIST
from ci.command import run
from ci.local.pythons import interpreter_of
from ci.paths import ROOT
from ci.table.generated import conda_python

RECIPE = ROOT / "recipes" / "objectpipes" / "recipe.yaml"
CONSUMER = ROOT / "recipes" / "consumer" / "recipe.yaml"

# The pins of a channel, so that all its packages fit together. conda-forge decides
# hundreds of other things, and also which Pythons; here the table does.
_PINNED = (
    "aws_sdk_cpp",
    "aws_transport",
    "c_ares",
    "c_stdlib",
    "c_stdlib_version",
    "cxx_compiler",
    "cxx_compiler_version",
    "openssl",
    "pugixml",
    "xxhash",
)

_REQUIREMENTS = ("build", "host", "run", "run_constraints")

# As sh and as cmd.exe print a command that they run.
_CONSUMER_TEST = re.compile(r"(\+ |>)objectpipes --version")


class CondaError(Exception):
    """A package has a fault."""


def render(
    pythons: Iterable[str], *, platform: str | None = None, pins: Path | None = None
) -> list[RenderedVariant]:
    """Return the packages that the recipe describes: one for each Python of the table's spelling.

    `platform` is conda's name of it, by default this machine's; `pins` is a
    ``conda_build_config.yaml`` with the versions to build against.
    """
    config = PlatformConfig(
        target_platform=platform, build_platform=platform, host_platform=platform
    )
    variants = _read_variants(RECIPE.with_name("variants.yaml"), config)
    if pins:
        pinned = _read_variants(pins, config)
        variants |= {name: pinned[name] for name in _PINNED if name in pinned}
    variants["python"] = [conda_python(python) for python in pythons]
    recipe = Stage0Recipe.from_file(RECIPE)
    return recipe.render(VariantConfig(variants), RenderConfig(platform=config))


def build(variants: Iterable[RenderedVariant], channels: list[str], output: Path) -> list[Path]:
    """Build the package, and check it in environments made of nothing but packages.

    `channels` (names or URLs) have everything else. The folder `output` becomes a channel itself.
    """
    with tempfile.TemporaryDirectory(prefix="objectpipes-conda-") as scratch:
        built = Path(scratch) / "built"
        built.mkdir()
        channels = [built.as_uri(), *channels]
        asyncio.run(index_fs(built))
        for consumer in Stage0Recipe.from_file(CONSUMER).render():
            consumer.run_build(output_dir=built, channels=channels)
        packages = [
            package
            for variant in variants
            for package in variant.run_build(output_dir=built, channels=channels).packages
        ]
        for package in map(Path, packages):
            _test(package, channels)
            asyncio.run(_install(package, channels, Path(scratch) / "prefix" / package.stem))
        return [_publish(Path(package), output) for package in packages]


def _read_variants(path: Path, platform: PlatformConfig) -> dict[str, list[object]]:
    context = JinjaConfig(platform=platform)
    return VariantConfig.from_files_with_context([path], context).to_dict()


def _test(package: Path, channels: list[str]) -> None:
    results = Package.from_file(package).run_tests(channel=channels)
    log = results[-1].output  # of all of them
    print(*log, sep="\n")
    if not all(results):
        raise CondaError(f"{package.name}: a test of the recipe fails")
    # A consumer that cannot be installed is a warning only.
    if not any(map(_CONSUMER_TEST.search, log)):
        raise CondaError(f"{package.name}: the downstream test did not run")


async def _install(package: Path, channels: list[str], prefix: Path) -> None:
    """Install a package into an empty prefix and read an object with it."""
    found = Package.from_file(package)
    records = await solve(
        sources=[Channel(channel) for channel in channels],
        specs=[f"{found.name} =={found.version} {found.build_string}", "pip"],
        virtual_packages=VirtualPackage.detect(),
    )
    await install(records, target_prefix=prefix, show_progress=False)
    python = interpreter_of(prefix)
    run(python, "-m", "pip", "check")
    run(python, ROOT / "tests" / "artifact" / "smoke.py", cwd=prefix)


def _publish(package: Path, channel: Path) -> Path:
    folder = channel / package.parent.name
    folder.mkdir(parents=True, exist_ok=True)
    copy = Path(shutil.copy2(package, folder))
    asyncio.run(index_fs(channel))
    return copy


def _lines(variants: Iterable[RenderedVariant]) -> Iterator[str]:
    """Print the platform and the requirements of each package."""
    for variant in variants:
        recipe = variant.recipe.to_dict()
        package, requirements = recipe["package"], recipe["requirements"]
        platform, python = (variant.variant[key] for key in ["target_platform", "python"])
        yield f"{package['name']} {package['version']} {platform} python {python}"
        yield from (f"  {kind}: {', '.join(requirements[kind])}" for kind in _REQUIREMENTS)


def main(arguments: list[str] | None = None) -> int:
    """Build and test the conda package against the channels given, or render its recipe."""
    parser = argparse.ArgumentParser(prog="ci.artifacts.conda_package", description=main.__doc__)
    parser.add_argument("--channel", nargs="+", default=[], help="where all else comes from")
    parser.add_argument("--python", nargs="+", required=True, help="versions to build for")
    parser.add_argument("--pins", type=Path, help="a conda_build_config.yaml")
    parser.add_argument("--render", metavar="PLATFORM", help="only show what would be built")
    parser.add_argument("--output", type=Path, default=DIST / CONDA, help="folder, a channel")
    options = parser.parse_args(arguments)
    variants = render(options.python, platform=options.render, pins=options.pins)
    if options.render:
        print(*_lines(variants), sep="\n")
        return 0
    for package in build(variants, options.channel, options.output):
        print(f"{package}: {package.stat().st_size:,} bytes, tested")
    return 0


if __name__ == "__main__":
    sys.exit(main())
