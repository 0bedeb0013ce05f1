"""Real stores for tests, and small records to fill them with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from reconciler.ports import Clock
from reconciler.storage import Store, schema


def sqlite_url(folder: Path) -> str:
    """A database of its own in a folder."""
    return f"sqlite:///{folder.absolute() / 'reconciler.db'}"


@cache
def _empty_database() -> bytes:
    """A file as the migrations make it: made once, because they cost more than most tests."""
    with TemporaryDirectory() as folder:
        schema.upgrade(sqlite_url(Path(folder)))
        return (Path(folder) / "reconciler.db").read_bytes()


def prepare(folder: Path) -> None:
    """Have a database in the folder, unless one is there; a folder that is missing is left to the store."""
    file = folder / "reconciler.db"
    if folder.is_dir() and not file.exists():
        file.write_bytes(_empty_database())


@asynccontextmanager
async def open_store(tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    """A real store on a SQLite file in the folder; opened again, it is the same database."""
    prepare(tmp_path)
    async with open_url(sqlite_url(tmp_path), clock) as store:
        yield store


@asynccontextmanager
async def open_url(url: str, clock: Clock) -> AsyncIterator[Store]:
    """A store on a database, which opening brings to the newest revision."""
    store = await Store.open(url, clock)
    try:
        yield store
    finally:
        await store.close()
