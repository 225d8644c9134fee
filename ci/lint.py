"""Checks everything but C++ and Python: platform table, workflows, links, Dockerfile."""

import shutil
import subprocess
import sys

from ci.command import run
from ci.paths import ROOT
from ci.release import vulnerabilities
from ci.table import agreement, generated, repository

_ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"


def check_workflows() -> list[str]:
    """Run actionlint and zizmor on the workflows; return what could not be run."""
    run("zizmor", "--offline", "--pedantic", "--quiet", ".github", cwd=ROOT)
    if not shutil.which("go"):
        return ["actionlint (there is no Go)"]
    run("go", "run", _ACTIONLINT, cwd=ROOT)
    return []


def check_dockerfiles() -> None:
    """Run hadolint on the Dockerfile of the documentation."""
    run("hadolint", "docs/Dockerfile", cwd=ROOT)


def main() -> int:
    """Run all checks. The last lines name those that could not be run."""
    try:
        not_run = check_workflows()
        check_dockerfiles()
    except subprocess.CalledProcessError:
        return 1
    checks = (generated.main(["--check"]), agreement.main([]), vulnerabilities.main([]))
    failed = max(*checks, repository.main([]))
    for name in not_run:
        print(f"not run: {name}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
