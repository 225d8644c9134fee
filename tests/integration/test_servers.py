"""The test servers: they serve, leave nothing behind, and say why they cannot run."""

import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import urllib3

import servers
from servers import (
    AIStore,
    Minio,
    Moto,
    Nginx,
    S3Server,
    Seaweed,
    Server,
    ServerStartError,
    ServerUnavailable,
)
from servers.__main__ import main
from servers.aistore import MIRRORED
from servers.ports import free_ports

CONTENTS = {(200, b"content")}

ODD_NAME = "a b/+%#?&é\t.bin"

S3_SERVERS: dict[str, Callable[[], S3Server]] = {
    "minio": Minio,
    "minio-tls": functools.partial(Minio, tls=True),
    "seaweed": Seaweed,
    "moto": Moto,
    "nginx": Nginx,
}


@contextlib.contextmanager
def running(server: Server) -> Iterator[None]:
    """Run a server, and check that nothing is left of it. Without one, the test is not run."""
    try:
        server.start()
    except ServerUnavailable as error:
        pytest.skip(str(error))
    try:
        server.wait_ready()
        pids = [process.pid for process in server.processes]
        yield
    finally:
        server.stop()
    assert_gone(pids, server.endpoint)
    assert not server.directory.exists()


def assert_gone(pids: list[int], url: str) -> None:
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port_of(url)), timeout=1.0)


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port
    return port


def read(cluster: AIStore, bucket: str, name: str, token: str = "") -> tuple[int, bytes]:
    """Get an object as a client does: from the proxy, which redirects to a target."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"{cluster.endpoint}/v1/objects/{bucket}/{quote(name)}"
    with urllib3.PoolManager(ca_certs=cluster.ca_file and str(cluster.ca_file)) as http:
        reply = http.request("GET", url, headers=headers, timeout=5.0, retries=2)
        return reply.status, reply.data


class TestS3Servers:
    @pytest.mark.parametrize("kind", S3_SERVERS)
    def test_returns_what_was_stored(self, kind: str) -> None:
        server = S3_SERVERS[kind]()
        with running(server):
            server.create_bucket("bucket")
            server.put("bucket", "folder/key", b"content")
            reply = server.client.get_object(Bucket="bucket", Key="folder/key")
            with reply["Body"] as body:
                assert body.read() == b"content"

    def test_start_side_by_side(self) -> None:
        first, second = Seaweed(), Seaweed()
        try:
            first.start()
            second.start()
            first.wait_ready()
            second.wait_ready()
            first.create_bucket("bucket")
            assert second.client.list_buckets()["Buckets"] == []
        except ServerUnavailable as error:
            pytest.skip(str(error))
        finally:
            first.stop()
            second.stop()

    def test_seaweed_has_room(self) -> None:
        """With its ordinary settings it runs out of volumes."""
        server = Seaweed()
        data = os.urandom(8 << 20)
        with running(server):
            server.create_bucket("bucket")
            for number in range(40):
                server.put("bucket", f"{number}", data)
            assert server.client.head_object(Bucket="bucket", Key="39")["ContentLength"] == len(
                data
            )

    def test_seaweed_leaves_no_socket(self) -> None:
        server = Seaweed()
        with running(server):
            sockets = list(Path("/tmp").glob(f"seaweedfs-*-{port_of(server.endpoint)}.sock"))
            assert sockets
        assert not any(path.exists() for path in sockets)


class TestAIStore:
    @pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
    def test_returns_what_was_stored(self, tls: bool) -> None:
        cluster = AIStore(targets=2, tls=tls)
        with running(cluster):
            cluster.create_bucket("bucket", MIRRORED)
            cluster.put("bucket", ODD_NAME, b"content")
            assert read(cluster, "bucket", ODD_NAME) == (200, b"content")

    def test_tokens_permit_what_they_say(self) -> None:
        cluster = AIStore(targets=1, auth=True)
        with running(cluster):
            cluster.create_bucket("bucket")
            cluster.put("bucket", "key", b"content")

            def status(token: str) -> int:
                return read(cluster, "bucket", "key", token)[0]

            assert status("") == 401
            assert status(cluster.mint_token(admin=True, lifetime=-60.0)) == 401
            assert status(cluster.mint_token()) == 403
            assert status(cluster.mint_token(buckets={"other": 771})) == 403
            assert status(cluster.mint_token(buckets={"bucket": 771})) == 200
            assert status(cluster.mint_token(cluster=8963)) == 200
            assert status(cluster.environment()["AIS_AUTHN_TOKEN"]) == 200

    def test_loses_and_gains_targets(self) -> None:
        cluster = AIStore(targets=2, quick_failover=True)
        with running(cluster):
            cluster.create_bucket("bucket")
            for number in range(20):
                cluster.put("bucket", f"{number}", b"content")

            cluster.targets[0].kill()
            cluster.wait_for_targets(1)
            assert {read(cluster, "bucket", f"{n}")[0] for n in range(20)} == {200, 404}

            cluster.targets[0].start()
            cluster.wait_ready()
            cluster.add_target()
            cluster.wait_for_targets(3)

            cluster.restart()
            # A target learns of the buckets a moment after it has joined.
            deadline = time.monotonic() + 30
            while (found := {read(cluster, "bucket", f"{n}") for n in range(20)}) != CONTENTS:
                assert time.monotonic() < deadline, found
                time.sleep(0.1)

    def test_paused_target_accepts_and_is_silent(self) -> None:
        cluster = AIStore(targets=1)
        with running(cluster):
            (target,) = cluster.targets
            with urllib3.PoolManager() as http:
                target.pause()
                with pytest.raises(urllib3.exceptions.ReadTimeoutError):
                    http.request("GET", f"{target.url}/v1/health", timeout=0.3, retries=False)
                target.resume()
                assert http.request("GET", f"{target.url}/v1/health", timeout=5.0).status == 200


class TestFailures:
    """What goes wrong, shown with MinIO replaced by a shell script."""

    @pytest.fixture
    def script(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
        program = tmp_path / "minio"
        monkeypatch.setenv("MINIO_BIN", str(program))

        def write(text: str) -> None:
            program.write_text(f"#!/bin/sh\n{text}\n")
            program.chmod(0o755)

        return write

    def test_early_end_is_told_with_the_log(self, script: Callable[[str], None]) -> None:
        script("echo cannot open the drive; exit 3")
        server = Minio()
        with pytest.raises(ServerStartError, match=r"ended with 3(?s:.)*cannot open the drive"):
            server.__enter__()
        assert not server.directory.exists()

    def test_silence_is_told_with_the_log(
        self, script: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The program ignores the wish that it end, too."""
        script("trap '' TERM; echo waiting; while true; do sleep 1; done")
        monkeypatch.setattr(Minio, "start_timeout", 0.3)
        monkeypatch.setattr(Minio, "stop_patience", 0.1)
        server = Minio()
        with pytest.raises(ServerStartError, match=r"not ready after(?s:.)*waiting"):
            server.__enter__()
        (process,) = server.processes
        assert process.exit_code == -signal.SIGKILL

    def test_override_that_is_no_program(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MINIO_BIN", "/nowhere/minio")
        with pytest.raises(ServerUnavailable, match="MINIO_BIN=/nowhere/minio"):
            Minio().start()

    def test_stop_without_start(self) -> None:
        Minio().stop()


class TestInstall:
    """How programs are compiled, with a shell script for Go."""

    @pytest.fixture(autouse=True)
    def cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.delenv("MINIO_BIN", raising=False)
        monkeypatch.setenv("OBJECTPIPES_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}")
        (tmp_path / "bin").mkdir()
        return tmp_path / "cache"

    @pytest.fixture
    def go(self, tmp_path: Path) -> Callable[[str], None]:
        def write(text: str) -> None:
            program = tmp_path / "bin" / "go"
            program.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{text}\n")
            program.chmod(0o755)

        return write

    def test_without_go(self) -> None:
        with pytest.raises(ServerUnavailable, match="install Go") as caught:
            AIStore().start()
        assert caught.value.name == "aistore"

    def test_failed_build_is_told_and_not_kept(self, go: Callable[[str], None]) -> None:
        go("echo half > $GOBIN/minio; echo requires go 1.99 >&2; exit 1")
        with pytest.raises(ServerUnavailable, match=r"requires go 1\.99"):
            Minio.program.install()
        assert Minio.program.find() is None

    def test_two_at_once_build_once(
        self, go: Callable[[str], None], cache: Path, tmp_path: Path
    ) -> None:
        go(f"echo >> {tmp_path}/builds; sleep 0.3; cp /bin/true $GOBIN/minio")
        threads = [threading.Thread(target=Minio.program.install) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (tmp_path / "builds").read_text() == "\n"
        program = Minio.program.find()
        assert program
        assert program.is_relative_to(cache)

    def test_version_is_in_the_path(self, go: Callable[[str], None]) -> None:
        """An older program is not taken for a newer one."""
        go("cp /bin/true $GOBIN/aisnode")
        assert AIStore.program.install().parent.name == "aistore-v1.5.0"


class TestCommandLine:
    def test_start_prints_settings_and_ends_on_a_signal(self) -> None:
        if Moto.program.find() is None:
            pytest.skip("moto is not available")
        tests = Path(servers.__file__).parents[1]
        command = [sys.executable, "-m", "servers", "start", "moto"]
        with subprocess.Popen(command, cwd=tests, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            lines = [process.stdout.readline().rstrip() for _ in range(5)]
            process.send_signal(signal.SIGTERM)
        assert process.returncode == 0
        assert lines[0] == "# moto"
        settings = dict(line.split("=", 1) for line in lines[1:])
        assert settings["AWS_ACCESS_KEY_ID"] == "testkey"
        assert_gone([], settings["AWS_ENDPOINT_URL"])

    def test_start_makes_buckets_of_a_cluster(self, monkeypatch: pytest.MonkeyPatch) -> None:
        program = AIStore.program.find()
        if program is None:
            pytest.skip("aistore is not available")
        monkeypatch.setenv("AISNODE_BIN", str(program))  # the cache is not in a test's home
        tests = Path(servers.__file__).parents[1]
        kinds = ["--mirrored", "copies", "--erasure-coded", "slices"]
        command = [sys.executable, "-m", "servers", "start", "aistore", *kinds]
        with subprocess.Popen(command, cwd=tests, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            process.stdout.readline()
            endpoint = process.stdout.readline().rstrip().partition("=")[2]
            urls = [f"{endpoint}/v1/buckets/{bucket}" for bucket in ("copies", "slices")]
            replies = [urllib3.request("HEAD", url) for url in urls]
            process.send_signal(signal.SIGTERM)
        assert process.returncode == 0
        made = [json.loads(reply.headers["Ais-Bucket-Props"]) for reply in replies]
        assert [(props["mirror"]["enabled"], props["ec"]["enabled"]) for props in made] == [
            (True, False),
            (False, True),
        ]

    def test_list_names_every_server(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["list"]) == 0
        names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
        assert names == ["minio", "seaweed", "moto", "aistore", "nginx"]

    def test_install_tells_what_is_missing(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("OBJECTPIPES_CACHE", str(tmp_path))
        monkeypatch.setenv("PATH", "")
        monkeypatch.delenv("MINIO_BIN", raising=False)
        assert main(["install", "minio"]) == 1
        assert "minio is not available: install Go" in capsys.readouterr().err

    def test_unknown_name(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            main(["start", "ceph"])
        assert "there are minio, seaweed" in capsys.readouterr().err


def test_ports_are_not_given_twice() -> None:
    """A server binds its ports some time after it was given them."""
    ports = free_ports(50) + free_ports(50)
    assert len(set(ports)) == 100
