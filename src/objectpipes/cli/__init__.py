"""The command ``objectpipes``.

Each subcommand is a module with ``add_arguments(parser)`` and ``run(options)``. It imports what it
needs when it runs: neither the help nor a usage error loads torch or the engine.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from .._importing import importing
from ..errors import ObjectStoreError
from . import bench, cat, completion, demo, doctor, index, ls, manifest
from .output import one_paragraph, prepare_stdout

__all__ = ["main", "parser"]

_COMMANDS = {
    "ls": ls,
    "cat": cat,
    "manifest": manifest,
    "index": index,
    "bench": bench,
    "doctor": doctor,
    "demo": demo,
    "completion": completion,
}

_DESCRIPTION = """\
List, read and measure objects in S3 and AIStore.

examples:
  objectpipes doctor s3://bucket/prefix         check each step up to the first byte
  objectpipes ls -l s3://bucket/train/          list objects with time and size
  objectpipes cat s3://bucket/readme.txt        write an object to standard output
  objectpipes manifest -o list s3://bucket/a/   save a listing for datasets
  objectpipes index s3://bucket/shards/         index tar shards for datasets
  objectpipes bench s3://bucket/train/          measure the speed of reading
  objectpipes demo                              try it on this machine, without a store
  objectpipes ls --endpoint-url http://localhost:9000 s3://bucket/
  objectpipes ls --endpoint-url http://gateway:51080 ais://bucket/
"""

_EPILOG = """\
exit codes:
  0    success
  1    failure; standard error says why and what to do
  2    invalid arguments
  130  interrupted (Ctrl-C)
  141  the program that read the output closed it

`objectpipes COMMAND --help` shows the options of a command.
"""

_FAILURE = 1
# Exit codes that a shell reports for programs ended by these signals.
_INTERRUPTED = 130
_BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        The arguments without the program's name; by default those of the process.

    Returns
    -------
    int
        The exit code.

    Raises
    ------
    SystemExit
        With 2, for invalid arguments.
    """
    options = parser().parse_args(arguments)
    prepare_stdout()
    try:
        code: int = options.run(options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader of our output has seen enough. Keep the interpreter from flushing the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (ObjectStoreError, ImportError, OSError) as error:
        more = f" See {error.help_url}" if isinstance(error, ObjectStoreError) else ""
        print(f"objectpipes {options.command}: {one_paragraph(error)}{more}", file=sys.stderr)
        return _FAILURE


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    program = argparse.ArgumentParser(
        prog="objectpipes",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    program.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = program.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module in _COMMANDS.items():
        summary = (module.__doc__ or "").partition("\n")[0].rstrip(".")
        command = commands.add_parser(name, help=summary, description=summary)
        command.set_defaults(run=module.run)
        module.add_arguments(command)
    return program


class _Version(argparse.Action):
    """Looks up the version only when it is requested."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        with importing:
            import objectpipes

        print(f"objectpipes {objectpipes.__version__}")
        parser.exit()
