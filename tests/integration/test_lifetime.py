"""Memory, threads, signals and the end of the interpreter."""

from __future__ import annotations

import gc
import random
import signal
import sys
import textwrap
import threading
import time

import psutil
import pytest

from faults import FaultServer, StoredObject, kinds
from integration.pipes import CREDENTIALS, config_for, list_urls
from integration.programs import finish, start
from objectpipes import ObjectUrl
from objectpipes.iter import S3FileLoader

KIB = 1 << 10
MIB = 1 << 20
URL = "s3://bucket/key"


# --- programs of their own --------------------------------------------------------------------


def wait_for_requests(server: FaultServer, count: int) -> None:
    deadline = time.monotonic() + 60  # torch may take long to load
    while len(server.requests) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
@pytest.mark.parametrize("what", ["object", "stream", "listing"])
def test_ctrl_c_is_served_at_once(what: str) -> None:
    """Within half a second, while a read waits for a silent server."""
    waits = {
        "object": "next(iter(S3FileLoader(['s3://bucket/key'], config=config)))",
        "stream": "stream.read()",
        "listing": "next(iter(S3FileLister(['s3://bucket'], config=config)))",
    }
    script = f"""
        import signal  # which children of a job in the background inherit as ignored
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if {what == "stream"}:
            url = ObjectUrl("s3://bucket/key", size=3 << 20)
            [(_, stream)] = S3FileLoader([url], config=config, prefetch_bytes=1 << 20)
        try:
            {waits[what]}
        except KeyboardInterrupt:
            print(time.monotonic())
    """
    with FaultServer({"bucket": {"key": bytes(3 * MIB)}}) as server:
        server.faults.add(kinds.StallAt(2 * MIB) if what == "stream" else kinds.StallBeforeReply())
        process = start(script, server)
        wait_for_requests(server, 1)
        time.sleep(0.5)
        sent = time.monotonic()  # of a clock that all processes have in common
        process.send_signal(signal.SIGINT)
        assert float(finish(process, 20)) - sent < 0.5


EXITS = {
    "reads in flight": """
        loader = iter(S3FileLoader([f"s3://bucket/{i}" for i in range(50)], config=config))
        next(loader)
    """,
    "nothing read yet": """
        loader = iter(S3FileLoader([f"s3://bucket/stalled{i}" for i in range(50)], config=config))
        import threading
        threading.Thread(target=next, args=(loader, None), daemon=True).start()
        time.sleep(0.3)
    """,
    "an iterator that outlives all modules": """
        time.kept = iter(S3FileLoader([f"s3://bucket/{i}" for i in range(50)], config=config))
        next(time.kept)
    """,
    "open streams": """
        urls = [ObjectUrl(f"s3://bucket/large{i}", size=3 << 20) for i in range(5)]
        streams = [s for _, s in S3FileLoader(urls, config=config, prefetch_bytes=4 << 20)]
        assert len(streams[0].read(1 << 20)) == 1 << 20
    """,
    "a live generator in a cycle": """
        class Holder:
            pass
        holder = Holder()
        holder.self = holder
        holder.loader = iter(S3FileLoader([f"s3://bucket/{i}" for i in range(50)], config=config))
        holder.item = next(holder.loader)
    """,
    "a listing under way": """
        lister = iter(S3FileLister(["s3://bucket"], config=config))
        next(lister)
    """,
    "everything done": """
        for url, stream in S3FileLoader(["s3://bucket/1", "s3://bucket/2"], config=config):
            stream.read()
    """,
    "sys.exit in the loop": """
        for url, stream in S3FileLoader([f"s3://bucket/{i}" for i in range(50)], config=config):
            sys.exit(0)
    """,
    "a module's global in __del__": """
        class Last:
            def __del__(self):
                self.stream.read()
        last = Last()
        [(_, last.stream)] = S3FileLoader(["s3://bucket/1"], config=config)
    """,
}


@pytest.mark.parametrize("situation", EXITS)
def test_exit_is_clean(situation: str) -> None:
    """Status 0, nothing printed, no hang."""
    content = {f"{i}": bytes(1000) for i in range(10)}
    content |= {f"large{i}": bytes(3 * MIB) for i in range(5)}
    script = textwrap.dedent(EXITS[situation]) + "\nos.write(1, b'at the end')\n"
    with FaultServer({"bucket": content}, page_size=5) as server:
        server.faults.add(kinds.StallBeforeReply(), match=lambda r: r.key in {*"56789"})
        server.faults.add(kinds.StallBeforeReply(), match=lambda r: r.key.startswith("stalled"))
        server.faults.add(kinds.StallAt(2 * MIB), match=lambda r: r.key.startswith("large"))
        server.faults.add(kinds.StallBeforeReply(), match=lambda r: "continuation-token" in r.query)
        process = start(script, server)
        assert process.stdout
        if situation != "sys.exit in the loop":
            assert process.stdout.read(10) == "at the end"
        else:
            wait_for_requests(server, 6)
        assert finish(process, 20) == ""


def test_read_after_the_engine_has_ended() -> None:
    """A read after the engine has ended raises an error; the engine ends with the interpreter."""
    script = """
        import atexit
        def late():
            try:
                next(loader)
            except RuntimeError as error:
                print(error)
        atexit.register(late)  # before the engine is loaded, so it is called after its end
        loader = iter(S3FileLoader(["s3://bucket/key", "s3://bucket/stalled"], config=config))
        next(loader)
    """
    with FaultServer({"bucket": {"key": b"data", "stalled": b"data"}}) as server:
        server.faults.add(kinds.StallBeforeReply(), match=lambda r: r.key == "stalled")
        process = start(script, server)
        wait_for_requests(server, 2)
        assert "shutting down" in finish(process, 60)


# --- threads ----------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file descriptors")
def test_configurations_that_are_not_used_any_more() -> None:
    """The connections of old configurations are closed, although each had a client."""
    with FaultServer({"bucket": {"key": b"data"}}) as server:

        def load_with_new_credentials() -> None:
            config = config_for(server, credentials=lambda: CREDENTIALS)
            [(_, stream)] = S3FileLoader([URL], config=config)
            assert stream.read() == b"data"

        load_with_new_credentials()
        before = psutil.Process().num_fds()
        for _ in range(150):
            load_with_new_credentials()
        # Each connection has two: both ends are ours.
        deadline = time.monotonic() + 60
        while psutil.Process().num_fds() > before + 2 * 50:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_one_thread_whatever_the_number_of_pipes() -> None:
    with FaultServer({"bucket": {"key": b"data"}}) as server:
        next(iter(S3FileLoader([URL], config=config_for(server))))

        def engine_threads() -> int:
            return psutil.Process().num_threads() - threading.active_count()

        before = engine_threads()
        pipes = [
            S3FileLoader([URL] * 5, config=config_for(server, region=f"r{i}")) for i in range(20)
        ]
        iterators = [iter(pipe) for pipe in pipes]
        for _ in range(5):
            for iterator in iterators:
                assert next(iterator)[1].read() == b"data"
        assert engine_threads() <= before + 1  # the fault server's own come and go


@pytest.mark.parametrize("what", ["object", "stream", "listing"])
def test_other_threads_run_while_one_waits(what: str) -> None:
    """The GIL is not held: with torchdata, one of a hundred heartbeats was heard."""
    with FaultServer({"bucket": {"key": bytes(3 * MIB)}}) as server:
        if what == "stream":
            server.faults.add(kinds.StallAt(2 * MIB, seconds=1))
        else:
            server.faults.add(kinds.StallBeforeReply(1))
        beats = 0
        done = threading.Event()

        def beat() -> None:
            nonlocal beats
            while not done.wait(0.01):
                beats += 1

        heart = threading.Thread(target=beat)
        heart.start()
        try:
            if what == "listing":
                list_urls(server)
            else:
                size = 3 * MIB if what == "stream" else None
                loader = S3FileLoader(
                    [ObjectUrl(URL, size=size)], config=config_for(server), prefetch_bytes=4 * MIB
                )
                for _, stream in loader:
                    stream.read()
        finally:
            done.set()
            heart.join()
        assert beats > 30  # of a hundred; the machine may be busy


def test_iterators_in_many_threads() -> None:
    content = {f"{i:02}": random.Random(i).randbytes(i * 1000) for i in range(50)}
    urls = [f"s3://bucket/{key}" for key in content]
    wrong: list[object] = []

    def read() -> None:
        try:
            found = [s.read() for _, s in S3FileLoader(urls, config=config_for(server))]
            if found != list(content.values()):
                wrong.append("other bytes")
        except Exception as error:
            wrong.append(error)

    with FaultServer({"bucket": content}) as server:
        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


# --- iterators and streams that are left alone ------------------------------------------------


@pytest.mark.parametrize("collect", [False, True], ids=["dropped", "in cycles"])
def test_abandoned_iterators(collect: bool) -> None:
    """Any number of abandoned iterators does not affect the next one."""
    content = {f"{i:02}": bytes(100_000) for i in range(40)}
    urls = [f"s3://bucket/{key}" for key in content]
    with FaultServer({"bucket": content}) as server:
        for number in range(50):
            iterator = iter(S3FileLoader(urls, config=config_for(server)))
            for _ in range(number % 5):
                next(iterator)
            if collect:
                cycle: list[object] = [iterator]
                cycle.append(cycle)
                del cycle
        del iterator
        gc.collect()
        found = [s.read() for _, s in S3FileLoader(urls, config=config_for(server))]
        assert found == list(content.values())


def test_streams_outlive_their_iterator() -> None:
    data = random.Random(0).randbytes(5 * MIB)
    with FaultServer({"bucket": {"key": data}}) as server:
        urls = [ObjectUrl(URL, size=len(data))] * 3
        iterator = iter(S3FileLoader(urls, config=config_for(server), prefetch_bytes=MIB))
        _, stream = next(iterator)
        del iterator
        assert stream.read() == data


@pytest.mark.parametrize("ordered", [True, False], ids=["ordered", "unordered"])
@pytest.mark.parametrize("sizes", [[300 * KIB], [4 * MIB], [10 * KIB, 4 * MIB, 300 * KIB, 0]])
def test_zipped_pipes_share_a_tiny_budget(sizes: list[int], ordered: bool) -> None:
    """Neither pipe waits for memory that only a read of the other would free."""
    content = {f"{i:02}": random.Random(i).randbytes(sizes[i % len(sizes)]) for i in range(20)}
    urls = [ObjectUrl(f"s3://bucket/{key}", size=len(data)) for key, data in content.items()]
    with FaultServer({"bucket": content}) as server:
        pipes = [
            S3FileLoader(urls, config=config_for(server), prefetch_bytes=MIB, ordered=ordered)
            for _ in range(3)
        ]
        kept = [item for row in zip(*pipes, strict=True) for item in row]
        assert len(kept) == 60
        for url, stream in reversed(kept):
            assert stream.read() == content[url[-2:]]


def test_many_streams_open_at_once() -> None:
    """The streams can be read in any order, and none starves another."""
    data = random.Random(0).randbytes(3 * MIB)
    with FaultServer({"bucket": {"key": StoredObject(data, "CRC32C")}}) as server:
        urls = [ObjectUrl(URL, size=len(data))] * 40
        streams = [
            stream
            for _, stream in S3FileLoader(urls, config=config_for(server), prefetch_bytes=4 * MIB)
        ]
        order = list(range(40)) * 3
        random.Random(1).shuffle(order)
        positions = dict.fromkeys(range(40), 0)
        for i in order:
            assert streams[i].read(MIB) == data[positions[i] : positions[i] + MIB]
            positions[i] += MIB
        assert all(stream.read(1) == b"" for stream in streams)


def test_stream_waits_for_its_reader() -> None:
    """A reader may take any time: its pauses do not count as stalls of the server."""
    data = random.Random(0).randbytes(40 * MIB)
    with FaultServer({"bucket": {"key": data}}) as server:
        config = config_for(server, stall_timeout=1, max_attempts=1)
        url = ObjectUrl(URL, size=len(data))
        [(_, stream)] = S3FileLoader([url], config=config, prefetch_bytes=64 * MIB, timeout=1.5)
        found = b""
        for _ in range(2):
            time.sleep(2)
            found += stream.read(20 * MIB)
        assert found == data
