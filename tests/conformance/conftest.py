"""The servers of the suite: started together, filled once, the same for all tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from conformance.content import fill, fill_cluster
from conformance.matrix import CELLS, Cell, ServerRow
from conformance.store import Store
from servers import AIStore, S3Server, Server, ServerUnavailable


@pytest.fixture(scope="session")
def filled_servers(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Server]]]:
    """Start and fill, side by side, the servers that the selected tests are for."""
    rows = {cell.server.name: cell.server for cell in _cells_of(request.session.items)}
    with ExitStack() as running, ThreadPoolExecutor(len(rows)) as pool:
        yield {name: pool.submit(_filled, row, running) for name, row in rows.items()}


def _cells_of(items: Iterable[pytest.Item]) -> Iterator[Cell]:
    for item in items:
        arguments = item.callspec.params.values() if hasattr(item, "callspec") else ()
        yield from (argument for argument in arguments if isinstance(argument, Cell))


def _filled(row: ServerRow, running: ExitStack) -> Server:
    server = row.make()
    running.callback(server.stop)
    server.start()
    server.wait_ready()
    if isinstance(server, AIStore):
        fill_cluster(server, row.dialect.missing_keys)
    elif isinstance(server, S3Server):
        fill(server, row.dialect.missing_keys)
    return server


@pytest.fixture(scope="session", params=CELLS, ids=str)
def store(request: pytest.FixtureRequest) -> Store:
    """Return a cell of the matrix, ready to be read."""
    cell: Cell = request.param
    try:
        server = request.getfixturevalue("filled_servers")[cell.server.name].result()
    except ServerUnavailable as error:
        pytest.skip(str(error))
    return cell.server.store(server, cell.server.dialect, cell.transport)
