"""The demo reads and verifies what it has stored, and leaves nothing behind."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path

import psutil
import pytest
from PIL import Image

from objectpipes.demo.pictures import make_picture, make_shard, pixels_digest
from objectpipes.demo.training import count_errors
from servers import AIStore

COMMAND = [sys.executable, "-m", "objectpipes", "demo", "--pictures", "30", "--shards", "1"]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the demo puts its temporary files; nothing else is there."""
    directory = tmp_path / "temporary"
    directory.mkdir()
    monkeypatch.setenv("TMPDIR", str(directory))
    return directory


def test_pictures_are_jpeg_files_of_mixed_sizes() -> None:
    pictures = [make_picture(number).data for number in range(40)]
    for picture in pictures:
        with Image.open(io.BytesIO(picture)) as image:
            assert image.format == "JPEG"
    sizes = sorted(map(len, pictures))
    assert sizes[0] < 8 << 10
    assert sizes[-1] > 40 << 10
    assert pictures == [make_picture(number).data for number in range(40)]


def test_a_shard_has_the_pictures_of_its_numbers() -> None:
    data, digests = make_shard(range(3, 6))
    with tarfile.open(fileobj=io.BytesIO(data)) as shard:
        names = shard.getnames()
        first = shard.extractfile(names[0])
        assert first
        assert first.read() == make_picture(3).data
    assert names == list(digests) == ["000003.jpg", "000004.jpg", "000005.jpg"]
    assert digests["000003.jpg"] == make_picture(3).digest


def test_every_way_to_be_wrong_is_an_error() -> None:
    expected = {"right": "1", "missing": "2", "twice": "3", "changed": "4"}
    seen = [("right", "1"), ("twice", "3"), ("twice", "3"), ("changed", "5"), ("unknown", "6")]
    assert count_errors(Counter(seen), expected) == 4


def test_pixels_count_and_not_bytes() -> None:
    file = make_picture(1).data
    with_comment = file[:2] + b"\xff\xfe\x00\x06more" + file[2:]
    assert pixels_digest(io.BytesIO(with_comment)) == make_picture(1).digest


def test_the_demo_proves_what_it_shows(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aisnode = AIStore.program.find()
    if aisnode:
        monkeypatch.setenv("AISNODE_BIN", str(aisnode))
    output = subprocess.run(COMMAND, capture_output=True, text=True)
    assert output.stderr == ""
    assert output.returncode == 0
    lines = output.stdout.splitlines()
    for store in ["S3", "AIStore"] if aisnode else ["S3"]:
        pictures, shards = (line.split() for line in lines if line.startswith(f"{store}, "))
        assert pictures[1:4] == ["pictures", "30", "30"]
        assert shards[1:4] == ["shards", "1", "150"]
        assert pictures[-2:] == shards[-2:] == ["0", "0"]
    assert any("exactly once and unchanged" in line for line in lines)
    table = lines[lines.index("What the loop and its workers waited for (S3, pictures):") + 1 :]
    assert [line.split()[0] for line in table[1:4]] == ["worker", "worker", "all"]
    assert lines[lines.index("Try next:") + 1].lstrip().startswith("objectpipes doctor")
    assert list(temporary.iterdir()) == []
    if not aisnode:
        pytest.skip("with S3 alone, because there is no AIStore")


def test_the_demo_says_what_it_cannot_run(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBJECTPIPES_CACHE", str(temporary))
    monkeypatch.delenv("AISNODE_BIN", raising=False)
    monkeypatch.setenv("PATH", os.defpath)
    output = subprocess.run(COMMAND, capture_output=True, text=True, check=True)
    assert "AIStore: not run, the program aisnode is missing" in output.stdout


def test_the_demo_leaves_aistore_out_when_it_is_told(temporary: Path) -> None:
    output = subprocess.run([*COMMAND, "--s3-only"], capture_output=True, text=True, check=True)
    assert "AIStore" not in output.stdout


def _heed_interrupts() -> None:
    """Undo what a shell does to jobs in the background, whose children inherit it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_leaves_nothing_behind_when_it_is_ended(
    temporary: Path, number: signal.Signals
) -> None:
    with subprocess.Popen(
        COMMAND,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_interrupts,
    ) as process:
        assert process.stdout
        assert process.stderr
        while not process.stdout.readline().startswith("Making"):
            pass
        others = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        assert process.stderr.read() == ""
    assert process.returncode == 128 + number
    assert others
    assert not any(other.is_running() for other in others)
    assert list(temporary.iterdir()) == []
