from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from reconciler.storage import Store
from tests.fakes.clock import FakeClock
from tests.support.store import open_store
from tests.support.store_fixtures import clock

__all__ = ["clock", "store"]


@pytest.fixture
async def store(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Store]:
    """A store whose file the tests may change."""
    async with open_store(tmp_path, clock) as opened:
        yield opened
