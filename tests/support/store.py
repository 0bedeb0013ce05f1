"""Real stores for tests, and small records to fill them with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from reconciler.ports import Clock, Store
from reconciler.storage.store import SqlStore


def sqlite_url(folder: Path) -> str:
    """A database of its own in a folder."""
    return f"sqlite:///{folder.absolute() / 'reconciler.db'}"


@asynccontextmanager
async def open_store(tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    """A real store on a SQLite file in the folder; opened again, it is the same database."""
    store = await SqlStore.open(sqlite_url(tmp_path), clock)
    try:
        yield store
    finally:
        await store.close()
