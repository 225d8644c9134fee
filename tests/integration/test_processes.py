"""Reads are right in every process: forked, spawned, or in a DataLoader's workers."""

from __future__ import annotations

import copy
import functools
import io
import itertools
import multiprocessing
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader
from torch.utils.data.datapipes.utils.common import StreamWrapper

from faults import FaultServer, kinds
from integration.pipes import config_for, list_urls
from objectpipes import ObjectUrl, S3Config
from objectpipes.errors import (
    AccessDeniedError,
    ObjectNotFoundError,
    ObjectStoreError,
    ServerError,
)
from objectpipes.iter import IterableWrapper, IterDataPipe, S3FileLister, S3FileLoader

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    # Of DataLoader, on a machine with fewer processors than workers.
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
]

needs_fork = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")

METHODS = [
    method
    for method in ("fork", "spawn", "forkserver")
    if method in multiprocessing.get_all_start_methods()
]
if "forkserver" in METHODS:
    multiprocessing.set_forkserver_preload(["torch"])  # else every worker loads it anew

CONTENT = {
    f"{i:03}": random.Random(i).randbytes(size)
    for i, size in enumerate([0, 1, 100, 5000, 150_000, 1_000_000] * 10)
}
EXPECTED = {f"s3://bucket/{key}": data for key, data in CONTENT.items()}
LARGE = random.Random(0).randbytes(3 << 20)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    content = {"bucket": CONTENT, "other": {"large": LARGE}}
    with FaultServer(content, checksum="CRC32C", page_size=25) as running:
        yield running


def pipeline(config: S3Config) -> IterDataPipe[Any]:
    """Return what users write: list, shuffle, shard, load."""
    urls = IterableWrapper(["s3://bucket/"]).list_files_by_s3(config=config)
    pipe: IterDataPipe[Any] = urls.shuffle().sharding_filter().load_files_by_s3(config=config)
    return pipe


def contents(items: Any) -> list[tuple[str, bytes]]:
    return [(str(url), stream.read()) for url, stream in items]


# --- DataLoader -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "workers", "persistent"),
    [(None, 0, False), *itertools.product(METHODS, [1, 4], [False, True])],
)
def test_every_object_exactly_once(
    server: FaultServer, method: str | None, workers: int, persistent: bool
) -> None:
    """In each of two epochs, in another order, whatever the workers and how they are started."""
    loader = DataLoader(
        pipeline(config_for(server)),
        batch_size=None,
        shuffle=True,
        num_workers=workers,
        persistent_workers=persistent,
        multiprocessing_context=method,
    )
    epochs = [contents(loader) for _ in range(2)]
    del loader  # and with it persistent workers
    for epoch in epochs:
        assert len(epoch) == len(CONTENT)
        assert dict(epoch) == EXPECTED
    assert epochs[0] != epochs[1]


@pytest.mark.parametrize("method", METHODS)
def test_reading_before_the_workers_start(server: FaultServer, method: str) -> None:
    """With torchdata, children hung if the parent had read an object."""
    pipe = pipeline(config_for(server))
    assert dict(contents(pipe)) == EXPECTED
    loader = DataLoader(pipe, batch_size=None, num_workers=2, multiprocessing_context=method)
    assert dict(contents(loader)) == EXPECTED
    assert dict(contents(pipe)) == EXPECTED


@pytest.mark.parametrize("method", [m for m in METHODS if m != "forkserver"])  # it has its own
def test_workers_use_what_the_environment_has_now(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of each epoch, whatever the parent has read with before."""
    with FaultServer({"bucket": CONTENT}) as server:
        config = S3Config(endpoint_url=server.endpoint, region="us-east-1")
        pipe = pipeline(config)
        for number in range(2):
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", f"AKIDNUMBER{number}")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", f"secret of number {number}")
            server.requests.clear()
            assert dict(contents(pipe)) == EXPECTED
            loader = DataLoader(
                pipe, batch_size=None, num_workers=1, multiprocessing_context=method
            )
            assert dict(contents(loader)) == EXPECTED
            signers = {
                request.headers["authorization"].split("/")[0] for request in server.requests
            }
            assert signers == {f"AWS4-HMAC-SHA256 Credential=AKIDNUMBER{number}"}


@needs_fork
def test_parent_reads_while_workers_do(server: FaultServer) -> None:
    config = config_for(server)
    urls = sorted(EXPECTED)
    ours = iter(S3FileLoader(urls, config=config))
    next(ours)
    loader = iter(
        DataLoader(pipeline(config), batch_size=None, num_workers=2, multiprocessing_context="fork")
    )
    found = {}
    for url, stream in ours:
        assert stream.read() == EXPECTED[url]
        theirs, bytes_io = next(loader)
        found[theirs] = bytes_io.read()
    found |= dict(contents(loader))
    assert found == EXPECTED


def test_batches_of_bytes(server: FaultServer) -> None:
    """The other common form: objects become tensors in the worker."""
    pipe = pipeline(config_for(server)).map(decode)
    loader = DataLoader(pipe, batch_size=7, num_workers=2)
    sizes = torch.cat(list(loader))
    assert sorted(sizes.tolist()) == sorted(map(len, CONTENT.values()))


def decode(item: tuple[str, StreamWrapper]) -> int:
    return len(item[1].read())


def test_streams_through_workers(server: FaultServer) -> None:
    """A streamed object arrives complete from a worker."""
    urls = [ObjectUrl(url, size=len(data)) for url, data in EXPECTED.items()]
    pipe = S3FileLoader(urls, config=config_for(server), prefetch_bytes=1 << 20)
    loader = DataLoader(pipe, batch_size=None, num_workers=1)
    assert dict(contents(loader)) == EXPECTED


@pytest.mark.parametrize("method", METHODS)
def test_error_in_a_worker_keeps_class_and_facts(server: FaultServer, method: str) -> None:
    server.faults.add(kinds.AccessDenied(), match=lambda request: request.key == "030")
    loader = DataLoader(
        S3FileLoader(sorted(EXPECTED), config=config_for(server)),
        batch_size=None,
        num_workers=1,
        multiprocessing_context=method,
    )
    with pytest.raises(AccessDeniedError) as caught:
        list(loader)
    error = caught.value
    assert isinstance(error, PermissionError)
    assert (error.url, error.status, error.code) == ("s3://bucket/030", 403, "AccessDenied")
    assert error.request_id
    assert error.attempts == 1
    assert "anonymous=True" in error.advice


def test_error_of_a_lister_in_a_worker(server: FaultServer) -> None:
    pipe = S3FileLister(["s3://no-such-bucket"], config=config_for(server))
    with pytest.raises(FileNotFoundError, match="no-such-bucket"):
        list(DataLoader(pipe, batch_size=None, num_workers=1))


def test_epoch_abandoned_in_the_middle(server: FaultServer) -> None:
    """Persistent workers begin the next epoch at the beginning."""
    loader = DataLoader(
        pipeline(config_for(server)), batch_size=None, num_workers=2, persistent_workers=True
    )
    iterator = iter(loader)
    for _ in range(5):
        next(iterator)
    del iterator
    assert dict(contents(loader)) == EXPECTED


# --- fork -------------------------------------------------------------------------------------


def run_in_child(action: Callable[[], None]) -> int:
    """Fork, run `action` in the child, and return the child's process id.

    The child ends with status 0 only if `action` returns within a minute.
    """
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        signal.alarm(60)
        action()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def wait_for(child: int) -> None:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@needs_fork
@pytest.mark.parametrize(
    "late",
    [
        "objectpipes._ext",
        "objectpipes._s3",
        "objectpipes.manifest",
        "urllib.request",  # for proxies
        "importlib.metadata",
    ],
)
def test_fork_while_a_thread_imports(late: str) -> None:
    """The child does not inherit the lock of an import that nobody finishes in it."""
    program = """
import os, signal, sys, threading, time
import objectpipes
assert sys.argv[1] not in sys.modules
begun = threading.Event()
class Slow:
    def find_spec(self, name, path, target=None):
        if name == sys.argv[1]:
            begun.set()
            time.sleep(0.5)
def use():
    objectpipes.Manifest
    list(objectpipes.read_objects([], config=objectpipes.S3Config(anonymous=True)))
    objectpipes.S3Config(anonymous=True).resolve()
    objectpipes.build_info()
    objectpipes.__version__
sys.meta_path.insert(0, Slow())
threading.Thread(target=use).start()
assert begun.wait(30)
child = os.fork()
if not child:
    signal.alarm(20)
    use()
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", program, late], timeout=60).returncode == 0


@needs_fork
@pytest.mark.timeout(600)
def test_thousand_forks_while_the_parent_streams(server: FaultServer) -> None:
    """Every byte is right, in the parent and in every tenth child, and nobody hangs."""
    config = config_for(server)
    urls = [url for url in sorted(EXPECTED) if len(EXPECTED[url]) < 200_000]
    stop = threading.Event()
    wrong: list[object] = []
    read = 0

    def stream() -> None:
        nonlocal read
        while not stop.is_set():
            try:
                for url, reader in S3FileLoader(urls, config=config, prefetch_bytes=2 << 20):
                    if reader.read() != EXPECTED[url]:
                        wrong.append(url)
                    read += 1
                    time.sleep(0.002)  # leaves the interpreter to the forks
                    if stop.is_set():
                        break
            except Exception as error:
                wrong.append(error)
                return

    def read_some(seed: int, count: int) -> None:
        chosen = random.Random(seed).sample(urls, count)
        for url, reader in S3FileLoader(chosen, config=config):
            assert reader.read() == EXPECTED[url]

    thread = threading.Thread(target=stream)
    thread.start()
    try:
        while not read:
            time.sleep(0.01)
        before = read
        for number in range(1000):
            reads = number % 10 == 0
            wait_for(run_in_child(functools.partial(read_some, number, 4 if reads else 0)))
        assert not wrong
        assert read > before
    finally:
        stop.set()
        thread.join()
    assert not wrong


@needs_fork
def test_child_inherits_no_iterator(server: FaultServer) -> None:
    """It is told so, for objects, streams and listings; and the parent's go on."""
    config = config_for(server)
    urls = sorted(EXPECTED)
    loading = iter(S3FileLoader(urls, config=config))
    listing = iter(S3FileLister(["s3://bucket"], config=config))
    large = [ObjectUrl("s3://other/large", size=len(LARGE))]
    [(_, stream)] = S3FileLoader(large, config=config, prefetch_bytes=1 << 20)
    whole = next(loading)
    listed = next(listing)
    assert stream.read(1000) == LARGE[:1000]

    def child() -> None:
        for inherited in (lambda: list(loading), stream.read, lambda: list(listing)):
            with pytest.raises(RuntimeError, match="another process"):
                inherited()
        assert whole[1].read() == EXPECTED[whole[0]]  # all of it was in memory already
        assert dict(contents(pipeline(config))) == EXPECTED

    wait_for(run_in_child(child))
    assert stream.read() == LARGE[1000:]
    assert [url for url, _ in loading] == urls[1:]
    assert [listed, *listing] == urls


@needs_fork
def test_child_may_drop_what_it_inherits(server: FaultServer) -> None:
    """The reads of the parent continue."""
    config = config_for(server)
    holder = [iter(S3FileLoader(sorted(EXPECTED), config=config))]
    holder.append(next(holder[0]))  # type: ignore[arg-type]

    def child() -> None:
        holder.clear()

    wait_for(run_in_child(child))
    assert contents(holder[0]) == sorted(EXPECTED.items())[1:]


@needs_fork
def test_grandchildren(server: FaultServer) -> None:
    config = config_for(server)

    def read_all() -> None:
        assert dict(contents(pipeline(config))) == EXPECTED

    def child() -> None:
        read_all()
        wait_for(run_in_child(read_all))
        read_all()

    read_all()
    wait_for(run_in_child(child))


# --- pickling ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_pipes_are_configuration(server: FaultServer, duplicate: Callable[[Any], Any]) -> None:
    """Pipes can be copied before, during and after reading, and the copies read the same."""
    pipe = S3FileLister(["s3://bucket"], config=config_for(server), masks="*5").load_files_by_s3(
        config=config_for(server)
    )
    expected = [item for item in sorted(EXPECTED.items()) if item[0].endswith("5")]
    first = duplicate(pipe)
    iterator = iter(pipe)
    next(iterator)
    second = duplicate(pipe)
    assert contents(iterator) == expected[1:]
    third = duplicate(pipe)
    assert contents(first) == contents(second) == contents(third) == expected


def test_pickled_pipe_holds_no_secret_of_the_environment(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings from the environment are read where the pipe is iterated."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "access")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    pipe = S3FileLoader(["s3://bucket/001"])
    contents(pipe)
    assert b"very-secret" not in pickle.dumps(pipe)


def test_urls_keep_what_they_know(server: FaultServer) -> None:
    for url in list_urls(server):
        again = pickle.loads(pickle.dumps(url))
        assert isinstance(url, ObjectUrl)
        assert (again, again.size, again.etag) == (url, len(EXPECTED[url]), url.etag)


@pytest.mark.parametrize("prefetch_bytes", [256 << 20, 1 << 20], ids=["whole", "streamed"])
def test_reader_pickles_as_bytes_io(server: FaultServer, prefetch_bytes: int) -> None:
    """At its position, with all of its content; the reader itself does not change."""
    [(url, stream)] = S3FileLoader(
        [ObjectUrl("s3://bucket/005", size=1_000_000)],
        config=config_for(server),
        prefetch_bytes=prefetch_bytes,
    )
    data = EXPECTED[url]
    assert stream.read(700_000) == data[:700_000]
    for again in (pickle.loads(pickle.dumps(stream.file_obj)), copy.deepcopy(stream.file_obj)):
        assert type(again) is io.BytesIO
        assert again.tell() == 700_000
        assert again.getvalue() == data
    assert stream.read() == data[700_000:]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (kinds.NoSuchKey(), ObjectNotFoundError),
        (kinds.InternalError(), ServerError),
        (kinds.AccessDenied(), AccessDeniedError),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_pickled_errors(
    server: FaultServer, fault: kinds.ErrorReply, error: type[ObjectStoreError]
) -> None:
    server.faults.add(fault)
    with pytest.raises(error) as caught:
        contents(S3FileLoader(["s3://bucket/001"], config=config_for(server)))
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is error
    assert str(again) == str(caught.value)
    for fact in ("url", "status", "code", "request_id", "attempts", "advice"):
        assert getattr(again, fact) == getattr(caught.value, fact)
