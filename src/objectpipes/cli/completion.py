"""Print a script that completes the command line in a shell."""

from __future__ import annotations

import argparse

from .._importing import importing
from .requirements import require


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line of ``completion``."""
    parser.add_argument(
        "shell",
        choices=("bash", "zsh", "tcsh"),
        help='for example: eval "$(objectpipes completion bash)"',
    )


def run(options: argparse.Namespace) -> int:
    """Print the script, which shtab makes of the parser."""
    require("completion", "shtab")
    with importing:
        import shtab

        from . import parser

    print(shtab.complete(parser(), options.shell))
    return 0
