"""The site that pip and conda install the nightly from."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from ci.artifacts.files import describe
from ci.release.nightly import make_site


def test_pip_installs_from_the_site(make_wheel: Callable[..., Path], tmp_path: Path) -> None:
    wheel = make_wheel()
    make_site([describe(wheel)], tmp_path / "site")
    index = (tmp_path / "site" / "simple").as_uri()
    pip = f"{sys.executable} -m pip download --quiet --isolated --no-deps --only-binary :all:"
    target = "--python-version 3.11 --platform manylinux_2_28_x86_64"
    command = f"{pip} {target} --index-url {index} --dest {tmp_path / 'got'} objectpipes"
    subprocess.run(command.split(), check=True)
    (got,) = (tmp_path / "got").iterdir()
    assert got.read_bytes() == wheel.read_bytes()


def test_the_site_is_a_conda_channel(tmp_path: Path) -> None:
    make_site([], tmp_path / "site")
    repodata = json.loads((tmp_path / "site" / "conda" / "noarch" / "repodata.json").read_text())
    assert repodata["info"]["subdir"] == "noarch"
