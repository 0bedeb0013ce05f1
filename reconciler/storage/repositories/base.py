"""The base of repositories: get, add, and save with a version check."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from sqlalchemy import ColumnElement, Delete, Select, Update, bindparam, insert, update

from reconciler.errors import Conflict
from reconciler.storage.rows import Codec
from reconciler.storage.transaction import Transaction


class Versioned(Protocol):
    """A record whose saves are compared and set."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def version(self) -> int: ...


R = TypeVar("R")
V = TypeVar("V", bound=Versioned)


class Reader(Generic[R]):
    """Finds one kind of record. A subclass says which by its codec."""

    codec: Codec[R]

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def _select(self, *conditions: ColumnElement[bool]) -> Select[Any]:
        return self.codec.selection.where(*conditions)

    async def _find(self, *key: str) -> R | None:
        return await self._transaction.one(self.codec, self._select(*self._at(key)))

    async def _all(self, *conditions: ColumnElement[bool]) -> Sequence[R]:
        """Ordered by the primary key."""
        return await self._transaction.all(self.codec, self._select(*conditions).order_by(*self.codec.key))

    def _at(self, key: Sequence[Any]) -> list[ColumnElement[bool]]:
        return [column == value for column, value in zip(self.codec.key, key, strict=True)]


class Repository(Reader[V], Generic[V]):
    """Keeps one kind of record that has a version."""

    codec: Codec[V]

    async def add(self, record: V) -> None:
        """Keep a new record.

        Raises:
            Conflict: When there is one already.
        """
        await self._transaction.write(insert(self.codec.table), await self._stored(record))
        self._transaction.touched.note(record)

    async def save(self, record: V) -> V:
        """Keep a changed record, and return it with its new version.

        Raises:
            Conflict: When it was changed since it was read.
        """
        saved = replace(record, version=record.version + 1)
        await self._change(record, update(self.codec.table), await self._stored(saved))
        return saved

    async def save_all(self, records: Sequence[V]) -> None:
        """Keep many changed records by one statement.

        Raises:
            Conflict: When one of them was changed since it was read.
        """
        if not records:
            return
        same = {column.name: f"was_{column.name}" for column in (*self.codec.key, self.codec.table.c.version)}
        statement = update(self.codec.table).where(
            *(self.codec.table.c[name] == bindparam(was) for name, was in same.items())
        )
        rows = [
            self._row(replace(record, version=record.version + 1))
            | {was: getattr(record, name) for name, was in same.items()}
            for record in records
        ]
        if await self._transaction.write(statement, rows) != len(records):
            raise Conflict(
                "concurrent_change",
                f"a {self.codec.noun} was changed meanwhile: look at it and repeat what still fits",
            )
        for record in records:
            self._transaction.touched.note(record)

    async def _change(self, record: V, statement: Update | Delete, values: dict[str, Any] | None = None) -> None:
        """Change the record's row, provided that it is still as it was read."""
        key = [getattr(record, column.name) for column in self.codec.key]
        unchanged = self.codec.table.c.version == record.version
        if await self._transaction.write(statement.where(*self._at(key), unchanged), values) == 0:
            raise Conflict(
                "concurrent_change",
                f"the {self.codec.noun} {'/'.join(key)} was changed meanwhile: look at it and repeat what still fits",
            )
        self._transaction.touched.note(record)

    async def _stored(self, record: V) -> dict[str, Any]:
        """The row of a record, when what is kept elsewhere of it has been kept."""
        if not self.codec.is_large:
            return self._row(record)
        return await self._transaction.records.compute(lambda: self.codec.to_encoded_row(record), record)

    def _row(self, record: V) -> dict[str, Any]:
        return self.codec.to_row(record)
