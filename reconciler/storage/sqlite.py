"""The SQLite dialect: one file, one process, one writer at a time."""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Final

from sqlalchemy import (
    URL,
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Engine,
    NullPool,
    Subquery,
    create_engine,
    event,
    func,
    select,
)
from sqlalchemy import String as Text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from reconciler.errors import StoreError
from reconciler.storage.database_errors import BUSY_SECONDS
from reconciler.storage.dialect import DatabaseSize, Engines, Watch
from reconciler.storage.encoded import serializer
from reconciler.storage.sqlite_driver import SqliteConnection

_READERS: Final = 4

_WAL: Final = "PRAGMA journal_mode=WAL"
# NORMAL may lose the last commits when the power fails: an approval, or worse, the intent of an apply
_DURABLE: Final = "PRAGMA synchronous=FULL"
_PATIENT: Final = f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}"
_RELATED: Final = "PRAGMA foreign_keys=ON"
_READ_ONLY: Final = "PRAGMA query_only=ON"
# only a file that has no table yet takes it, and before anything else is set
_CUTTABLE: Final = "PRAGMA auto_vacuum=INCREMENTAL"
_INCREMENTAL: Final = 2
_FREED_AT_ONCE: Final = 1000
"""Pages of one reclaim: some tens of milliseconds in which nobody else writes."""
_LOG_PAGES: Final = 512
"""What is committed is written into the database itself when so many pages of it wait, which is 2 MiB."""
_SMALL_LOG: Final = (f"PRAGMA wal_autocheckpoint={_LOG_PAGES}", f"PRAGMA journal_size_limit={_LOG_PAGES * 4096}")


class Sqlite:
    """Implements `dialect.Dialect` for SQLite files."""

    @contextmanager
    def guard(self, url: URL) -> Iterator[None]:
        """Hold the lock file beside the database; its lock ends with the process, whatever happens to it."""
        path = database_path(url)
        lock = path.with_name(path.name + ".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(
                f"the database {path} cannot be opened ({error.strerror}): "
                "make its directory writable, or set RECONCILER_DATA__DIR (data.dir) or database.url to another place"
            ) from error
        try:
            _lock(handle, path)
            # readable by its owner only; the files that SQLite puts beside it take the same mode
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            yield
        finally:
            os.close(handle)

    @contextmanager
    def watch(self, url: URL) -> Iterator[Watch]:
        """By ``PRAGMA data_version`` on a connection that writes nothing: some microseconds, no disk."""
        with closing(sqlite3.connect(database_path(url), isolation_level=None)) as connection:
            yield _FileWatch(connection)

    async def announce(self, connection: AsyncConnection, *, shown: bool) -> None:
        """SQLite counts commits by itself."""

    def absent(self, url: URL) -> bool:
        """Whether the file is not there."""
        return not database_path(url).exists()

    def engines(self, url: URL) -> Engines:
        """A single writing connection, which is a fair queue, and a few for readers, which WAL never blocks."""
        path = database_path(url)
        same_file = _sameness(path)
        url = url.set(drivername="sqlite+aiosqlite")
        common: dict[str, Any] = {"async_creator": lambda: SqliteConnection.open(path), "max_overflow": 0}
        common |= {"pool_timeout": BUSY_SECONDS, "json_serializer": serializer}
        writer = create_async_engine(url, pool_size=1, **common)
        reader = create_async_engine(url, pool_size=_READERS, **common)
        _on_connect(writer.sync_engine, _PATIENT, _WAL, _DURABLE, _RELATED, *_SMALL_LOG)
        _on_connect(reader.sync_engine, _PATIENT, _READ_ONLY)
        # the lock is taken before anything is read: what was read is still true when it is written
        _on_begin(writer.sync_engine, "BEGIN IMMEDIATE", same_file)
        _on_begin(reader.sync_engine, "BEGIN", same_file)
        return Engines(writer, reader)

    def migration_engine(self, url: URL) -> Engine:
        """Without foreign keys: a table that is rebuilt is dropped in between."""
        engine = create_engine(
            url.set(drivername="sqlite+pysqlite"), poolclass=NullPool, connect_args={"isolation_level": None}
        )
        _on_connect(engine, _CUTTABLE, _PATIENT, _WAL, _DURABLE)
        _on_begin(engine, "BEGIN IMMEDIATE")
        return engine

    def serialize_migration(self, connection: Connection) -> None:
        """Nothing to do: BEGIN IMMEDIATE serializes writers."""

    async def serialize_audit(self, connection: AsyncConnection) -> None:
        """Nothing to do: BEGIN IMMEDIATE serializes writers."""

    async def now(self, connection: AsyncConnection, wall_clock: Callable[[], datetime]) -> datetime:  # noqa: ARG002  another database asks
        """The wall clock: the only process's clock is the database's."""
        return wall_clock()

    async def size(self, connection: AsyncConnection) -> DatabaseSize:
        """Counted in pages, those that hold nothing included."""
        pages, free, page = [await _pragma(connection, name) for name in ("page_count", "freelist_count", "page_size")]
        return DatabaseSize(pages * page, free * page)

    async def reclaim(self, writer: AsyncEngine) -> bool:
        """Cut some free pages off the file, where it was made to be cut; nobody is waited for but other writers."""
        async with writer.connect() as connection:
            if await _pragma(connection, "auto_vacuum") != _INCREMENTAL:
                return False
            before = await _pragma(connection, "freelist_count")
            await connection.rollback()
            driver = (await connection.get_raw_connection()).driver_connection
            if driver is None:  # pragma: no cover  it was connected a moment ago
                raise StoreError("the database was closed meanwhile")
            # a script is stepped to its end; a statement without columns, which this one is, would free one page
            await driver.executescript(f"PRAGMA incremental_vacuum({_FREED_AT_ONCE}); PRAGMA wal_checkpoint(PASSIVE)")
        return before > _FREED_AT_ONCE

    def compact(self, url: URL) -> None:
        """Write the file anew, as one that can be cut from then on; for a moment it takes its place twice."""
        with closing(sqlite3.connect(database_path(url), isolation_level=None)) as connection:
            for statement in (_PATIENT, _CUTTABLE, "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                connection.execute(statement)

    def label(self, labels: Column[Any], name: str) -> ColumnElement[str]:
        """By ``json_each``, which takes any name literally; a JSON path would have to be escaped."""
        elements = func.json_each(labels).table_valued("key", "value")
        return select(elements.c.value.cast(Text)).where(elements.c.key == name).scalar_subquery()

    def listed(self, rows: BindParameter[str]) -> Subquery:
        """By ``json_each``; moments are text, as they are in columns."""
        elements = func.json_each(rows).table_valued("value")
        names = ("id", "name", "updated_at")
        return select(
            *(func.json_extract(elements.c.value, f"$[{index}]").label(name) for index, name in enumerate(names))
        ).subquery("listed")


async def _pragma(connection: AsyncConnection, name: str) -> int:
    return int((await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one())


class _FileWatch:
    """SQLite does not say who committed: what has moved since this process last did was moved by another.

    A command that commits within the same instant as the service is taken for the service.
    """

    is_immediate: ClassVar = True

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._settled = self()
        self._others = 0

    def __call__(self) -> str:
        return str(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def others(self) -> str:
        """How often another process was noticed."""
        now = self()
        self._others += now != self._settled
        self._settled = now
        return str(self._others)

    def settle(self) -> None:
        """What moved until now is this process's own."""
        self._settled = self()


def database_path(url: URL) -> Path:
    """The file that a URL names.

    Raises:
        StoreError: When it names none.
    """
    if url.database in (None, "", ":memory:"):
        raise StoreError("database.url names no file: write sqlite:////absolute/path/reconciler.db")
    return Path(str(url.database)).absolute()


def _lock(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(handle, 32).decode(errors="replace").strip() or "unknown"
        raise StoreError(
            f"the database {path} is in use by another process (pid {holder}): "
            "stop that one first, or use PostgreSQL to run several"
        ) from error
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)


def _on_connect(engine: Engine, *pragmas: str) -> None:
    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()


def _sameness(path: Path) -> Callable[[], None]:
    """A check that the path still names the file that is open: what is kept in a removed one ends with the process."""
    opened = path.stat()

    def check() -> None:
        try:
            same = os.path.samestat(opened, path.stat())
        except OSError:
            same = False
        if not same:
            raise StoreError(
                f"the database {path} was removed or replaced while it is in use: stop the service, "
                "put the database back, and start the service again"
            )

    return check


def _on_begin(engine: Engine, statement: str, check: Callable[[], None] = lambda: None) -> None:
    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        check()
        connection.exec_driver_sql(statement)
