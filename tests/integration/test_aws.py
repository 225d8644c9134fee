"""The transport over aws-sdk-cpp leaves the process as it found it, and names its limits."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from torch.utils.data import DataLoader

import objectpipes
from faults import FaultServer, kinds
from integration.pipes import config_for, load
from objectpipes import S3Config
from objectpipes.errors import NotSupportedError, TLSError
from objectpipes.iter import S3FileLoader

pytestmark = [
    pytest.mark.usefixtures("transport"),
    pytest.mark.parametrize("transport", ["aws"], indirect=True),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
]
needs_fork = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")

CONTENT = {f"{i:02}": bytes([i]) * (i * 40_000) for i in range(20)}
EXPECTED = {f"s3://bucket/{key}": data for key, data in CONTENT.items()}


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer({"bucket": CONTENT}, checksum="CRC32C") as running:
        yield running


# --- fork -------------------------------------------------------------------------------------


def read_in_workers(config: S3Config) -> dict[str, bytes]:
    pipe = S3FileLoader(list(EXPECTED), config=config).sharding_filter()
    loader: DataLoader[Any] = DataLoader(
        pipe, batch_size=None, num_workers=2, multiprocessing_context="fork"
    )
    return {url: stream.read() for url, stream in loader}


@needs_fork
def test_workers_forked_after_reads(server: FaultServer) -> None:
    assert dict(load(server, EXPECTED)) == EXPECTED
    assert read_in_workers(config_for(server)) == EXPECTED
    assert dict(load(server, EXPECTED)) == EXPECTED


@needs_fork
def test_workers_forked_while_a_stream_waits_for_its_reader(server: FaultServer) -> None:
    """A thread that waits for the reader, not for the network, does not prevent a fork."""
    server.store.put("bucket", "large", bytes(20 << 20))
    reads = iter(
        S3FileLoader(["s3://bucket/large"], config=config_for(server), prefetch_bytes=1 << 20)
    )
    _, stream = next(reads)
    assert stream.read(1000) == bytes(1000)
    time.sleep(1)  # the server is of this process, too, and cannot send while it forks
    assert read_in_workers(config_for(server)) == EXPECTED
    assert stream.read() == bytes((20 << 20) - 1000)


@needs_fork
def test_workers_forked_in_the_middle_of_a_request(server: FaultServer) -> None:
    """They refuse to touch what they inherited, instead of waiting for ever for one of its locks."""
    server.faults.add(kinds.StallBeforeReply(), match=lambda request: request.key == "19")
    reads = iter(S3FileLoader(["s3://bucket/01", "s3://bucket/19"], config=config_for(server)))
    next(reads)
    with pytest.raises(NotSupportedError, match='multiprocessing_context="spawn"'):
        read_in_workers(config_for(server))
    server.faults.clear()
    assert read_in_workers(config_for(server, transport="http")) == EXPECTED


# --- a process of its own ---------------------------------------------------------------------

PREAMBLE = """
import os, sys
from objectpipes import Credentials, S3Config
from objectpipes.iter import S3FileLister, S3FileLoader

config = S3Config(endpoint_url=sys.argv[1], region="us-east-1", transport="aws",
                  credentials=Credentials("access", "secret"))
"""


def run(script: str, server: FaultServer, directory: Path, **variables: str) -> str:
    """Return what a script prints that must succeed and complain of nothing."""
    environment = {**os.environ, "PYTHONPATH": str(Path(objectpipes.__file__).parent.parent)}
    finished = subprocess.run(
        [sys.executable, "-c", PREAMBLE + textwrap.dedent(script), server.endpoint],
        cwd=directory,
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=110,  # torch may take long to load
    )
    assert finished.stderr == ""
    assert finished.returncode == 0
    return finished.stdout


def test_sdk_keeps_to_what_it_is_told(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks for no credentials, asks no metadata service, writes no log, leaves no thread."""
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    directory = tmp_path / "empty"
    directory.mkdir()
    script = """
        urls = list(S3FileLister(["s3://bucket"], config=config))
        assert sum(len(stream.read()) for _, stream in S3FileLoader(urls, config=config))
        print(len(urls))
    """
    metadata = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": server.endpoint}
    assert run(script, server, directory, **metadata) == f"{len(CONTENT)}\n"
    assert {request.bucket for request in server.requests} == {"bucket"}
    assert list(directory.iterdir()) == []


def test_exit_in_the_middle_of_requests(server: FaultServer, tmp_path: Path) -> None:
    server.faults.add(kinds.StallBeforeReply(), match=lambda request: request.key != "00")
    script = """
        import time
        reads = iter(S3FileLoader([f"s3://bucket/{i:02}" for i in range(20)], config=config))
        next(reads)
        print(time.time())
    """
    ended = float(run(script, server, tmp_path))
    assert time.time() - ended < 10


# --- limits and settings ----------------------------------------------------------------------


@pytest.mark.parametrize("key", [".", "..", "./a", "a/./b", "a/../b", "../a", "a/..", "a/."])
def test_keys_the_sdk_cannot_ask_for(key: str) -> None:
    """The SDK would request another object, so no request is made."""
    with FaultServer({"bucket": {key: b"right", "a": b"wrong", "b": b"wrong"}}) as server:
        with pytest.raises(NotSupportedError, match=r'aws-sdk-cpp.*transport="http" can'):
            load(server, [f"s3://bucket/{key}"])
        assert server.requests == []


def test_certificate_authority_is_found_at_run_time(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    url = "s3://bucket/01"
    with FaultServer({"bucket": CONTENT}, tls=context) as server:
        assert load(server, [url], config=config_for(server, ca_file=str(ca_file))) == [
            (url, CONTENT["01"])
        ]
        with pytest.raises(TLSError):
            load(server, [url])
        assert load(server, [url], config=config_for(server, verify_tls=False)) == [
            (url, CONTENT["01"])
        ]
