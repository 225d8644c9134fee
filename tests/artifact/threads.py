"""Checks that threads can list and read at the same time, and share what they open.

Run as a program by the interpreter to be tested, with nothing but objectpipes: what a test imports
besides may turn on the GIL, which a free-threaded Python is to do without.
"""

import random
import sys
import sysconfig
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.server import ThreadingHTTPServer

from artifact.smoke import Bucket
from objectpipes import Credentials, ListFilters, ReadOptions, S3Config, build_info
from objectpipes._s3 import S3Store

THREADS = 8
ROUNDS = 5
WAIT_S = 60.0
PREFETCH_BYTES = 8 << 20

# From nothing to more than the window holds: that is streamed.
OBJECTS = {
    f"data/{i:03}": random.Random(i).randbytes(size)
    for i, size in enumerate([0, 3, 3_000, 300_000] * 25 + [12_000_000])
}


class FullBucket(Bucket):
    """A bucket with all objects."""

    objects = OBJECTS


class Server(ThreadingHTTPServer):
    """Takes the connections of all threads at once."""

    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore connections that the client closed, such as that of a closed stream."""


def in_threads(work: Callable[[int], None]) -> None:
    """Call a function with the number of the thread in all threads at once."""
    start = threading.Barrier(THREADS)

    def work_together(number: int) -> None:
        start.wait(WAIT_S)
        work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(work_together, number) for number in range(THREADS)]:
            done.result()


def key_of(url: str) -> str:
    return url.removeprefix("s3://bucket/")


def check_each_its_own(config: S3Config) -> None:
    """Each thread lists and reads all objects itself."""

    def work(number: int) -> None:
        with closing(S3Store(config).open_listing("s3://bucket/data/", ListFilters())) as listing:
            urls = [url for page in iter(listing.next_page, None) for url in page]
        assert [key_of(url) for url in urls] == list(OBJECTS)
        read: list[tuple[str, bytes]] = []
        with closing(
            S3Store(config).open_window(ReadOptions(prefetch_bytes=PREFETCH_BYTES, timeout=WAIT_S))
        ) as window:
            window.submit([*urls])
            while window.outstanding():
                items, failure = window.take(number + 1, True)
                assert failure is None, failure
                read += [(key_of(url), reader.read()) for url, reader in items]
        assert read == list(OBJECTS.items())

    in_threads(work)


def check_shared_window(config: S3Config) -> None:
    """Threads fill one window and take from it: every object comes out once, as it is stored."""
    read: list[tuple[str, bytes]] = []
    deadline = time.monotonic() + WAIT_S
    with closing(
        S3Store(config).open_window(ReadOptions(prefetch_bytes=PREFETCH_BYTES, timeout=WAIT_S))
    ) as window:

        def work(number: int) -> None:
            window.submit([f"s3://bucket/{key}" for key in list(OBJECTS)[number::THREADS]])
            while len(read) < len(OBJECTS):
                # Not waiting there: another thread may have taken the last one.
                items, failure = window.take(3, False)
                assert failure is None, failure
                read.extend((key_of(url), reader.read()) for url, reader in items)
                assert time.monotonic() < deadline
                time.sleep(0 if items else 0.001)

        in_threads(work)
    assert sorted(read) == list(OBJECTS.items())


def check_shared_listing(config: S3Config) -> None:
    """Threads take the pages of one listing: each object is on exactly one page."""
    listed: list[str] = []
    with closing(S3Store(config).open_listing("s3://bucket/data/", ListFilters())) as listing:

        def work(number: int) -> None:
            for page in iter(listing.next_page, None):
                listed.extend(page)

        in_threads(work)
    assert [key_of(url) for url in listed] == list(OBJECTS)


def check_shared_reader(config: S3Config) -> None:
    """Threads seek and read in one streamed object: they get bytes of it, and nothing breaks."""
    key, content = max(OBJECTS.items(), key=lambda item: len(item[1]))
    with closing(
        S3Store(config).open_window(ReadOptions(prefetch_bytes=1 << 20, timeout=WAIT_S))
    ) as window:
        window.submit([f"s3://bucket/{key}"])
        ((_, reader),), failure = window.take(1, True)
        assert failure is None, failure

        def work(number: int) -> None:
            for step in range(20):
                reader.seek(number * 1_400_000 + step * 30_000)
                piece = reader.read(3_000)
                assert piece in content

        in_threads(work)
        reader.close()


def check_gil() -> None:
    """A free-threaded Python has not turned on its GIL for us, which it does for many extensions."""
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        assert not getattr(sys, "_is_gil_enabled")()  # noqa: B009  # no Python before 3.13 has it


def check() -> None:
    """Serve the bucket, and repeat all checks."""
    with Server(("127.0.0.1", 0), FullBucket) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        config = S3Config(
            endpoint_url=f"http://127.0.0.1:{server.server_port}",
            region="us-east-1",
            credentials=Credentials("key", "secret"),
        )
        for _ in range(ROUNDS):
            check_each_its_own(config)
            check_shared_window(config)
            check_shared_listing(config)
            check_shared_reader(config)
        check_gil()
        server.shutdown()


if __name__ == "__main__":
    check()
    print(f"Python {sys.version.split()[0]}, {build_info()}")
