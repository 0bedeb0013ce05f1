"""Writes large values apart from their rows, and removes them with the last row that uses them."""

import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import ColumnElement, delete, exists, insert, select

from reconciler.domain.json_values import to_json
from reconciler.storage.contents import in_parts, owner_of
from reconciler.storage.packing import Packed, pack
from reconciler.storage.repositories.base import Repository, Versioned
from reconciler.storage.tables import content_uses, contents
from reconciler.storage.transaction import Transaction


class Identified(Versioned, Protocol):
    """A record whose id is its key."""

    @property
    def id(self) -> str: ...


P = TypeVar("P", bound=Identified)


class PackedRepository(Repository[P]):
    """Keeps one kind of record with large values, which `Codec.stored_apart` names.

    A value that stays as it was read in the transaction is neither packed nor written again.
    """

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self._kept: dict[str, Mapping[str, Any]] = {}
        """Id → the large values of a record as its row has them."""
        self._new: set[str] = set()

    async def add(self, record: P) -> None:
        """Keep a new record, of which nothing is kept apart yet.

        Raises:
            Conflict: When there is one already.
        """
        self._new.add(record.id)
        await super().add(record)

    async def _stored(self, record: P) -> dict[str, Any]:
        row, large = self.codec.to_row(record, without=self.codec.stored_apart), self._large(record)
        kept = self._kept.get(record.id)
        if kept is not None and all(kept[name] is value for name, value in large.items()):
            return row
        packed = await self._transaction.records.compute(lambda: _packed(large), large)
        contents = {digest: content for item in packed.values() for digest, content in item.contents.items()}
        if contents or record.id not in self._new:
            await keep_contents(self._transaction, owner_of(self.codec.noun, record.id), contents)
        self._new.discard(record.id)
        self._kept[record.id] = large
        return row | {name: item.column for name, item in packed.items()}

    def _large(self, record: P) -> Mapping[str, Any]:
        return {name: getattr(record, name) for name in self.codec.stored_apart}

    async def _find(self, *key: str) -> P | None:
        found = await super()._find(*key)
        self._note([found] if found else [])
        return found

    async def _all(self, *conditions: ColumnElement[bool]) -> Sequence[P]:
        found = await super()._all(*conditions)
        self._note(found)
        return found

    def _note(self, records: Iterable[P]) -> None:
        self._kept |= {record.id: self._large(record) for record in records}


def _packed(large: Mapping[str, Any]) -> Mapping[str, Packed]:
    return {name: pack(to_json(value)) for name, value in large.items()}


async def keep_contents(transaction: Transaction, owner: str, new_contents: Mapping[str, bytes]) -> None:
    """Have a row use these contents, given by digest, and no others."""
    column = content_uses.c
    used = set(await transaction.connection.scalars(select(column.digest).where(column.owner == owner)))
    new, gone = sorted(new_contents.keys() - used), used - new_contents.keys()
    if not new and not gone:
        return
    await _serialize(transaction)
    if new:
        await _add(transaction, {digest: new_contents[digest] for digest in new})
        await transaction.write(insert(content_uses), [{"owner": owner, "digest": digest} for digest in new])
    for part in in_parts(gone):
        await transaction.write(delete(content_uses).where(column.owner == owner, column.digest.in_(part)))
    await _remove_unused(transaction, gone)


async def drop_contents(transaction: Transaction, owners: Collection[str]) -> None:
    """Remove what only these rows use, which are removed in the same transaction."""
    await _serialize(transaction)
    digests: set[str] = set()
    for part in in_parts(owners):
        of_owners = content_uses.c.owner.in_(part)
        digests.update(await transaction.connection.scalars(select(content_uses.c.digest).where(of_owners)))
        await transaction.write(delete(content_uses).where(of_owners))
    await _remove_unused(transaction, digests)


async def _serialize(transaction: Transaction) -> None:
    # by the audit log's lock, which a transaction that adds a plan takes anyway: contents found here are not removed,
    # and no two wait for each other's contents
    await transaction.dialect.serialize_audit(transaction.connection)


async def _add(transaction: Transaction, new_contents: Mapping[str, bytes]) -> None:
    existing: set[str] = set()
    for part in in_parts(new_contents):
        existing.update(
            await transaction.connection.scalars(select(contents.c.digest).where(contents.c.digest.in_(part)))
        )
    missing = {digest: content for digest, content in new_contents.items() if digest not in existing}
    rows = await transaction.records.compute(lambda: _compressed(missing), missing)
    if rows:
        await transaction.write(insert(contents), rows)


def _compressed(missing: Mapping[str, bytes]) -> list[dict[str, Any]]:
    return [{"digest": digest, "data": zlib.compress(content)} for digest, content in missing.items()]


async def _remove_unused(transaction: Transaction, digests: Collection[str]) -> None:
    unused = ~exists().where(content_uses.c.digest == contents.c.digest)
    for part in in_parts(digests):
        await transaction.write(delete(contents).where(contents.c.digest.in_(part), unused))
