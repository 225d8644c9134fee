"""The checks of what is neither C++ nor Python: the platform table, workflows, the Dockerfile."""

import shutil
import subprocess
import sys

from ci import agreement, generated, vulnerabilities
from ci.command import run
from ci.paths import ROOT

_ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"


def check_workflows() -> None:
    """Run actionlint and zizmor on the workflows.

    Raises
    ------
    subprocess.CalledProcessError
        If one finds something.
    """
    run("zizmor", "--offline", "--pedantic", "--quiet", ".github", cwd=ROOT)
    if shutil.which("go"):
        run("go", "run", _ACTIONLINT, cwd=ROOT)
    else:
        print("not run: actionlint (there is no Go)")


def check_dockerfiles() -> None:
    """Run hadolint on the Dockerfile of the documentation.

    Raises
    ------
    subprocess.CalledProcessError
        If it finds something.
    """
    run("hadolint", "docs/Dockerfile", cwd=ROOT)


def main() -> int:
    """Run all checks."""
    try:
        check_workflows()
        check_dockerfiles()
    except subprocess.CalledProcessError:
        return 1
    return generated.main(["--check"]) or agreement.main([]) or vulnerabilities.main([])


if __name__ == "__main__":
    sys.exit(main())
