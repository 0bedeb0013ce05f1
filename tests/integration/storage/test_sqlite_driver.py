"""Each statement goes through a connection's thread once; what goes wrong there is raised where it is waited for."""

import asyncio
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from reconciler.storage.sqlite import Sqlite
from reconciler.storage.sqlite_driver import SqliteConnection
from tests.support.waiting import until

pytestmark = pytest.mark.anyio


class CountedConnection(SqliteConnection):
    """Counts what goes through its thread."""

    steps = 0

    async def run(self, work: Any) -> Any:
        self.steps += 1
        return await super().run(work)


async def executed(connection: SqliteConnection, statement: str) -> Any:
    cursor = connection.cursor()
    await cursor.execute(statement)
    return await cursor.fetchall()


async def test_a_statement_is_one_step(tmp_path: Path) -> None:
    connection = await CountedConnection.open(tmp_path / "a.db")
    try:
        cursor = connection.cursor()
        await cursor.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)")
        await cursor.executemany("INSERT INTO t VALUES (?)", [(1,), (2,)])
        assert cursor.rowcount == 2
        assert await executed(connection, "SELECT n FROM t") == [(1,), (2,)]
        await cursor.close()
        assert connection.steps == 3
    finally:
        await connection.close()


@pytest.mark.parametrize("beginning", ["BEGIN", "BEGIN IMMEDIATE"])
async def test_a_transaction_begins_with_its_first_statement_and_may_have_none(tmp_path: Path, beginning: str) -> None:
    connection = await CountedConnection.open(tmp_path / "a.db")
    try:
        await connection.cursor().execute(beginning)
        await connection.commit()
        assert connection.steps == 0
        await connection.cursor().execute(beginning)
        await connection.cursor().execute("CREATE TABLE t (n INTEGER)")
        await connection.rollback()
        assert connection.steps == 2
        assert await executed(connection, "SELECT name FROM sqlite_master") == []
    finally:
        await connection.close()


async def test_a_read_transaction_is_of_one_moment(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.touch()
    engines = Sqlite().engines(make_url(f"sqlite:///{path}"))
    try:
        async with engines.writer.begin() as writing:
            await writing.execute(text("CREATE TABLE t (n INTEGER)"))
        async with engines.reader.begin() as reading:
            assert (await reading.execute(text("SELECT n FROM t"))).all() == []
            async with engines.writer.begin() as writing:
                await writing.execute(text("INSERT INTO t VALUES (1)"))
            assert (await reading.execute(text("SELECT n FROM t"))).all() == []
        async with engines.reader.begin() as reading:
            assert (await reading.execute(text("SELECT n FROM t"))).all() == [(1,)]
    finally:
        await engines.dispose()


async def test_what_fails_is_raised_and_the_connection_goes_on(tmp_path: Path) -> None:
    connection = await SqliteConnection.open(tmp_path / "a.db")
    try:
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            await executed(connection, "SELECT * FROM t")
        assert await executed(connection, "SELECT 1") == [(1,)]
    finally:
        await connection.close()


async def test_what_nobody_waits_for_any_more_is_done_before_what_comes_next(tmp_path: Path) -> None:
    connection = await SqliteConnection.open(tmp_path / "a.db")
    begun, goes_on = threading.Event(), threading.Event()

    def slow(inner: sqlite3.Connection) -> None:
        begun.set()
        goes_on.wait()
        inner.execute("CREATE TABLE t (n INTEGER)")

    try:
        waiting = asyncio.create_task(connection.run(slow))
        await until(begun.is_set)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        goes_on.set()
        assert await executed(connection, "SELECT * FROM t") == []
    finally:
        await connection.close()


@pytest.mark.parametrize("is_waited_for", [True, False])
async def test_a_connection_ends_with_its_thread(tmp_path: Path, *, is_waited_for: bool) -> None:
    before = set(threading.enumerate())
    connection = await SqliteConnection.open(tmp_path / "a.db")
    threads = set(threading.enumerate()) - before
    assert len(threads) == 1
    if is_waited_for:
        await connection.close()
    else:
        connection.stop()
    with pytest.raises(sqlite3.OperationalError, match="no active connection"):
        await executed(connection, "SELECT 1")
    await until(lambda: not any(thread.is_alive() for thread in threads))


async def test_a_file_that_cannot_be_opened_leaves_no_thread(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with pytest.raises(sqlite3.OperationalError):
        await SqliteConnection.open(tmp_path / "missing" / "a.db")
    await until(lambda: set(threading.enumerate()) <= before)
