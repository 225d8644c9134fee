"""Measures how much time ``import objectpipes`` adds to the start of the interpreter."""

import argparse
import resource
import subprocess
import sys

BAR_MS = 60

_RUNS = 20


def import_time(python: str = sys.executable, runs: int = _RUNS) -> float:
    """Return the time of ``import objectpipes`` in milliseconds of the processor.

    It is the least of many runs less the least of as many empty ones, taken in turn. With files in
    the cache an import waits for nothing, so that this is what a clock shows on a quiet machine;
    on a busy one, a clock shows the others' work.
    """
    pairs = [(_seconds(python, ""), _seconds(python, "import objectpipes")) for _ in range(runs)]
    empty = min(empty for empty, _ in pairs)
    return (min(importing for _, importing in pairs) - empty) * 1000


def _seconds(python: str, code: str) -> float:
    start = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([python, "-c", code], check=True)
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    return end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime


def main(arguments: list[str] | None = None) -> int:
    """Measure `import objectpipes`, and fail if it takes longer than it may."""
    parser = argparse.ArgumentParser(prog="ci.artifacts.import_time", description=main.__doc__)
    parser.add_argument("--python", default=sys.executable, help="interpreter that has objectpipes")
    found = import_time(parser.parse_args(arguments).python)
    print(f"import objectpipes: {found:.1f} ms over the interpreter's start, {BAR_MS} ms allowed")
    return int(found > BAR_MS)


if __name__ == "__main__":
    sys.exit(main())
