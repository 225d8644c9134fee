"""The AIStore pipes on clusters that ask for tokens, speak TLS, lose targets or are damaged."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from faults import FaultProxy, stream
from objectpipes import _engine, stats
from objectpipes.errors import AccessDeniedError, EndpointError, InvalidCredentialsError, TLSError
from objectpipes.iter import AISFileLister, AISFileLoader
from servers import AIStore, ServerUnavailable


@contextmanager
def running(cluster: AIStore) -> Iterator[AIStore]:
    """Run a cluster; a test that lacks it is not run."""
    try:
        cluster.start()
    except ServerUnavailable as error:
        pytest.skip(str(error))
    try:
        cluster.wait_ready()
        yield cluster
    finally:
        cluster.stop()


def fill(cluster: AIStore, bucket: str, count: int = 30, size: int = 10_000) -> dict[str, bytes]:
    stored = {}
    for number in range(count):
        stored[f"ais://{bucket}/{number:03}"] = data = os.urandom(size)
        cluster.put(bucket, f"{number:03}", data)
    return stored


def load(loader: AISFileLoader) -> dict[str, bytes]:
    return {url: opened.read() for url, opened in loader}


def test_tokens() -> None:
    """Targets refuse direct reads here, so that everything goes through the proxy."""
    with running(AIStore(targets=2, auth=True)) as cluster:
        cluster.create_bucket("bucket")
        stored = fill(cluster, "bucket")
        whole = cluster.mint_token(cluster=8963)
        one_bucket = cluster.mint_token(buckets={"bucket": 771})  # may not see the cluster map
        for token in (whole, one_bucket):
            lister = AISFileLister(["ais://bucket"], cluster.endpoint, token=token)
            assert load(lister.load_files_by_ais(cluster.endpoint, token=token)) == stored
        with pytest.raises(InvalidCredentialsError):
            load(AISFileLoader(stored, cluster.endpoint))
        with pytest.raises(AccessDeniedError):
            load(AISFileLoader(stored, cluster.endpoint, token=cluster.mint_token()))


def test_fresh_token_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "token.json"

    def write(token: str) -> None:
        file.write_text(json.dumps({"token": token}))

    with running(AIStore(targets=1, auth=True)) as cluster:
        cluster.create_bucket("bucket")
        stored = fill(cluster, "bucket")
        write(cluster.mint_token(admin=True, lifetime=-10))
        urls = iter(stored)

        def source() -> Iterator[str]:
            yield next(urls)
            write(cluster.mint_token(admin=True))
            yield from urls

        assert load(AISFileLoader(source(), cluster.endpoint, token_file=str(file))) == stored


def test_https() -> None:
    with running(AIStore(targets=2, tls=True)) as cluster:
        cluster.create_bucket("bucket")
        stored = fill(cluster, "bucket")
        ca_file = str(cluster.ca_file)
        lister = AISFileLister(["ais://bucket"], cluster.endpoint, ca_file=ca_file)
        assert load(lister.load_files_by_ais(cluster.endpoint, ca_file=ca_file)) == stored
        assert load(AISFileLoader(stored, cluster.endpoint, skip_verify=True)) == stored
        with pytest.raises(TLSError):
            load(AISFileLoader(stored, cluster.endpoint))


def test_target_is_lost_and_comes_back() -> None:
    with running(AIStore(targets=3, quick_failover=True)) as cluster:
        cluster.create_bucket("bucket")
        stored = fill(cluster, "bucket", 100)
        assert load(AISFileLoader(stored, cluster.endpoint)) == stored

        lost = cluster.targets[0]
        lost.kill()
        loader = AISFileLoader(stored, cluster.endpoint, on_error="skip", ordered=False)
        loaded = load(loader)
        assert 0 < loader.skipped < 100
        assert len(loaded) == 100 - loader.skipped
        assert all(stored[url] == data for url, data in loaded.items())
        missing = sorted(set(stored) - set(loaded))
        with pytest.raises(EndpointError, match=f"{lost.name}|127.0.0.1"):
            load(AISFileLoader(missing[:1], cluster.endpoint))
        cluster.wait_for_targets(2)
        with pytest.raises(EndpointError, match=f"{lost.name}.*allow_partial|{lost.name}"):
            list(AISFileLister(["ais://bucket"], cluster.endpoint))
        partial = list(AISFileLister(["ais://bucket"], cluster.endpoint, allow_partial=True))
        assert set(partial) == set(loaded)

        lost.start()
        cluster.wait_ready()
        assert load(AISFileLoader(stored, cluster.endpoint)) == stored


def test_erasure_coded_bucket_survives() -> None:
    with running(AIStore(targets=3, quick_failover=True)) as cluster:
        coded = {"enabled": True, "data_slices": 1, "parity_slices": 1, "objsize_limit": 262144}
        cluster.create_bucket("bucket", {"ec": coded})
        stored = fill(cluster, "bucket")
        assert load(AISFileLoader(stored, cluster.endpoint)) == stored
        cluster.targets[1].kill()
        assert load(AISFileLoader(stored, cluster.endpoint)) == stored


class Gateway(HTTPServer):
    """Gives out the cluster map with a detour to the only target."""

    def __init__(self, cluster: AIStore, target_url: str) -> None:
        smap = json.dumps(cluster.smap()).replace(cluster.targets[0].url, target_url).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-length", str(len(smap)))
                self.end_headers()
                self.wfile.write(smap)

            def log_message(self, *arguments: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


def test_flipped_bits_are_noticed() -> None:
    """200 of 200, between target and client."""
    with running(AIStore(targets=1)) as cluster:
        cluster.create_bucket("bucket")
        stored = fill(cluster, "bucket", 1)
        port = urlsplit(cluster.targets[0].url).port
        assert port
        with FaultProxy("127.0.0.1", port) as proxy:
            gateway = Gateway(cluster, f"http://127.0.0.1:{proxy.port}")
            thread = threading.Thread(target=gateway.serve_forever)
            thread.start()
            try:
                noticed = stats()["integrity_failures"]
                for number in range(200):
                    _engine._clients.clear()  # a new connection, which is what a fault strikes
                    proxy.faults.clear()
                    proxy.faults.add(stream.BitFlip(offset=600 + number * 40), times=1)
                    assert load(AISFileLoader(stored, gateway.url)) == stored
                assert stats()["integrity_failures"] == noticed + 200
            finally:
                gateway.shutdown()
                thread.join()
                gateway.server_close()
