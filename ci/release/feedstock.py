"""The conda recipe in the form of conda-forge, which builds from a release, not from a checkout.

What it needs beside the source distribution (licences of headers, programs of tests) goes into the
recipe's own folder. That folder is submitted once; afterwards conda-forge's bot raises version and
checksum.
"""

import argparse
import hashlib
import shutil
import sys
from pathlib import Path

from packaging.utils import parse_sdist_filename

from ci.paths import ROOT
from ci.release.version import conda_version, recipe_version
from ci.table.repository import owner

_RECIPE = ROOT / "recipes" / "objectpipes"
_SMOKE = "tests/artifact/smoke.py"
_LICENSES = "wheels/licenses"

_SOURCE = """\
source:
  path: ../..
"""

_RELEASED_SOURCE = """\
source:
  url: https://github.com/{owner}/objectpipes/releases/download/v${{{{ version }}}}/{sdist}
  sha256: {sha256}
"""

_HEAD = """\
# Made by `python -m ci.release.feedstock` of https://github.com/{owner}/objectpipes.
"""

# Of what the checkout tests and conda-forge has not: symbols, and a package that needs this one.
_OWN_TESTS = """\
  - if: linux
    then:
      script: python check_exports.py
"""

_TESTS = """\
  - script:
      - python check_package.py
      - python smoke.py
    files:
      recipe:
        - check_package.py
        - smoke.py

"""


class FeedstockError(Exception):
    """The recipe or the source distribution has an unexpected form."""


def make_feedstock(sdist: Path, folder: Path) -> None:
    """Write the recipe of a release, and all that it needs, into a new folder."""
    _, version = parse_sdist_filename(sdist.name)
    if conda_version(str(version)) != recipe_version():
        raise FeedstockError(f"{sdist.name} is not of the recipe's version, {recipe_version()}")
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text(_released(sdist))
    for name in ("check_package.py", "conda-forge.yml"):
        shutil.copy(_RECIPE / name, folder)
    shutil.copy(ROOT / _SMOKE, folder)
    (folder / "licenses").mkdir()
    for name in ("nlohmann-json", "pybind11", "xxhash"):
        shutil.copy(ROOT / _LICENSES / f"{name}.txt", folder / "licenses")


def _released(sdist: Path) -> str:
    text = (_RECIPE / "recipe.yaml").read_text()
    source = _RELEASED_SOURCE.format(
        owner=owner(),
        sdist=sdist.name.replace(recipe_version(), "${{ version }}"),
        sha256=hashlib.sha256(sdist.read_bytes()).hexdigest(),
    )
    _, begin, text = _partition(text, "schema_version:")
    text = _HEAD.format(owner=owner()) + begin + text
    before, _, _ = _partition(text, "  - script:\n      - python check_package.py\n")
    _, _, after = _partition(text, "  - downstream: objectpipes-consumer\n\n")
    _partition(text, _OWN_TESTS)
    text = before + _TESTS + after
    for old, new in {
        _SOURCE: source,
        '${{ "ON" if aws_transport else "OFF" }}': '"ON"',
        "    - if: aws_transport\n      then: aws-sdk-cpp\n": "    - aws-sdk-cpp\n",
        f"    - {_LICENSES}/": "    - licenses/",
    }.items():
        _partition(text, old)
        text = text.replace(old, new)
    return text


def _partition(text: str, part: str) -> tuple[str, str, str]:
    if part not in text:
        raise FeedstockError(f"recipe.yaml has no {part!r}")
    return text.partition(part)


def main(arguments: list[str] | None = None) -> int:
    """Make the folder for conda-forge from a released source distribution."""
    parser = argparse.ArgumentParser(prog="ci.release.feedstock", description=main.__doc__)
    parser.add_argument("sdist", type=Path, help="the file that was released")
    parser.add_argument("folder", type=Path, help="new folder")
    options = parser.parse_args(arguments)
    try:
        make_feedstock(options.sdist, options.folder)
    except FeedstockError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
