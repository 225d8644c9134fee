"""A sealed program finds nothing that it was not given."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ci.local.sealed import run_sealed

LOOK_AROUND = """
import json, os, shutil, socket, sys
with socket.create_server(("127.0.0.1", 0)) as server:
    loopback = socket.create_connection(server.getsockname()).close() is None
interfaces = [name for _, name in socket.if_nameindex()]
seen = dict(os.environ), interfaces, loopback, shutil.which("cat"), shutil.which("cmake")
json.dump(seen, open(sys.argv[1], "w"))
"""


@pytest.mark.usefixtures("namespaces")
def test_no_network_no_settings_few_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXXFLAGS", "-Ifrom-this-machine")
    seen = tmp_path / "seen.json"
    run_sealed(
        *(sys.executable, "-c", LOOK_AROUND, seen), folder=tmp_path / "sealed", env={"GIVEN": "1"}
    )
    environment, interfaces, loopback, cat, cmake = json.loads(seen.read_text())
    assert environment.keys() - {"LC_CTYPE"} == {"GIVEN", "HOME", "PATH"}
    assert environment["HOME"] == str(tmp_path / "sealed" / "home")
    assert interfaces == ["lo"]
    assert loopback
    assert cat == str(tmp_path / "sealed" / "bin" / "cat")
    assert cmake is None


@pytest.mark.usefixtures("namespaces")
def test_a_failure_inside_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run_sealed(sys.executable, "-c", "exit(3)", folder=tmp_path / "sealed", env={})
