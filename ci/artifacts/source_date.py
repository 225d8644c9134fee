"""The time that goes into artifacts in place of now, so that a commit gives the same bytes."""

import argparse
import os
import sys
from pathlib import Path

from ci.command import output
from ci.paths import ROOT


def source_date_epoch() -> str:
    """Return the time of the last commit, in seconds since 1970.

    ``$SOURCE_DATE_EPOCH`` overrides it.
    """
    return os.environ.get("SOURCE_DATE_EPOCH") or output(
        "git", "log", "-1", "--format=%ct", cwd=ROOT
    )


def main(arguments: list[str] | None = None) -> int:
    """Print the time; in a workflow, set $SOURCE_DATE_EPOCH to it for the steps that follow."""
    argparse.ArgumentParser(prog="ci.artifacts.source_date", description=main.__doc__).parse_args(
        arguments
    )
    line = f"SOURCE_DATE_EPOCH={source_date_epoch()}"
    if variables := os.environ.get("GITHUB_ENV"):
        with Path(variables).open("a") as file:
            print(line, file=file)
    print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
