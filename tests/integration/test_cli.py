"""``objectpipes ls``, ``cat`` and ``bench``: for programs in a pipe, and for people."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from faults import FaultServer, kinds
from objectpipes import cli

LARGE = bytes(range(256)) * 80_000  # 20 MB: streamed, not held
ODD_KEYS = ["new\nline", "red \x1b[31m", "ünïcödé", "a%20b+c?d#e"]
OBJECTS = {
    "bucket": {
        "a/1": b"one",
        "a/2": b"two2",
        "b": b"",
        "large": LARGE,
    },
    "odd": dict.fromkeys(ODD_KEYS, b"x"),
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    with FaultServer(OBJECTS, page_size=2) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        yield server


def on_a_terminal(*arguments: str, stdout: int | None = None) -> tuple[str, int]:
    """Return what a command prints on a terminal, and its exit code."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    command = [sys.executable, "-m", "objectpipes", *arguments]
    with subprocess.Popen(
        command, stdin=its, stdout=its if stdout is None else stdout, stderr=its
    ) as process:
        os.close(its)
        shown = b""
        while True:
            try:
                shown += (piece := os.read(ours, 1 << 16))
            except OSError:  # how a terminal ends on Linux
                break
            if not piece:
                break
    os.close(ours)
    return shown.decode().replace("\r\n", "\n"), process.returncode


@pytest.mark.usefixtures("server")
def test_ls_shows_folders_and_objects(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert cli.main(["ls", "s3://bucket"]) == 0
    assert capsysbinary.readouterr().out.splitlines() == [
        b"s3://bucket/a/",
        b"s3://bucket/b",
        b"s3://bucket/large",
    ]


@pytest.mark.usefixtures("server")
def test_ls_as_json_has_an_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ls", "--json", "s3://odd"]) == 0
    entries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {entry["url"] for entry in entries} == {f"s3://odd/{key}" for key in ODD_KEYS}
    assert {entry["size"] for entry in entries} == {1}
    assert all(entry["etag"] and entry["mtime"] > 0 for entry in entries)


@pytest.mark.usefixtures("server")
def test_ls_goes_into_folders_page_by_page(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert cli.main(["ls", "-r", "s3://bucket"]) == 0
    assert capsysbinary.readouterr().out.splitlines() == [
        b"s3://bucket/a/1",
        b"s3://bucket/a/2",
        b"s3://bucket/b",
        b"s3://bucket/large",
    ]


@pytest.mark.usefixtures("server")
def test_ls_long_aligns_times_and_sizes(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert cli.main(["ls", "--long", "s3://bucket"]) == 0
    folder, empty, large = capsysbinary.readouterr().out.decode().splitlines()
    assert folder.split() == ["s3://bucket/a/"]
    assert empty.split()[1:] == ["0", "s3://bucket/b"]
    assert large.split()[1:] == [str(len(LARGE)), "s3://bucket/large"]
    assert len({line.index("s3://") for line in (folder, empty, large)}) == 1


@pytest.mark.usefixtures("server")
def test_ls_writes_any_key_byte_for_byte_into_a_pipe(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    assert cli.main(["ls", "s3://odd"]) == 0
    lines = sorted(f"s3://odd/{key}\n" for key in ODD_KEYS)
    assert capsysbinary.readouterr().out == "".join(lines).encode()


@pytest.mark.usefixtures("server")
def test_ls_escapes_on_a_terminal_what_it_would_obey_and_counts() -> None:
    shown, code = on_a_terminal("ls", "s3://odd")
    assert code == 0
    assert "\x1b" not in shown
    assert "s3://odd/red \\x1b[31m\n" in shown
    assert "s3://odd/new\\nline\n" in shown
    assert shown.endswith("4 entries, 4 B\n")


def test_ls_counts_on_a_terminal_when_the_output_goes_elsewhere(
    server: FaultServer, tmp_path: Path
) -> None:
    server.faults.add(kinds.StallBeforeReply(0.3), times=1)  # a bar is drawn every 0.1 s at most
    with (tmp_path / "output").open("wb") as output:
        shown, code = on_a_terminal("ls", "-r", "s3://bucket/a", stdout=output.fileno())
    assert code == 0
    assert (tmp_path / "output").read_text() == "s3://bucket/a/1\ns3://bucket/a/2\n"
    assert "2 entries [" in shown

    expected = "s3://bucket/a/1\ns3://bucket/a/2\n2 entries, 7 B\n"
    assert on_a_terminal("ls", "-r", "s3://bucket/a") == (expected, 0)


@pytest.mark.usefixtures("server")
def test_ls_of_a_bucket_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ls", "s3://nobody"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("objectpipes ls: The bucket does not exist: s3://nobody")
    assert captured.err.count("\n") == 1


@pytest.mark.usefixtures("server")
def test_cat_joins_objects(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    urls = ["s3://bucket/a/2", "s3://bucket/large", "s3://bucket/b", "s3://bucket/a/1"]
    assert cli.main(["cat", *urls]) == 0
    captured = capsysbinary.readouterr()
    assert captured.out == b"two2" + LARGE + b"one"
    assert captured.err == b""


@pytest.mark.usefixtures("server")
def test_cat_stops_at_an_object_that_does_not_exist(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    assert cli.main(["cat", "s3://bucket/a/1", "s3://bucket/none", "s3://bucket/a/2"]) == 1
    captured = capsysbinary.readouterr()
    assert captured.out == b"one"
    assert captured.err.startswith(b"objectpipes cat: The object does not exist")


@pytest.mark.usefixtures("server")
def test_cat_shows_progress_on_a_terminal_only_when_the_output_goes_elsewhere(
    tmp_path: Path,
) -> None:
    with (tmp_path / "output").open("wb") as output:
        shown, code = on_a_terminal("cat", "s3://bucket/large", stdout=output.fileno())
    assert code == 0
    assert (tmp_path / "output").read_bytes() == LARGE
    assert "large: " in shown

    assert on_a_terminal("cat", "s3://bucket/a/1", "s3://bucket/a/2") == ("onetwo2", 0)


@pytest.mark.usefixtures("server")
def test_a_reader_that_has_seen_enough_ends_the_command_in_silence() -> None:
    command = [sys.executable, "-m", "objectpipes", "cat", "s3://bucket/large"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.read(10) == LARGE[:10]
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("workers", ["0", "2"])
def test_bench_reads_everything_once(workers: str) -> None:
    command = [sys.executable, "-m", "objectpipes", "bench", "s3://bucket", "--seconds", "0"]
    output = subprocess.run(
        [*command, "--workers", workers], capture_output=True, text=True, check=True
    )
    assert output.stderr == ""
    rows = dict(line.split() for line in output.stdout.splitlines())
    assert rows["objects"] == "4"
    assert rows["MB"] == "20.5"
    assert rows["retries"] == "0"
    assert int(rows["requests"]) >= 4 + 2


@pytest.mark.usefixtures("server")
def test_bench_draws_what_happened(server: FaultServer, tmp_path: Path) -> None:
    server.faults.add(kinds.InternalError(), match=lambda request: request.key == "a/1", times=2)
    command = [sys.executable, "-m", "objectpipes", "bench", "s3://bucket", "--seconds", "0"]
    plot = tmp_path / "run.svg"
    output = subprocess.run(
        [*command, "--workers", "2", "--plot", str(plot)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(r"retries +2\b", output.stdout)
    root = ElementTree.parse(plot).getroot()
    assert "s3://bucket: 4 objects, 20.5 MB" in root.attrib["aria-label"]
    kinds_drawn = {shape.attrib.get("class") for shape in root.iter()}
    assert {"area", "bar"} <= kinds_drawn, "throughput and retries"


@pytest.mark.usefixtures("server")
def test_bench_says_at_once_that_a_plot_cannot_be_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    missing = tmp_path / "missing" / "run.svg"
    assert cli.main(["bench", "s3://bucket", "--plot", str(missing)]) == 1
    assert str(missing) in capsys.readouterr().err


def test_bench_names_the_object_that_a_worker_cannot_read(server: FaultServer) -> None:
    server.faults.add(kinds.NoSuchKey(), match=lambda request: request.key == "a/2")
    command = [sys.executable, "-m", "objectpipes", "bench", "s3://bucket", "--workers", "1"]
    output = subprocess.run(command, capture_output=True, text=True)
    assert output.returncode == 1
    assert output.stderr.startswith("objectpipes bench: The object does not exist: s3://bucket/a/2")
    assert output.stderr.count("\n") == 1


def test_listing_and_reading_need_no_torch(server: FaultServer) -> None:
    program = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "from objectpipes.cli import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    for command in ("ls", "cat", "doctor"):
        subprocess.run([sys.executable, "-c", program, command, "s3://bucket/a/1"], check=True)
    assert any(request.key == "a/1" for request in server.requests)
