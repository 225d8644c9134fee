"""torchdata 0.9, whose pipes have the names of ours, works in the same process.

Not run where it is missing, or has no S3 for this platform and Python.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from faults import FaultServer
from integration.pipes import CREDENTIALS
from old_torchdata import FOLDER, needs_newer_torch

pytestmark = [
    needs_newer_torch,
    pytest.mark.skipif(
        not any(FOLDER.glob("torchdata/_torchdata.*")),
        reason="there is no torchdata 0.9 with S3 for this platform and Python",
    ),
]

CONTENT = {f"{i:02}": bytes([i]) * (i * 1000 + 1) for i in range(5)}

IMPORTS = {
    "theirs": "import torchdata.datapipes.iter as theirs",
    "ours": "import objectpipes.iter as ours",
}
USE = """
for pipes in (ours, theirs, ours):
    urls = pipes.S3FileLister(["s3://bucket"])
    print([(url, len(data := stream.read()), set(data)) for url, stream in pipes.S3FileLoader(urls)])
files = theirs.IterableWrapper(["s3://bucket"]).list_files_by_s3().load_files_by_s3()
assert type(files) is ours.S3FileLoader
"""


@pytest.mark.parametrize("order", [["ours", "theirs"], ["theirs", "ours"]], ids=" first, ".join)
def test_both_read_whichever_is_imported_first(order: list[str]) -> None:
    program = "\n".join([*(IMPORTS[name] for name in order), USE])
    with FaultServer({"bucket": CONTENT}) as server:
        environment = {
            "AWS_ACCESS_KEY_ID": CREDENTIALS.access_key,
            "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_key,
            "AWS_REGION": "us-east-1",
            "S3_ENDPOINT_URL": server.endpoint,
            "S3_USE_HTTPS": "0",
            "PYTHONPATH": os.pathsep.join(
                filter(None, [str(FOLDER), os.environ.get("PYTHONPATH")])
            ),
        }
        output = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=100,
        ).stdout
    expected = [(f"s3://bucket/{key}", len(data), set(data)) for key, data in CONTENT.items()]
    assert output == f"{expected}\n" * 3
