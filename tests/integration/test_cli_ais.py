"""The commands with URLs of AIStore, on a live cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from integration.ais_gateway import FaultNode
from integration.clusters import running
from objectpipes import cli
from servers import AIStore
from servers.aistore import MIRRORED

NAMES = [f"{number:02}" for number in range(20)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[AIStore]:
    with running(AIStore(targets=2, auth=True)) as cluster:
        cluster.create_bucket("bucket", MIRRORED)
        for name in NAMES:
            cluster.put("bucket", name, name.encode())
        yield cluster


@pytest.fixture(autouse=True)
def _environment(cluster: AIStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in cluster.environment().items():
        monkeypatch.setenv(name, value)


def test_ls(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ls", "-l", "ais://bucket/1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [["2", f"ais://bucket/1{i}"] for i in range(10)]


def test_cat_takes_the_gateway_from_its_option(
    cluster: AIStore, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIS_ENDPOINT")
    assert cli.main(["cat", "ais://bucket/03", "ais://bucket/01", "--url", cluster.endpoint]) == 0
    assert capsysbinary.readouterr().out == b"0301"


def test_bench(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "ais://bucket", "--seconds", "0"]) == 0
    assert re.match(r"objects +20\n", capsys.readouterr().out)


def test_the_doctor_reads_from_every_target(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "ais://bucket"]) == 0
    text = capsys.readouterr().out
    assert "from AIS_AUTHN_TOKEN, until 20" in text
    assert "checksum xxhash2, mirror" in text
    assert "targets: TgtNode1, TgtNode2; gateways: PrxNode0" in text
    read = text.partition("\nread")[2]
    assert "TgtNode1: ais://bucket/" in read
    assert "TgtNode2: ais://bucket/" in read
    assert "refused (HTTP 403): every read goes through the gateway" in text


def test_the_doctor_gives_the_token_to_no_target(
    cluster: AIStore, capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as running:
        nodes = {
            target.url: running.enter_context(FaultNode(target.url)) for target in cluster.targets
        }
        detours = {url: node.endpoint for url, node in nodes.items()}
        gateway = running.enter_context(FaultNode(cluster.endpoint, detours))
        assert cli.main(["doctor", "ais://bucket", "--url", gateway.endpoint]) == 0
        asked = [request for node in nodes.values() for request in node.requests]
    assert {request.path for request in asked} >= {"/v1/health", "/v1/objects/bucket/00"}
    assert not any("authorization" in request.headers for request in asked)
    assert "TgtNode1: ais://bucket/" in capsys.readouterr().out


def test_the_doctor_says_that_direct_reads_are_permitted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIS_AUTHN_TOKEN")
    with running(AIStore(targets=1)) as open_to_all:
        open_to_all.create_bucket("bucket")
        open_to_all.put("bucket", "a b", b"data")
        assert cli.main(["doctor", "ais://bucket", "--url", open_to_all.endpoint]) == 0
    assert "allowed: reads do not go through the gateway" in capsys.readouterr().out


def test_the_doctor_without_a_token(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIS_AUTHN_TOKEN")
    assert cli.main(["doctor", "ais://bucket"]) == 1
    text = capsys.readouterr().out
    assert "none, which is enough for a cluster without AuthN" in text
    assert "HTTP 401: token required" in text
    assert "What to do: Give the cluster a valid token" in text


def test_the_doctor_with_a_token_that_may_not_see_the_map(
    cluster: AIStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIS_AUTHN_TOKEN", cluster.mint_token(buckets={"bucket": 771}))
    assert cli.main(["doctor", "ais://bucket"]) == 0
    map_ = re.search(r"^map +ok +(.*)", capsys.readouterr().out, re.MULTILINE)
    assert map_ is not None
    assert "it lacks the right SHOW-CLUSTER: every read" in map_[1]


def test_the_doctor_with_a_token_that_has_expired(
    cluster: AIStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIS_AUTHN_TOKEN", cluster.mint_token(admin=True, lifetime=-60))
    assert cli.main(["doctor", "ais://bucket"]) == 1
    assert "from AIS_AUTHN_TOKEN, expired at" in capsys.readouterr().out


def test_the_doctor_and_a_bucket_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "ais://nothing"]) == 1
    text = capsys.readouterr().out
    assert "HTTP 404" in text
    assert "Check the bucket's name, provider and namespace." in text


def test_the_doctor_names_a_target_that_cannot_be_reached(
    cluster: AIStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """Last: the target stays away."""
    cluster.targets[1].kill()
    assert cli.main(["doctor", "ais://bucket"]) == 1
    text = capsys.readouterr().out
    assert f"TgtNode2 at {cluster.targets[1].url}: [Errno" in text
    assert "make those reachable from here" in " ".join(text.split())
