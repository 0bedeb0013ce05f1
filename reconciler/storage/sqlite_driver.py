"""SQLite for SQLAlchemy's asyncio dialect, with one step through a connection's thread for each statement.

aiosqlite makes a cursor, executes, fetches and closes by a step each. A step wakes a thread and waits for it, which
costs more than most statements do, and much more while another thread computes.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final, Self, TypeAlias, TypeVar

T = TypeVar("T")

_BEGINNINGS: Final = frozenset({"BEGIN", "BEGIN IMMEDIATE"})
"""They go with the first statement of their transaction: a lock is still taken before anything is read."""


@dataclass(frozen=True, slots=True)
class _Step:
    """Something to do in a connection's thread, and who waits for it."""

    work: Callable[[], Any]
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]

    def take(self) -> None:
        """Execute it, and resolve its future, if anybody still waits."""
        try:
            result, error = self.work(), None
        except BaseException as raised:  # noqa: BLE001  it is raised where it is waited for
            result, error = None, raised
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            self.loop.call_soon_threadsafe(_settle, self.answer, result, error)


def _settle(answer: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if answer.done():  # cancelled
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)


_Steps: TypeAlias = "SimpleQueue[Callable[[], object] | None]"


def _take(steps: _Steps) -> None:
    while (step := steps.get()) is not None:
        step()


class SqliteConnection:
    """A connection with a thread of its own; what is asked of it is done in order."""

    def __init__(self) -> None:
        self._steps: _Steps = SimpleQueue()
        # SQLAlchemy reads this name to see whether there is still a connection
        self._connection: sqlite3.Connection | None = None
        self._beginning: str | None = None

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Connect to a file; transactions are begun and ended by statements alone.

        Raises:
            sqlite3.Error: The file cannot be opened.
        """
        opened = cls()
        # a call that blocks in SQLite must not keep the process from ending
        Thread(target=_take, args=(opened._steps,), name="sqlite", daemon=True).start()
        try:
            opened._connection = await opened._run(lambda: sqlite3.connect(path, isolation_level=None))
        except BaseException:
            opened.stop()
            raise
        return opened

    def cursor(self) -> "SqliteCursor":
        """A cursor for one statement."""
        return SqliteCursor(self)

    async def commit(self) -> None:
        """Commit the transaction."""
        await self._end(sqlite3.Connection.commit)

    async def rollback(self) -> None:
        """Roll the transaction back."""
        await self._end(sqlite3.Connection.rollback)

    async def executescript(self, script: str) -> None:
        """Execute several statements, each stepped to its end."""
        await self.run(lambda connection: connection.executescript(script))

    async def create_function(self, name: str, arguments: int, function: Callable[..., Any], **options: Any) -> None:
        """Register a function for SQL."""
        await self.run(lambda connection: connection.create_function(name, arguments, function, **options))

    async def close(self) -> None:
        """Do what is asked for already, and end."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await self._run(connection.close)
            finally:
                self.stop()

    def stop(self) -> None:
        """End once what is asked for already is done; nobody waits for it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._steps.put(connection.close)
        self._steps.put(None)

    def begin(self, statement: str) -> None:
        """Begin by a statement, once the next one is there."""
        self._beginning = statement

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The result of something done with the connection, in its thread."""
        connection = self._connection
        if connection is None:
            raise sqlite3.OperationalError("no active connection")
        beginning, self._beginning = self._beginning, None

        def step() -> T:
            if beginning is not None:
                connection.execute(beginning)
            return work(connection)

        return await self._run(step)

    async def _end(self, work: Callable[[sqlite3.Connection], None]) -> None:
        self._beginning = None
        if self._connection is not None and self._connection.in_transaction:
            await self.run(work)

    async def _run(self, work: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._steps.put(_Step(work, loop, answer).take)
        return await answer


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What is left of a cursor once it is closed."""

    description: Any = None
    rows: Sequence[Any] = ()
    rowcount: int = -1
    lastrowid: int | None = None


class SqliteCursor:
    """What SQLAlchemy uses of a cursor; the step that executes fetches all rows and closes it."""

    def __init__(self, connection: SqliteConnection) -> None:
        self.arraysize = 1
        self._connection = connection
        self._outcome = _Outcome()

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:
        """The columns; None of a statement that has none."""
        return self._outcome.description

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        return self._outcome.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The id of the row that was inserted last."""
        return self._outcome.lastrowid

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Execute a statement, and fetch what it finds."""
        if statement in _BEGINNINGS:
            self._connection.begin(statement)
            return
        await self._run(lambda cursor: cursor.execute(statement, parameters))

    async def executemany(self, statement: str, parameters: Iterable[Any]) -> None:
        """Execute a statement once for each item."""
        await self._run(lambda cursor: cursor.executemany(statement, parameters))

    async def fetchall(self) -> Sequence[Any]:
        """The rows of the result."""
        return self._outcome.rows

    async def close(self) -> None:
        """Nothing to do: no cursor stays open."""

    async def _run(self, work: Callable[[sqlite3.Cursor], object]) -> None:
        self._outcome = await self._connection.run(lambda connection: _outcome(connection, work))


def _outcome(connection: sqlite3.Connection, work: Callable[[sqlite3.Cursor], object]) -> _Outcome:
    cursor = connection.cursor()
    try:
        work(cursor)
        rows = cursor.fetchall() if cursor.description is not None else ()
        return _Outcome(cursor.description, rows, cursor.rowcount, cursor.lastrowid)
    finally:
        cursor.close()
