"""The databases that every storage test runs on: another one joins by one more parameter here."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from reconciler.storage.store import SqlStore
from tests.fakes.clock import FakeClock
from tests.support.store import sqlite_url


@pytest.fixture(params=["sqlite"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    match request.param:
        case "sqlite":
            return sqlite_url(tmp_path)
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
