"""A transaction, as repositories use it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Delete, Insert, Select, Update
from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.executors import NamedExecutor
from reconciler.ports import Clock
from reconciler.storage.changes import TransactionChanges
from reconciler.storage.contents import contents_of, may_be_large, with_contents
from reconciler.storage.dialect import Dialect
from reconciler.storage.rows import Codec

R = TypeVar("R")


class Transaction:
    """A connection between begin and commit.

    Attributes:
        connection: For what only a dialect can say.
        dialect: The kind of database.
        changed: Whether anything was written.
        touched: The changes to publish.
        records: Where rows are made into records and back, where they are large.
    """

    def __init__(self, connection: AsyncConnection, dialect: Dialect, clock: Clock, records: NamedExecutor) -> None:
        self.connection = connection
        self.dialect = dialect
        self.changed = False
        self.touched = TransactionChanges()
        self.records = records
        self._clock = clock

    async def now(self) -> datetime:
        """The database's clock."""
        return await self.dialect.now(self.connection, self._clock.now)

    async def all(self, codec: Codec[R], statement: Select[Any]) -> list[R]:
        """The records that a selection of the codec's columns finds."""
        found = (await self.connection.execute(statement)).mappings()
        if codec.is_large:
            # its rows are decoded when they are looked at
            return await self.records.run(lambda: [codec.from_row(row) for row in found])
        rows = [dict(row.items()) for row in found]
        contents = await contents_of(self.connection, codec.noun, codec.stored_apart, rows)

        def records() -> list[R]:
            return [codec.from_row(row) for row in with_contents(codec.stored_apart, rows, contents)]

        return await (self.records.run(records) if may_be_large(contents) else self.records.compute(records, rows))

    async def one(self, codec: Codec[R], statement: Select[Any]) -> R | None:
        """The first record, or None."""
        return next(iter(await self.all(codec, statement.limit(1))), None)

    async def finds_any(self, statement: Select[Any]) -> bool:
        """Whether a selection finds a row."""
        return (await self.connection.execute(statement.limit(1))).first() is not None

    async def write(
        self,
        statement: Insert | Update | Delete,
        values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> int:
        """Change rows and say how many.

        Values are given apart from the statement, which then is compiled once.
        """
        result = await self.connection.execute(statement, values)
        self.changed |= result.rowcount != 0
        return result.rowcount


OpenTransaction = Callable[[], AbstractAsyncContextManager[Transaction]]
"""Opens a transaction, for reading or for writing."""
