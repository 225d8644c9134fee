"""The suite for installed artifacts.

`ci.artifacts.test_artifacts` copies it away from the sources and runs it in an environment that holds the
artifact and nothing of this checkout.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

import objectpipes
from artifact.cells import SERVERS, Cell, Store, fill
from artifact.expected import Expected
from servers import AIStore, S3Server, ServerUnavailable

_EXPECTED = pytest.StashKey[Expected]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--expected", type=Path, required=True, metavar="FILE", help="what the artifact is to be"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_EXPECTED] = Expected.read(config.getoption("--expected"))


@pytest.fixture(scope="session")
def expected(pytestconfig: pytest.Config) -> Expected:
    """Return what the platform table says of the artifact."""
    return pytestconfig.stash[_EXPECTED]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test with every cell of the matrix, or every cell that speaks TLS."""
    cells = [Cell(*cell) for cell in metafunc.config.stash[_EXPECTED].cells]
    tls_cells = [cell for cell in cells if cell.server == "minio-tls"]
    for fixture, chosen in {"store": cells, "tls_store": tls_cells}.items():
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, chosen, ids=str, indirect=True, scope="session")


@pytest.fixture(scope="session")
def filled_servers(expected: Expected) -> Iterator[dict[str, Future[S3Server | AIStore]]]:
    """Start and fill the servers of the matrix side by side; each is done in its own time."""
    names = {name for name, _ in expected.cells}
    with ExitStack() as running, ThreadPoolExecutor(len(names)) as pool:
        yield {name: pool.submit(_filled, SERVERS[name](), running) for name in names}


@pytest.fixture(scope="session")
def store(request: pytest.FixtureRequest) -> Store:
    """Return a cell of the matrix, ready to be read."""
    return _ready_store(request)


@pytest.fixture(scope="session")
def tls_store(request: pytest.FixtureRequest) -> Store:
    """Return a cell whose server speaks TLS, with a certificate from a private CA."""
    return _ready_store(request)


def _ready_store(request: pytest.FixtureRequest) -> Store:
    cell: Cell = request.param
    if cell.transport not in objectpipes.build_info()["transports"]:
        pytest.skip(f"this build has no transport {cell.transport!r}")
    try:
        server = request.getfixturevalue("filled_servers")[cell.server].result()
    except ServerUnavailable as error:
        pytest.skip(str(error))
    return Store.of(server, cell.transport)


def _filled(server: S3Server | AIStore, running: ExitStack) -> S3Server | AIStore:
    running.callback(server.stop)
    server.start()
    server.wait_ready()
    fill(server)
    return server
