"""The doctor finds the first broken link between a URL and its bytes, and says what to do."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
import trustme

from faults import FaultServer, kinds
from integration.http_proxy import HttpProxy
from objectpipes import S3Config, cli
from objectpipes.cli.doctor.chain import walk
from objectpipes.cli.doctor.network import Route
from servers.ports import free_ports

OBJECTS = {"bucket": {"train/large": bytes(100_000), "train/small": b"1234", "other": b""}}


@pytest.fixture
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a token")


pytestmark = pytest.mark.usefixtures("_credentials")


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(OBJECTS) as server:
        yield server


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """PEM file of the authority that `tls_server` has its certificate from."""
    return tmp_path / "ca.pem"


@pytest.fixture
def tls_server(authority: Path) -> Iterator[FaultServer]:
    ca = trustme.CA(organization_name="Example Authority")
    ca.cert_pem.write_to_path(authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    with FaultServer(OBJECTS, tls=context) as server:
        yield server


class Diagnosis:
    """What the doctor printed: the outcome and the finding of every link, and the remedy."""

    def __init__(self, capsys: pytest.CaptureFixture[str], url: str, *options: str) -> None:
        self.code = cli.main(["doctor", url, *options])
        captured = capsys.readouterr()
        assert captured.err == ""
        self.text = captured.out
        chain, _, remedy = captured.out.partition("\n\n")
        self.remedy = " ".join(remedy.split())
        self.outcomes: dict[str, str] = {}
        self.findings: dict[str, str] = {}
        for line in chain.splitlines():
            if line[0] != " ":
                name, self.outcomes[name], *_ = line.split()
                self.findings[name] = ""
            self.findings[name] += line[24:] + "\n"

    def assert_broken(self, link: str, finding: str, remedy: str) -> None:
        names = list(self.outcomes)
        at = names.index(link)
        assert self.code == 1
        assert "failed" not in [self.outcomes[name] for name in names[:at]]
        assert self.outcomes[link] == "failed"
        assert {self.outcomes[name] for name in names[at + 1 :]} <= {"skipped"}
        assert finding in self.findings[link]
        assert remedy in self.remedy


def test_a_whole_chain_ends_in_a_read_of_the_smallest_object(
    capsys: pytest.CaptureFixture[str], server: FaultServer
) -> None:
    found = Diagnosis(capsys, "s3://bucket/train/", "--endpoint-url", server.endpoint)
    assert found.code == 0
    assert found.outcomes == {
        "configuration": "ok",
        "endpoint": "ok",
        "credentials": "ok",
        "DNS": "skipped",
        "TCP": "ok",
        "proxy": "skipped",
        "TLS": "skipped",
        "server": "ok",
        "clock": "ok",
        "region": "ok",
        "list": "ok",
        "read": "ok",
    }
    assert "s3://bucket/train/small: 4 B" in found.findings["read"]
    assert found.remedy == ""


def test_secrets_are_never_shown(capsys: pytest.CaptureFixture[str], server: FaultServer) -> None:
    text = Diagnosis(capsys, "s3://bucket", "--endpoint-url", server.endpoint).text
    assert "AKID" in text
    assert "AKIDEXAMPLE" not in text
    assert "a secret" not in text
    assert "a token" not in text


def test_it_tells_where_the_configuration_comes_from(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    server: FaultServer,
    home: Path,
) -> None:
    (home / ".aws/config").write_text("[profile lab]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    found = Diagnosis(capsys, "s3://bucket", "--profile", "lab", "--anonymous")
    assert "'lab'" in found.findings["configuration"]
    assert f"{home}/.aws/config," in found.findings["configuration"]
    assert f"{home}/.aws/credentials (does not exist)" in found.findings["configuration"]
    assert f"AWS_ENDPOINT_URL={server.endpoint}" in found.findings["configuration"]
    assert "unsigned" in found.findings["credentials"]
    assert "AWS_REGION=us-east-1 saves" in found.findings["region"]


@pytest.mark.parametrize(
    ("bucket", "url"),
    [
        ("bucket", "https://bucket.s3.us-west-2.amazonaws.com/ (virtual style)"),
        ("a.bucket", "https://s3.us-west-2.amazonaws.com/a.bucket (virtual style)"),
    ],
)
def test_a_bucket_of_aws_has_its_own_host_where_the_certificate_covers_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, bucket: str, url: str
) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")  # no test leaves this machine
    found = Diagnosis(capsys, f"s3://{bucket}", "--region", "us-west-2")
    assert url in found.findings["endpoint"]


@pytest.mark.parametrize(("bucket", "code"), [("bucket", 0), ("missing", 1)])
def test_json_says_the_same_to_programs(
    capsys: pytest.CaptureFixture[str], server: FaultServer, bucket: str, code: int
) -> None:
    arguments = ["doctor", "--json", "--endpoint-url", server.endpoint, f"s3://{bucket}/"]
    assert cli.main(arguments) == code
    report = json.loads(capsys.readouterr().out)
    outcomes = [link["outcome"] for link in report["links"]]
    assert report["ok"] is (code == 0)
    assert outcomes.count("failed") == code
    failed = next((link for link in report["links"] if link["outcome"] == "failed"), None)
    assert failed is None or failed["remedy"]


def test_a_profile_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    found = Diagnosis(capsys, "s3://bucket", "--profile", "nobody")
    found.assert_broken("configuration", "profile (nobody) could not be found", "")


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
@pytest.mark.parametrize("spoilt", ["{} ", " {}", "{}\n"])
def test_a_key_with_a_blank_at_an_end(
    capsys: pytest.CaptureFixture[str],
    server: FaultServer,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    spoilt: str,
) -> None:
    monkeypatch.setenv(name, spoilt.format("SPOILTKEYEXAMPLE"))
    found = Diagnosis(capsys, "s3://bucket", "--endpoint-url", server.endpoint)
    assert found.outcomes["credentials"] == "failed"
    assert name in found.findings["credentials"]
    assert "SPOILTKEYEXAMPLE" not in found.text
    assert not server.requests


def test_credentials_that_cannot_be_had(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    found = Diagnosis(capsys, "s3://bucket", "--endpoint-url", "http://127.0.0.1")
    found.assert_broken("credentials", "Partial credentials found in env", "")


def test_a_host_that_does_not_resolve(capsys: pytest.CaptureFixture[str]) -> None:
    found = Diagnosis(capsys, "s3://bucket", "--endpoint-url", "https://no-such-host.invalid")
    found.assert_broken("DNS", "no-such-host.invalid: ", "Check the host in --endpoint-url")


def test_a_port_where_nobody_listens(capsys: pytest.CaptureFixture[str]) -> None:
    (port,) = free_ports(1)
    found = Diagnosis(capsys, "s3://bucket", "--endpoint-url", f"http://127.0.0.1:{port}")
    found.assert_broken("TCP", f"port {port}: Connection refused", "that the server is up")


def test_a_certificate_of_a_private_authority(
    capsys: pytest.CaptureFixture[str], tls_server: FaultServer, authority: Path
) -> None:
    other = authority.with_name("other.pem")
    trustme.CA().cert_pem.write_to_path(other)
    options = ("--endpoint-url", tls_server.endpoint)
    untrusted = Diagnosis(capsys, "s3://bucket", *options, "--ca-file", str(other))
    untrusted.assert_broken("TLS", "issued by O=Example Authority", "--ca-file or AWS_CA_BUNDLE")
    assert f"checked with {other} (ca_file)" in untrusted.findings["TLS"]

    gateway = ("--url", tls_server.endpoint, "--ca-file", str(other))
    untrusted = Diagnosis(capsys, "ais://bucket", *gateway)
    untrusted.assert_broken("TLS", "issued by O=Example Authority", "--ca-file or AIS_CLIENT_CA")

    trusted = Diagnosis(capsys, "s3://bucket", *options, "--ca-file", str(authority))
    assert trusted.code == 0
    assert f"verified with {authority} (ca_file)" in trusted.findings["TLS"]


def test_a_certificate_for_another_host(
    capsys: pytest.CaptureFixture[str], tls_server: FaultServer, authority: Path
) -> None:
    endpoint = tls_server.endpoint.replace("127.0.0.1", "localhost")
    options = ("--endpoint-url", endpoint, "--ca-file", str(authority))
    found = Diagnosis(capsys, "s3://bucket", *options)
    found.assert_broken("TLS", "not valid for 'localhost'", "valid for 127.0.0.1")


def test_a_certificate_whose_time_is_over(
    capsys: pytest.CaptureFixture[str], authority: Path
) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    end = datetime(2020, 1, 2, tzinfo=timezone.utc)
    ca.issue_cert("127.0.0.1", not_before=end.replace(day=1), not_after=end).configure_cert(context)
    with FaultServer(OBJECTS, tls=context) as server:
        options = ("--endpoint-url", server.endpoint, "--ca-file", str(authority))
        found = Diagnosis(capsys, "s3://bucket", *options)
    found.assert_broken("TLS", "certificate has expired", "to Jan 2 00:00:00 2020 GMT")


def test_a_ca_file_without_certificates(
    capsys: pytest.CaptureFixture[str], tls_server: FaultServer, tmp_path: Path
) -> None:
    file = tmp_path / "empty.pem"
    file.touch()
    options = ("--endpoint-url", tls_server.endpoint, "--ca-file", str(file))
    found = Diagnosis(capsys, "s3://bucket", *options)
    found.assert_broken("TLS", f"{file} (ca_file): no certificate", "Name a PEM file")


def test_tls_where_the_server_speaks_none(
    capsys: pytest.CaptureFixture[str], tls_server: FaultServer
) -> None:
    endpoint = tls_server.endpoint.replace("https://", "http://")
    found = Diagnosis(capsys, "s3://bucket", "--endpoint-url", endpoint)
    found.assert_broken("server", "no HTTP reply", "write https://")


def test_clocks_that_differ(capsys: pytest.CaptureFixture[str], server: FaultServer) -> None:
    server.faults.add(kinds.RequestTimeTooSkewed(ahead=7200))
    found = Diagnosis(capsys, "s3://bucket", "--endpoint-url", server.endpoint)
    assert found.code == 0
    assert "behind the server's; reads correct for it" in found.findings["clock"]


def test_a_bucket_that_does_not_exist(
    capsys: pytest.CaptureFixture[str], server: FaultServer
) -> None:
    found = Diagnosis(capsys, "s3://nobody", "--endpoint-url", server.endpoint)
    found.assert_broken("list", "The bucket does not exist", "Check the bucket's name")


def test_listing_that_is_not_allowed(
    capsys: pytest.CaptureFixture[str], server: FaultServer
) -> None:
    server.faults.add(kinds.AccessDenied(), match=lambda r: r.method == "GET")
    found = Diagnosis(capsys, "s3://bucket", "--endpoint-url", server.endpoint)
    found.assert_broken("list", "AccessDenied", "s3:ListBucket")


def test_reading_that_is_not_allowed(
    capsys: pytest.CaptureFixture[str], server: FaultServer
) -> None:
    server.faults.add(kinds.AccessDenied(), match=lambda r: bool(r.key))
    found = Diagnosis(capsys, "s3://bucket/train", "--endpoint-url", server.endpoint)
    found.assert_broken("read", "AccessDenied", "s3:GetObject")


def test_a_prefix_without_objects(capsys: pytest.CaptureFixture[str], server: FaultServer) -> None:
    found = Diagnosis(capsys, "s3://bucket/nothing", "--endpoint-url", server.endpoint)
    assert found.code == 0
    assert "nothing begins with s3://bucket/nothing" in found.findings["list"]
    assert found.outcomes["read"] == "skipped"


def test_the_way_through_a_proxy(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tls_server: FaultServer,
    authority: Path,
) -> None:
    options = ("--endpoint-url", tls_server.endpoint, "--ca-file", str(authority))
    with HttpProxy("Basic bWU6cGFzcyB3b3Jk") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        refused = Diagnosis(capsys, "s3://bucket", *options)
        refused.assert_broken("proxy", "407", "http://user:password@host:port")

        monkeypatch.setenv("HTTPS_PROXY", f"http://me:pass%20word@{proxy.address}")
        passed = Diagnosis(capsys, "s3://bucket", *options)
        assert passed.code == 0
        assert proxy.targets.count(f"127.0.0.1:{tls_server.port}") >= 2
        assert "pass" not in passed.text


def test_the_way_through_a_proxy_of_plain_http(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, server: FaultServer
) -> None:
    options = ("--endpoint-url", server.endpoint)
    with HttpProxy("Basic bWU6cGFzcyB3b3Jk") as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.address}")
        refused = Diagnosis(capsys, "s3://bucket", *options)
        refused.assert_broken("server", "407", "http://user:password@host:port")

        monkeypatch.setenv("HTTP_PROXY", f"http://me:pass%20word@{proxy.address}")
        passed = Diagnosis(capsys, "s3://bucket", *options)
        assert passed.code == 0
        assert not proxy.targets
        assert len(proxy.urls) > 2


def test_a_proxy_that_hangs_up(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, server: FaultServer
) -> None:
    server.faults.add(kinds.CloseBeforeReply())
    monkeypatch.setenv("HTTPS_PROXY", server.endpoint)
    found = Diagnosis(capsys, "s3://bucket", "--endpoint-url", "https://store.invalid")
    found.assert_broken("proxy", "Remote end closed connection", "Check the proxy in HTTPS_PROXY")


def test_the_connection_ends_whoever_holds_the_reply(server: FaultServer) -> None:
    connection = S3Config(endpoint_url=server.endpoint, anonymous=True).resolve().connection
    route = Route("--endpoint-url", "AWS_CA_BUNDLE")
    route.lead_to(f"{server.endpoint}/bucket", connection)
    assert all(finding.outcome != "failed" for finding in walk(route.links()))
    route.close()
    deadline = time.monotonic() + 30
    while server.open_connections and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.open_connections == 0
    assert route.reply is not None


def test_a_proxy_that_is_no_url(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@proxy:port")
    found = Diagnosis(capsys, "s3://bucket", "--endpoint-url", "https://127.0.0.1")
    found.assert_broken("configuration", "The proxy in HTTPS_PROXY does not have the form", "")
    assert "secret" not in found.text


def test_a_proxy_that_is_down(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, server: FaultServer
) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{port}")
    found = Diagnosis(capsys, "s3://bucket", "--endpoint-url", server.endpoint)
    found.assert_broken("TCP", f"port {port}: Connection refused", "HTTPS_PROXY or HTTP_PROXY")
