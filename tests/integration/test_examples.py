"""The examples run unchanged, on a server of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from integration.clusters import running
from objectpipes.demo.pictures import make_picture
from servers import Seaweed

EXAMPLES = Path(__file__).parents[2] / "examples"
PICTURES = 72

pytestmark = pytest.mark.timeout(900)
needs_states = pytest.mark.skipif(
    find_spec("torchdata") is None or find_spec("torchdata.nodes") is None,
    reason="there is no torchdata >= 0.11",
)


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """Start a store with pictures, and yield what tells the examples how to reach it."""
    with running(Seaweed()) as server:
        server.create_bucket("bucket")
        pictures = {f"pictures/{i:03}.jpg": make_picture(i).data for i in range(PICTURES)}
        server.put_many("bucket", pictures)
        yield {**os.environ, **server.environment(), "OMP_NUM_THREADS": "1"}


def run_pictures(environment: dict[str, str], ranks: int, folder: Path, *options: str) -> list[str]:
    """Return what the example prints."""
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", str(ranks)]
    rendezvous = ["--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0"]
    rendezvous += ["--local-addr", "127.0.0.1"]
    example = [str(EXAMPLES / "pictures_ddp.py"), "s3://bucket/pictures/", str(folder), *options]
    return subprocess.run(
        [sys.executable, *torchrun, *rendezvous, *example],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=300,
    ).stdout.splitlines()


@needs_states
def test_pictures_with_ddp_go_on_with_other_processes(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """72 pictures are 5 batches of 16; the model is that of a run that was not stopped."""
    options = ("--global-batch", "16", "--workers", "1", "--save-every", "2")
    whole = run_pictures(environment, 2, tmp_path / "whole", *options)
    assert [line.partition(",")[0] for line in whole] == [
        "epoch 0: 80 pictures",
        "epoch 1: 80 pictures",
    ]
    assert run_pictures(environment, 2, tmp_path / "both", *options, "--stop-after", "3") == []
    rest = run_pictures(environment, 1, tmp_path / "both", *options)
    assert rest[0].partition(",")[0] == "epoch 0: 48 pictures"
    losses = [float(line.rpartition(" ")[2]) for line in (*whole, *rest)]
    assert losses[2:] == pytest.approx(losses[:2], abs=1e-3)


@needs_states
def test_resumption_after_kill(environment: dict[str, str], tmp_path: Path) -> None:
    """Killed twice with signal 9, between checkpoints, training ends with the same model."""

    def start(checkpoint: Path) -> subprocess.Popen[str]:
        arguments = [str(EXAMPLES / "resume_after_kill.py"), "s3://bucket/pictures/"]
        return subprocess.Popen(
            [sys.executable, *arguments, str(checkpoint), "--workers", "1"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )

    whole = start(tmp_path / "whole.pt").communicate(timeout=300)[0].splitlines()
    assert len(whole) == 2 * 9 + 1
    for _ in range(2):
        with start(tmp_path / "killed.pt") as process:
            assert process.stdout
            for line in process.stdout:
                if "step 7" in line:
                    process.kill()
                    break
    rest = start(tmp_path / "killed.pt").communicate(timeout=300)[0].splitlines()
    assert rest[-1] == whole[-1]
    assert len(rest) == 2 * 9 - 2 * 5 + 1
