"""Writing what is kept apart from its rows, and removing it with the last row that uses it."""

import zlib
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import delete, exists, insert, select

from reconciler.storage.contents import in_parts, owner_of
from reconciler.storage.packing import pack
from reconciler.storage.repositories.base import Repository, V
from reconciler.storage.tables import content_uses, contents
from reconciler.storage.transaction import Transaction


class PackedRepository(Repository[V]):
    """Keeps one kind of record with large values, which `Codec.apart` names."""

    async def _stored(self, record: V) -> dict[str, Any]:
        row = self._row(record)
        apart: dict[str, bytes] = {}
        for name in self.codec.apart:
            packed = pack(row[name])
            row[name] = packed.column
            apart |= packed.contents
        await keep_contents(self._transaction, owner_of(self.codec.noun, row["id"]), apart)
        return row


async def keep_contents(transaction: Transaction, owner: str, wanted: Mapping[str, bytes]) -> None:
    """Have a row use these contents, given by digest, and no others."""
    column = content_uses.c
    used = set(await transaction.connection.scalars(select(column.digest).where(column.owner == owner)))
    new, gone = sorted(wanted.keys() - used), used - wanted.keys()
    if not new and not gone:
        return
    await _serialize(transaction)
    if new:
        await _add(transaction, {digest: wanted[digest] for digest in new})
        await transaction.write(insert(content_uses), [{"owner": owner, "digest": digest} for digest in new])
    for part in in_parts(gone):
        await transaction.write(delete(content_uses).where(column.owner == owner, column.digest.in_(part)))
    await _remove_unused(transaction, gone)


async def drop_contents(transaction: Transaction, owners: Collection[str]) -> None:
    """Remove what only these rows use, which are removed in the same transaction."""
    await _serialize(transaction)
    digests: set[str] = set()
    for part in in_parts(owners):
        mine = content_uses.c.owner.in_(part)
        digests.update(await transaction.connection.scalars(select(content_uses.c.digest).where(mine)))
        await transaction.write(delete(content_uses).where(mine))
    await _remove_unused(transaction, digests)


async def _serialize(transaction: Transaction) -> None:
    # by the lock that whoever makes a plan takes anyway, for its entry: what is found here is not removed meanwhile,
    # and no two wait for each other's contents
    await transaction.dialect.serialize_audit(transaction.connection)


async def _add(transaction: Transaction, wanted: Mapping[str, bytes]) -> None:
    known: set[str] = set()
    for part in in_parts(wanted):
        known.update(await transaction.connection.scalars(select(contents.c.digest).where(contents.c.digest.in_(part))))
    rows = [
        {"digest": digest, "data": zlib.compress(content)} for digest, content in wanted.items() if digest not in known
    ]
    if rows:
        await transaction.write(insert(contents), rows)


async def _remove_unused(transaction: Transaction, digests: Collection[str]) -> None:
    unused = ~exists().where(content_uses.c.digest == contents.c.digest)
    for part in in_parts(digests):
        await transaction.write(delete(contents).where(contents.c.digest.in_(part), unused))
