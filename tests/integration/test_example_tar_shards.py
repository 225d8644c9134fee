"""The example of tar shards runs, and continues where it was stopped."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from archives import shard_of
from faults import FaultServer
from integration.pipes import CREDENTIALS
from objectpipes.cli import main

EXAMPLE = Path(__file__).parents[2] / "examples" / "tar_shards.py"

pytestmark = pytest.mark.skipif(
    find_spec("torchdata") is None or find_spec("torchdata.stateful_dataloader") is None,
    reason="there is no torchdata with a loader that has states",
)


def test_it_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    shards = {f"shards/{number}.tar": shard_of(number * 32, 32, 500) for number in range(4)}
    with FaultServer({"bucket": shards}) as server:
        environment = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": CREDENTIALS.access_key,
            "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_key,
            "AWS_REGION": "us-east-1",
            "S3_ENDPOINT_URL": server.endpoint,
        }
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            assert main(["index", "s3://bucket/shards/", "-o", str(tmp_path / "index")]) == 0

        def run(*options: str) -> list[str]:
            where = ["s3://bucket/shards/", "--index", str(tmp_path / "index")]
            command = [sys.executable, "-W", "ignore", str(EXAMPLE), *where, *options]
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=100
            )
            assert done.returncode == 0, done.stderr
            return done.stdout.splitlines()

        whole = run("--checkpoint", str(tmp_path / "whole"))
        checkpoint = ("--checkpoint", str(tmp_path / "stopped"))
        assert run(*checkpoint, "--steps", "3") + run(*checkpoint) == whole
    assert len(whole) == 8
