"""Makes files from the platform table, and checks that none is stale."""

import argparse
import sys
from pathlib import Path

from ci.markdown import markdown_table
from ci.paths import ROOT
from ci.table.platforms import Artifact, Table, read_table

_PLATFORMS_INTRO = """\
# Platforms

<!-- Made by `python -m ci.table.generated` from ci/table/platforms.toml; do not edit. -->

What is shipped, and when it was last tested as an installed artifact. "never" means that nobody
has done so yet, not that it fails. `t` marks a free-threaded Python; transports are those of
`s3://` URLs, and `ais://` works everywhere.

On Linux, `tests/build_modes` compiles every source file of the engine (all of `csrc` but the Python
bindings and `transport="aws"`) for Windows on x86_64 and for macOS on arm64, with zig and the
libraries' headers of Linux. Nothing is linked or run there.

Last verified of the transport aws, built against an aws-sdk-cpp of the machine: {aws_verified}.
"""

_HEADINGS = {
    "wheel": "Wheels",
    "conda": "Conda packages",
    "sdist": "Source distribution",
}

# The text of a section below its table.
_NOTES = {
    "conda": """\
Rendered: every test run reads the recipe for each of these platforms and Pythons. Built and tested
against stand-in packages: what `scripts/build-conda` makes where conda-forge cannot be reached, of
the machine's own Python, compiler and libraries.

"""
}

_COLUMNS = (
    "platform",
    "needs",
    "Python",
    "transports",
    "dependencies",
    "built by",
    "tests",
    "last verified",
)

_TESTED_WITH = """\
## Tested with

Every artifact whose tests are "all" is installed into an empty environment, out of reach of the
sources, and reads and lists objects of each of these servers over each transport it has; the
conformance tests, the order of imports and other systems' places for certificates come on top. What
a workflow cannot run of that is named, and anything else that was not run fails there. One that
"lists and reads" does so once where it is built, from a server in the same process; what is for
another architecture, in a root of that. With a Python that only lists and reads, since it lacks
packages that the tests need, threads do so, too.

"""

_VARIANTS = """\
# Made by `python -m ci.table.generated` from ci/table/platforms.toml; do not edit.
python:
{pythons}
c_stdlib:
  - if: linux
    then: sysroot
  - if: osx
    then: macosx_deployment_target
  - if: win
    then: vs
c_stdlib_version:
  - if: linux
    then: "2.17"
  - if: osx
    then: "11.0"
aws_transport:
  - {aws}
"""


def platforms_md(table: Table) -> str:
    """Return the text of ``platforms.md``."""
    sections = [_PLATFORMS_INTRO.format(aws_verified=table.aws_verified)]
    for channel, heading in _HEADINGS.items():
        rows = [_artifact_cells(artifact) for artifact in table.in_channel(channel)]
        note = _NOTES.get(channel, "")
        sections.append(f"## {heading}\n\n{note}{markdown_table(_COLUMNS, rows)}")
    servers = [(server.about, f"`{server.protocol}://`") for server in table.servers]
    sections.append(_TESTED_WITH + markdown_table(("server", "URLs"), servers))
    return "\n".join(sections)


def conda_variants(table: Table) -> str:
    """Return the text of the recipe's ``variants.yaml``."""
    rows = table.built_by("rattler-build")
    pythons = sorted(
        {python for row in rows for python in row.python},
        key=table.pythons().index,
    )
    return _VARIANTS.format(
        pythons="\n".join(f"  - {conda_python(python)}" for python in pythons),
        aws=str(all("aws" in row.transports for row in rows)).lower(),
    )


def generated_files(table: Table) -> dict[Path, str]:
    """Return path and text of every file made from the table."""
    return {
        ROOT / "platforms.md": platforms_md(table),
        ROOT / "recipes" / "objectpipes" / "variants.yaml": conda_variants(table),
    }


def _artifact_cells(artifact: Artifact) -> tuple[str, ...]:
    return (
        f"`{artifact.platform}`",
        artifact.needs,
        ", ".join(artifact.python),
        ", ".join(artifact.transports),
        artifact.dependencies,
        f"`{artifact.command}`",
        artifact.tests,
        artifact.verified,
    )


def conda_python(python: str) -> str:
    """Return a Python as conda-forge pins it: version, and the build that has that ABI."""
    names_abi = tuple(map(int, python.rstrip("t").split("."))) >= (3, 13)
    build = f"cp{python.replace('.', '')}" if names_abi else "cpython"
    return f"{python.rstrip('t')}.* *_{build}"


def main(arguments: list[str] | None = None) -> int:
    """Write the files made from ci/table/platforms.toml, or check that they are up to date."""
    parser = argparse.ArgumentParser(prog="ci.table.generated", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if one is stale")
    options = parser.parse_args(arguments)
    stale = [
        (path, text)
        for path, text in generated_files(read_table()).items()
        if not path.exists() or path.read_text() != text
    ]
    for path, text in stale:
        name = path.relative_to(ROOT)
        if options.check:
            print(f"{name} is stale: run python -m ci.table.generated", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(f"wrote {name}")
    return int(options.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
