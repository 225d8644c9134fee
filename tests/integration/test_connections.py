"""Connections of a process: names, handshakes, descriptors, and what a fork or an exit waits for."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

import objectpipes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux only: /proc, namespaces")

PREAMBLE = """
import os, resource, socket, struct, subprocess, sys, threading, time
from objectpipes import Credentials, S3Config
from objectpipes.iter import S3FileLoader

def config(url, **options):
    return S3Config(
        endpoint_url=url, region="r", credentials=Credentials("a", "s"), max_attempts=1, **options
    )

def load(urls, config, **options):
    return [stream.read() for _, stream in S3FileLoader(urls, config=config, **options)]
"""


_REPLY = b'HTTP/1.1 200 OK\r\netag: "v"\r\ncontent-length: 1000\r\n\r\n' + bytes(1000)


class Server:
    """Answers each request with 1,000 bytes, with or without TLS, and counts its connections."""

    def __init__(self, context: ssl.SSLContext | None = None, pause: float = 0) -> None:
        self.connections = 0
        self.full_handshakes = 0
        self.open = 0
        self.most_open = 0
        self._lock = threading.Lock()
        self._context = context
        self._pause = pause
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted = self._listener.accept()[0]
                threading.Thread(target=self._serve, args=(accepted,), daemon=True).start()

    def _serve(self, accepted: socket.socket) -> None:
        with self._lock:
            self.connections += 1
            self.open += 1
            self.most_open = max(self.most_open, self.open)
        try:
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is None:
                self._answer(accepted)
            else:
                with self._context.wrap_socket(accepted, server_side=True) as secured:
                    with self._lock:
                        self.full_handshakes += not secured.session_reused
                    self._answer(secured)
        except OSError:
            pass
        finally:
            accepted.close()
            with self._lock:
                self.open -= 1

    def _answer(self, connection: socket.socket) -> None:
        received = b""
        while piece := connection.recv(1 << 16):
            received += piece
            while b"\r\n\r\n" in received:
                received = received.partition(b"\r\n\r\n")[2]
                if self._pause:
                    threading.Event().wait(self._pause)
                connection.sendall(_REPLY)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Return what starts servers, which end with the test."""
    servers: list[Server] = []

    def start(context: ssl.SSLContext | None = None, pause: float = 0) -> Server:
        servers.append(Server(context, pause))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def run(script: str, *arguments: str, inside: list[str] | None = None) -> str:
    """Return what a program prints that has `load` and `config`."""
    package = Path(objectpipes.__file__).parent.parent
    command = [sys.executable, "-c", PREAMBLE + textwrap.dedent(script), *arguments]
    done = subprocess.run(
        [*(inside or []), *command],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(package)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- TLS --------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_resumed(
    serve: Callable[..., Server], tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """Connections that begin at the same time wait for the tickets of the first few."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = serve(context, pause=0.01)
    read = run(
        """
        urls = [f"s3://bucket/{i}" for i in range(400)]
        settings = config(sys.argv[1], ca_file=sys.argv[2])
        print(sum(map(len, load(urls, settings, concurrency=100))))
        """,
        server.url,
        str(tmp_path / "ca.pem"),
    )
    assert int(read) == 400_000
    assert server.connections >= 50
    assert server.full_handshakes <= 8


# --- descriptors ------------------------------------------------------------------------------


def test_a_connection_is_one_descriptor_that_programs_do_not_inherit(
    serve: Callable[..., Server],
) -> None:
    server = serve(pause=0.02)
    added, inherited = run(
        """
        def sockets(pid):
            links = []
            for fd in os.listdir(f"/proc/{pid}/fd"):
                try:
                    links.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
                except OSError:
                    pass
            return sum(link.startswith(("socket:", "anon_inode:")) for link in links)

        before = sockets("self")
        reading = S3FileLoader(
            [f"s3://bucket/{i}" for i in range(300)], config=config(sys.argv[1]), concurrency=20
        )
        for _ in zip(range(100), reading):
            pass
        print(sockets("self") - before)
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
        print(sockets(child.pid))
        child.kill()
        child.wait()
        """,
        server.url,
    ).split()
    # The poller and its wake-up are two.
    assert int(added) <= server.connections + 2
    assert int(inherited) == 0


def test_many_pipes_share_the_descriptors_with_the_program(serve: Callable[..., Server]) -> None:
    server = serve(pause=0.01)
    run(
        """
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (100, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        )
        pipes = [
            iter(S3FileLoader(
                [f"s3://bucket/{i}" for i in range(40)],
                config=config(sys.argv[1], stall_timeout=30 + n),  # so they share no client
                concurrency=16,
            ))
            for n in range(16)
        ]
        for _ in range(40):
            for pipe in pipes:
                assert len(next(pipe)[1].read()) == 1000
                open(os.devnull).close()
        """,
        server.url,
    )
    assert server.most_open <= 60


# --- names ------------------------------------------------------------------------------------


@pytest.fixture
def silent(tmp_path: Path) -> list[str]:
    """Return the beginning of a command for which a name server never answers.

    It prints the time when the command has ended.
    """
    unshare = shutil.which("unshare")
    flags = "-mn" if os.geteuid() == 0 else "-rmn"
    if unshare is None or subprocess.run([unshare, flags, "true"], capture_output=True).returncode:
        pytest.skip("namespaces")
    settings = tmp_path / "resolv.conf"
    settings.write_text("nameserver 127.0.0.1\noptions timeout:7 attempts:2\n")
    program = f'mount --bind {settings} /etc/resolv.conf && "$@" && date +%s.%N'
    return [unshare, flags, "sh", "-c", program, "sh"]


LOOPBACK_AND_SILENCE = """
import fcntl
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sh", b"lo", 0x49))
silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
silent.bind(("127.0.0.1", 53))

def ask():
    from objectpipes.errors import ObjectStoreError
    try:
        load(["s3://bucket/key"], config("http://store.test:9", connect_timeout=30), timeout=20)
    except (ObjectStoreError, RuntimeError):
        pass

asking = threading.Thread(target=ask, daemon=True)
asking.start()
silent.settimeout(30)
silent.recv(1000)
began = time.monotonic()
"""


def test_fork_does_not_wait_for_a_name(silent: list[str]) -> None:
    took = run(
        LOOPBACK_AND_SILENCE
        + """
if (child := os.fork()) == 0:
    os._exit(0)
os.waitpid(child, 0)
print(time.monotonic() - began, flush=True)
os._exit(0)
""",
        inside=silent,
    ).split()[0]
    assert float(took) < 5


def test_exit_does_not_wait_for_a_name(silent: list[str]) -> None:
    began, ended = run(LOOPBACK_AND_SILENCE + "print(time.time())", inside=silent).split()
    assert float(ended) - float(began) < 5


def test_a_read_that_waits_for_a_name_ends_in_time(silent: list[str]) -> None:
    """With an error that says so."""
    took, what, _ = run(
        LOOPBACK_AND_SILENCE
        + """
from objectpipes.errors import ReadTimeoutError
began = time.monotonic()
try:
    load(["s3://bucket/key"], config("http://another.test:9", connect_timeout=0.5))
except ReadTimeoutError as error:
    print(time.monotonic() - began, "name servers" in str(error), flush=True)
os._exit(0)
""",
        inside=silent,
    ).split()
    assert float(took) < 10
    assert what == "True"
