"""The AIStore pipes on clusters that ask for tokens, speak TLS, lose targets or are damaged."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import multiprocessing
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from faults import stream
from integration.ais_gateway import FaultNode, proxied_targets
from integration.clusters import fill, new_bucket, running
from objectpipes import AISConfig, _clients, aio, stats
from objectpipes.errors import (
    AccessDeniedError,
    EndpointError,
    InvalidCredentialsError,
    ObjectStoreError,
    ServerError,
    TLSError,
)
from objectpipes.iter import AISFileLister, AISFileLoader, IterableWrapper
from servers import AIStore
from servers.aistore import ERASURE_CODED, MIRRORED, Node
from servers.tls import issue_certificate

NAMES = [f"{number:03}" for number in range(60)]


def drain(loader: AISFileLoader) -> dict[str, bytes]:
    return {url: opened.read() for url, opened in loader}


def test_tokens(caplog: pytest.LogCaptureFixture) -> None:
    """Targets refuse direct reads here, so all requests go through the proxy."""
    with running(AIStore(targets=2, auth=True)) as cluster:
        cluster.create_bucket("bucket")
        stored = fill(cluster, "bucket", NAMES[:30], 10_000)
        whole = cluster.mint_token(cluster=8963)
        one_bucket = cluster.mint_token(buckets={"bucket": 771})  # may not see the cluster map
        for token in (whole, one_bucket):
            config = AISConfig(endpoint_url=cluster.endpoint, token=token)
            lister = AISFileLister(["ais://bucket"], config=config)
            assert not caplog.records
            for _ in range(2):  # one client reads and lists, and warns once
                assert drain(lister.load_files_by_ais(config=config)) == stored
        (warning,) = caplog.records
        assert warning.name == "objectpipes"
        assert "may not see the cluster map" in warning.getMessage()
        assert "the right SHOW-CLUSTER" in warning.getMessage()
        with pytest.raises(InvalidCredentialsError):
            drain(AISFileLoader(stored, cluster.endpoint))
        with pytest.raises(AccessDeniedError):
            drain(
                AISFileLoader(
                    stored, cluster.endpoint, config=AISConfig(token=cluster.mint_token())
                )
            )


@pytest.mark.parametrize("refused_for", ["its age", "its signature"])
def test_fresh_token_from_the_file(tmp_path: Path, refused_for: str) -> None:
    file = tmp_path / "token.json"

    def write(token: str) -> None:
        file.write_text(json.dumps({"token": token}))

    with running(AIStore(targets=1, auth=True)) as cluster:
        cluster.create_bucket("bucket")
        stored = fill(cluster, "bucket", NAMES[:30], 10_000)
        old = refused_for == "its age"
        refused = cluster.mint_token(admin=True, lifetime=-10 if old else 3600)
        write(refused if old else f"{refused[:-4]}AAAA")
        urls = iter(stored)

        def source() -> Iterator[str]:
            # By now the loader has read the file, and will be refused.
            write(cluster.mint_token(admin=True))
            yield from urls

        assert (
            drain(AISFileLoader(source(), cluster.endpoint, config=AISConfig(token_file=str(file))))
            == stored
        )


def test_refused_token_that_its_file_still_has(tmp_path: Path) -> None:
    file = tmp_path / "token.json"
    with running(AIStore(targets=1, auth=True)) as cluster:
        cluster.create_bucket("bucket")
        stored = fill(cluster, "bucket", NAMES[:1])
        token = cluster.mint_token(admin=True)[:-4] + "AAAA"
        file.write_text(json.dumps({"token": token}))
        given: list[dict[str, Any]] = [{"token": token}, {"token_file": str(file)}]
        for options in given:
            with pytest.raises(InvalidCredentialsError, match="not accepted"):
                drain(AISFileLoader(stored, cluster.endpoint, config=AISConfig(**options)))


def test_https() -> None:
    with running(AIStore(targets=2, tls=True)) as cluster:
        cluster.create_bucket("bucket")
        stored = fill(cluster, "bucket", NAMES[:30], 10_000)
        config = AISConfig(endpoint_url=cluster.endpoint, ca_file=str(cluster.ca_file))
        lister = AISFileLister(["ais://bucket"], config=config)
        assert drain(lister.load_files_by_ais(config=config)) == stored
        trusting = AISConfig(endpoint_url=cluster.endpoint, verify_tls=False)
        assert drain(AISFileLoader(stored, config=trusting)) == stored
        with pytest.raises(TLSError):
            drain(AISFileLoader(stored, cluster.endpoint))


def test_client_certificate(tmp_path: Path) -> None:
    """Nodes that require a certificate can be listed and read only with it."""
    authority = trustme.CA()
    ca_file, mine, bare, key = (tmp_path / name for name in ("ca", "both", "certificate", "key"))
    authority.cert_pem.write_to_path(ca_file)
    issued = authority.issue_cert("reader@example.org")
    issued.private_key_and_cert_chain_pem.write_to_path(mine)
    issued.cert_chain_pems[0].write_to_path(bare)
    issued.private_key_pem.write_to_path(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with running(AIStore(targets=1)) as cluster:
        cluster.create_bucket("bucket")
        stored = fill(cluster, "bucket", NAMES[:5])
        url = cluster.targets[0].url
        with (
            FaultNode(url, tls=context) as target,
            FaultNode(cluster.endpoint, {url: target.endpoint}, tls=context) as gateway,
        ):
            trusting: dict[str, Any] = {"ca_file": str(ca_file)}
            for mutual in (
                {"client_cert": str(bare), "client_key": str(key), **trusting},
                {"client_cert": str(mine), **trusting},
            ):
                config = AISConfig(endpoint_url=gateway.endpoint, **mutual)
                urls = AISFileLister(["ais://bucket"], config=config)
                assert drain(urls.load_files_by_ais(config=config)) == stored
            assert target.requests
            seen = len(gateway.requests)
            config = AISConfig(endpoint_url=gateway.endpoint, max_attempts=1, **trusting)
            for use in (
                lambda: list(AISFileLister(["ais://bucket"], config=config)),
                lambda: drain(AISFileLoader(stored, config=config)),
            ):
                with pytest.raises(TLSError) as caught:
                    use()
                assert caught.value.code == "ClientCertificateRequired"
            assert len(gateway.requests) == seen


def test_local_namespace() -> None:
    """The namespace affects placement: reads ask the right targets."""
    with running(AIStore(targets=3)) as cluster:
        cluster.create_bucket("bucket")
        cluster.create_bucket("bucket", namespace="ns")
        fill(cluster, "bucket", NAMES[:5])
        stored = {}
        for name in [*NAMES, "a b/+%#?&é"]:
            stored[f"ais://#ns/bucket/{name}"] = data = name.encode() * 100
            cluster.put("bucket", name, data, namespace="ns")
        with FaultNode(cluster.endpoint) as gateway:
            urls = list(AISFileLister(["ais://#ns/bucket"], gateway.endpoint))
            assert urls == sorted(stored)
            assert drain(AISFileLoader(urls, gateway.endpoint)) == stored
            assert not [r for r in gateway.requests if r.path.startswith("/v1/objects/")]


def test_http_1_1_alone_is_offered(tmp_path: Path) -> None:
    """AIStore would speak HTTP/2 with a client that offers it, and then fail."""
    certificate = issue_certificate(tmp_path / "certificate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    context.set_alpn_protocols(["h2", "http/1.1"])  # in the order of preference
    chosen = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with listener.accept()[0] as plain, context.wrap_socket(plain, server_side=True) as tls:
                chosen.append(tls.selected_alpn_protocol())

        server = threading.Thread(target=serve)
        server.start()
        config = AISConfig(
            endpoint_url=f"https://127.0.0.1:{listener.getsockname()[1]}",
            ca_file=str(certificate.ca_file),
            max_attempts=1,
        )
        with pytest.raises(ObjectStoreError):
            drain(AISFileLoader(["ais://bucket/key"], config=config))
        server.join()
    assert chosen == ["http/1.1"]


def test_erasure_coded_bucket_survives() -> None:
    """All bytes can be read ten seconds after the cluster has removed the lost target."""
    with running(AIStore(targets=3, quick_failover=True)) as cluster:
        cluster.create_bucket("bucket", ERASURE_CODED)
        stored = fill(cluster, "bucket", NAMES[:30], 10_000)
        assert drain(AISFileLoader(stored, cluster.endpoint)) == stored
        changed = []

        def watch() -> None:
            cluster.wait_for_targets(2)
            changed.append(time.monotonic())

        cluster.targets[1].kill()
        watching = threading.Thread(target=watch)
        watching.start()
        assert drain(AISFileLoader(stored, cluster.endpoint)) == stored
        done = time.monotonic()
        watching.join()
        assert done - changed[0] < 10


def test_flipped_bits_are_noticed() -> None:
    """All 200 flipped bits between target and client are noticed."""
    with running(AIStore(targets=1)) as cluster:
        cluster.create_bucket("bucket")
        stored = fill(cluster, "bucket", NAMES[:1], 10_000)
        with proxied_targets(cluster) as ((proxy,), gateway_url):
            noticed = stats()["integrity_failures"]
            for number in range(200):
                _clients._clients.clear()  # a new connection, which is what a fault strikes
                proxy.faults.clear()
                proxy.faults.add(stream.BitFlip(offset=600 + number * 40), times=1)
                assert drain(AISFileLoader(stored, gateway_url)) == stored
            assert stats()["integrity_failures"] == noticed + 200


@pytest.mark.parametrize("prefetch_bytes", [1, 100_000, 1 << 20])  # soon taken, then others come
@pytest.mark.parametrize("blow", [Node.kill, Node.pause])
def test_other_targets_go_on(blow: Callable[[Node], None], prefetch_bytes: int) -> None:
    """Reads of a lost target do not delay others, long before the cluster notices the loss."""
    with running(AIStore(targets=3)) as cluster:
        cluster.create_bucket("bucket")
        stored = fill(cluster, "bucket", NAMES, 10_000)
        lost = cluster.targets[0]
        living = {url for url in stored if target_of(cluster, url) != lost.url}
        loader = AISFileLoader(
            IterableWrapper(itertools.cycle(stored), deepcopy=False),
            cluster.endpoint,
            prefetch_bytes=prefetch_bytes,
            ordered=False,
            on_error="skip",
        )
        loading = (url for url, _ in loader)
        assert set(itertools.islice(loading, 500)) == set(stored)
        blow(lost)
        assert set(list(itertools.islice(loading, 1000))[500:]) == living
        assert len(cluster.smap()["tmap"]) == 3
        assert loader.skipped == 0  # they wait


def test_other_targets_go_on_after_many_of_the_lost_one() -> None:
    """Even if all reads ahead are of the lost target; also with the asynchronous functions."""
    with running(AIStore(targets=3)) as cluster:
        cluster.create_bucket("bucket")
        stored = fill(cluster, "bucket", NAMES, 10_000)
        lost = cluster.targets[0]
        of_lost = [url for url in stored if target_of(cluster, url) == lost.url]
        living = set(stored) - set(of_lost)
        urls = [*stored, *of_lost * 20, *living]
        config = AISConfig(endpoint_url=cluster.endpoint)
        assert drain(AISFileLoader(stored, config=config)) == stored
        lost.kill()
        for prefetch_bytes in (1, 256 << 20):
            loader = AISFileLoader(
                IterableWrapper(urls, deepcopy=False),
                config=config,
                prefetch_bytes=prefetch_bytes,
                ordered=False,
            )
            loading = (url for url, _ in loader)
            assert sorted(itertools.islice(loading, 2 * len(living))) == sorted([*living] * 2)

            async def read(prefetch_bytes: int) -> list[str]:
                objects = aio.read_objects(
                    urls, config=config, prefetch_bytes=prefetch_bytes, ordered=False
                )
                found: list[str] = []
                async with contextlib.aclosing(objects):
                    async for url, _ in objects:
                        found.append(url)
                        if len(found) == 2 * len(living):
                            break
                return found

            assert sorted(asyncio.run(read(prefetch_bytes))) == sorted([*living] * 2)
        assert len(cluster.smap()["tmap"]) == 3


def load_each(urls: list[str], endpoint: str) -> dict[str, bytes | ObjectStoreError]:
    """Load objects one by one; return the error of each that cannot be read."""
    found: dict[str, bytes | ObjectStoreError] = {}
    for url in urls:
        try:
            found.update(drain(AISFileLoader([url], endpoint)))
        except ObjectStoreError as error:
            found[url] = error
    return found


def target_of(cluster: AIStore, url: str) -> str:
    """Return the URL of the target that holds an object."""
    redirect = cluster.request("GET", url.replace("ais://", "/v1/objects/"))
    return redirect.headers["Location"].partition("/v1/")[0]


def list_when_balanced(cluster: AIStore, bucket: str) -> list[Any]:
    """List once the cluster has finished moving objects after an earlier test."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return list(AISFileLister([f"ais://{bucket}"], cluster.endpoint))
        except ServerError:
            assert time.monotonic() < deadline


@pytest.fixture(scope="module")
def cluster() -> Iterator[AIStore]:
    """A cluster of three targets, any of which a test may stop."""
    with running(AIStore(targets=3, quick_failover=True)) as cluster:
        yield cluster


@pytest.fixture
def bucket(cluster: AIStore) -> Iterator[str]:
    """Make an empty bucket; afterwards restart all targets."""
    yield new_bucket(cluster)
    for target in cluster.targets:
        if target.exit_code is not None:
            target.start()
        target.resume()
    cluster.wait_ready()


class TestDegraded:
    """A cluster of three targets, one of which fails for some time."""

    def test_listing_while_the_map_shrinks(self, cluster: AIStore, bucket: str) -> None:
        """The cluster itself would silently list less. Runs first, before any rebalance."""
        stored = fill(cluster, bucket, NAMES)
        lister = AISFileLister([f"ais://{bucket}"], cluster.endpoint)
        assert list(lister) == list(stored)
        lost = cluster.targets[0]
        lost.kill()
        with pytest.raises(EndpointError, match=f"{lost.name}.*allow_partial=True"):
            list(lister)
        partial = AISFileLister([f"ais://{bucket}"], cluster.endpoint, allow_partial=True)
        assert 0 < len(list(partial)) < 60

    def test_plain_bucket(self, cluster: AIStore, bucket: str) -> None:
        """Every object of a lost target is an error that names it, or skipped and counted."""
        stored = fill(cluster, bucket, NAMES)
        lost = cluster.targets[0]
        lost.kill()
        loader = AISFileLoader(stored, cluster.endpoint, on_error="skip")
        loaded = drain(loader)
        assert 0 < loader.skipped < 60
        assert len(loaded) == 60 - loader.skipped
        assert all(stored[url] == data for url, data in loaded.items())
        for url in set(stored) - set(loaded):
            with pytest.raises(EndpointError, match=rf"{lost.name}.*on_error='skip'"):
                drain(AISFileLoader([url], cluster.endpoint))

    def test_a_target_that_another_pipe_has_seen(self, cluster: AIStore, bucket: str) -> None:
        """Another client of the process also notices that the target is missing."""
        fill(cluster, bucket, NAMES)
        assert {url.targets for url in list_when_balanced(cluster, bucket)} == {3}
        lost = cluster.targets[2]
        lost.kill()
        cluster.wait_for_targets(2)
        config = AISConfig(endpoint_url=cluster.endpoint, stall_timeout=19)
        with pytest.raises(EndpointError, match=lost.name):
            list(AISFileLister([f"ais://{bucket}"], config=config))
        partial: Any = AISFileLister([f"ais://{bucket}"], config=config, allow_partial=True)
        assert {url.targets for url in partial} == {2}

    def test_a_target_that_another_process_has_seen(self, cluster: AIStore, bucket: str) -> None:
        """A URL has the number of targets at the time of its listing."""
        stored = fill(cluster, bucket, NAMES)
        urls = list_when_balanced(cluster, bucket)
        cluster.targets[0].kill()
        cluster.wait_for_targets(2)
        with multiprocessing.get_context("spawn").Pool(1) as elsewhere:
            found = elsewhere.apply(load_each, (urls, cluster.endpoint))
        errors = {url: error for url, error in found.items() if found[url] != stored[url]}
        assert 0 < len(errors) < 60
        for error in errors.values():
            assert isinstance(error, EndpointError)
            assert "only 2 of the 3 targets that it had" in str(error)

    @pytest.mark.usefixtures("bucket")
    def test_mirrored_bucket(self, cluster: AIStore) -> None:
        """Both copies of an object are on one target: a mirror helps against a lost disk only."""
        stored = fill(cluster, new_bucket(cluster, MIRRORED), NAMES[:30])
        assert drain(AISFileLoader(stored, cluster.endpoint)) == stored
        cluster.targets[1].kill()
        loader = AISFileLoader(stored, cluster.endpoint, on_error="skip")
        assert len(drain(loader)) == 30 - loader.skipped
        assert loader.skipped > 0

    def test_target_is_restarted_meanwhile(self, cluster: AIStore, bucket: str) -> None:
        stored = fill(cluster, bucket, NAMES)
        urls = list_when_balanced(cluster, bucket) * 20
        loading = iter(AISFileLoader(urls, cluster.endpoint, prefetch_bytes=1 << 20))
        loaded = [(url, opened.read()) for url, opened in itertools.islice(loading, 100)]
        cluster.targets[2].restart()
        loaded += [(url, opened.read()) for url, opened in loading]
        assert loaded == list(stored.items()) * 20

    def test_target_is_paused_meanwhile(self, cluster: AIStore, bucket: str) -> None:
        """Long enough for the cluster to remove it."""
        stored = fill(cluster, bucket, NAMES)
        loading = iter(AISFileLoader(list(stored) * 20, cluster.endpoint, prefetch_bytes=1 << 20))
        loaded = [(url, opened.read()) for url, opened in itertools.islice(loading, 100)]
        cluster.targets[2].pause()
        timer = threading.Timer(5, cluster.targets[2].resume)
        timer.start()
        loaded += [(url, opened.read()) for url, opened in loading]
        timer.join()
        assert loaded == list(stored.items()) * 20


def test_target_joins_meanwhile() -> None:
    """Objects move to it while they are read."""
    with running(AIStore(targets=2)) as cluster:
        cluster.create_bucket("bucket")
        stored = fill(cluster, "bucket", NAMES)
        loading = iter(AISFileLoader(list(stored) * 50, cluster.endpoint, prefetch_bytes=1 << 20))
        loaded = [(url, opened.read()) for url, opened in itertools.islice(loading, 100)]
        cluster.add_target()
        loaded += [(url, opened.read()) for url, opened in loading]
        assert loaded == list(stored.items()) * 50
