"""SQLite's driver with one step through its thread for each statement.

aiosqlite makes a cursor, executes, fetches and closes by a step each. A step wakes a thread and waits for it, which
costs more than most statements do.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import aiosqlite

_CHUNK = 64
"""What `aiosqlite.connect` reads at a time of a cursor that is iterated; nobody does."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What is left of a cursor once it is closed."""

    description: Any = None
    rows: Sequence[Any] = ()
    rowcount: int = -1
    lastrowid: int | None = None


class OneStepCursor:
    """The part of a cursor that SQLAlchemy uses; its rows are all fetched by the step that executes."""

    def __init__(self, connection: "OneStepConnection") -> None:
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

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Self:
        """Execute a statement, and fetch what it finds."""
        return await self._run(lambda cursor: cursor.execute(statement, parameters))

    async def executemany(self, statement: str, parameters: Iterable[Any]) -> Self:
        """Execute a statement once for each item."""
        return await self._run(lambda cursor: cursor.executemany(statement, parameters))

    async def fetchall(self) -> Sequence[Any]:
        """What was found."""
        return self._outcome.rows

    async def close(self) -> None:
        """Nothing is left open."""

    async def _run(self, work: Callable[[sqlite3.Cursor], object]) -> Self:
        self._outcome = await self._connection.run(partial(_outcome, work))
        return self


class OneStepConnection(aiosqlite.Connection):
    """A connection whose cursors are made and closed in the step that executes."""

    @classmethod
    def connect(cls, database: str, **arguments: Any) -> Self:
        """A connection to be awaited; it is what ``async_creator_fn`` of SQLAlchemy's dialect asks for.

        Args:
            database: The file's path.
            arguments: As `sqlite3.connect` takes them.
        """
        made = cls(partial(sqlite3.connect, database, **arguments), _CHUNK)
        # as SQLAlchemy has it: a thread that waits for ever must not keep the process from ending
        made._thread.daemon = True
        return made

    def cursor(self) -> OneStepCursor:  # type: ignore[override]  # SQLAlchemy awaits what it enters
        """A cursor for one statement."""
        return OneStepCursor(self)

    async def run(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        """The result of something done with the connection in its thread."""
        return await self._execute(work, self._conn)  # type: ignore[no-untyped-call]  # aiosqlite's


def _outcome(work: Callable[[sqlite3.Cursor], object], connection: sqlite3.Connection) -> _Outcome:
    cursor = connection.cursor()
    try:
        work(cursor)
        rows = cursor.fetchall() if cursor.description is not None else ()
        return _Outcome(cursor.description, rows, cursor.rowcount, cursor.lastrowid)
    finally:
        cursor.close()
