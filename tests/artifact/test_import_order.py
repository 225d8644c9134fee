"""The engine shares a process with others that bring a TLS library, a curl or a C++ runtime."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from artifact.cells import SIZES, Store, content

# What makes the native code of a package work.
_USES = {
    "cv2": "import cv2, numpy; cv2.imencode('.png', numpy.zeros((2, 2, 3), numpy.uint8))",
    "grpc": "import grpc; grpc.secure_channel('127.0.0.1:1', grpc.ssl_channel_credentials()).close()",
    "numpy": "import numpy; numpy.linalg.inv(numpy.eye(3))",
    # It has an S3 client, a curl and an OpenSSL of its own: they read the object that we read.
    "pyarrow": """\
from pyarrow.fs import S3FileSystem
theirs = S3FileSystem(endpoint_override=os.environ["AWS_ENDPOINT_URL"], region="us-east-1",
                      tls_ca_file_path=os.environ["AWS_CA_BUNDLE"])
assert theirs.open_input_file(url.partition("://")[2]).readall() == expected""",
    "torch": "import torch; torch.ones(3).sum().item()",
}
_HEAD = """\
import contextlib, io, os, sys
url, transport = sys.argv[1:]
expected = sys.stdin.buffer.read()"""
_READ = """\
from objectpipes.cli import main
with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())) as stdout:
    assert main(["cat", f"--transport={transport}", url]) == 0
    stdout.flush()
    assert stdout.buffer.getvalue() == expected"""


def uses_of(name: str) -> list[str]:
    """Return code that uses a package, or all of them; without any, the test is not run."""
    names = [name for name in (_USES if name == "all" else [name]) if find_spec(name)]
    if not names:
        pytest.skip(f"there is no {name} for this Python")
    return [_USES[name] for name in names]


@pytest.mark.parametrize("first", ["objectpipes", "others"])
@pytest.mark.parametrize("name", [*_USES, "all"])
def test_both_work_whoever_comes_first(tls_store: Store, name: str, first: str) -> None:
    uses = uses_of(name)
    # Once more at the end: what came last must not have broken what was there before.
    order = [_READ, *uses, _READ] if first == "objectpipes" else [*uses, _READ, *uses]
    program = "\n".join([_HEAD, *order])
    subprocess.run(
        [sys.executable, "-c", program, tls_store.url("sizes/3"), tls_store.transport],
        input=content(SIZES[3]),
        env={**os.environ, **tls_store.environment},
        check=True,
    )
