"""The audit log: append-only, gapless, hash-chained."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import OperationalError

from reconciler.domain.audit import GENESIS, AuditEntry, chain
from reconciler.domain.audit_verify import Unreadable
from reconciler.domain.json_values import to_json
from reconciler.storage import tables
from reconciler.storage.repositories.base import Reader
from reconciler.storage.rows import AUDIT

_BATCH: Final = 500
_seq = tables.audit.c.seq
# errors of reading a row that was written by hand: no JSON, no time, or no UTF-8, which is SQLite's own error
_NO_ENTRY: Final = (ValueError, TypeError, AttributeError, OverflowError, OperationalError)


class Audit(Reader[AuditEntry]):
    """The audit log: append-only, gapless, hash-chained."""

    codec = AUDIT

    async def append(
        self,
        *,
        at: datetime,
        actor: str,
        action: str,
        subject: str,
        fingerprint: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> AuditEntry:
        """Add the next entry. Its number is committed or rolled back with the transaction, so there are no gaps."""
        await self._transaction.dialect.serialize_audit(self._transaction.connection)
        last = await self.last()
        prev_hash = last.hash if last else GENESIS
        content: dict[str, Any] = {
            "seq": last.seq + 1 if last else 1,
            "at": at.astimezone(UTC),
            "actor": actor,
            "action": action,
            "subject": subject,
            "fingerprint": fingerprint,
            "detail": to_json(detail or {}),
        }
        entry = AuditEntry(**content, prev_hash=prev_hash, hash=chain(prev_hash, **content))
        await self._transaction.write(insert(tables.audit).values(AUDIT.to_row(entry)))
        return entry

    async def entries(self, *, after: int = 0) -> AsyncIterator[AuditEntry]:
        """Every entry with a higher ``seq``, in order."""
        while batch := await self._batch(after):
            for entry in batch:
                yield entry
            after = batch[-1].seq

    async def rows(self, *, after: int | None = None) -> AsyncIterator[AuditEntry | Unreadable]:
        """Whatever is kept with a higher ``seq``, in order, also what is no entry; None means all of it."""
        while seqs := await self._seqs(after):
            for row in await self._readable(seqs):
                yield row
            after = seqs[-1]

    async def first(self, count: int) -> Sequence[AuditEntry]:
        """The oldest entries, in order."""
        return await self._transaction.all(AUDIT, self._select().order_by(_seq).limit(count))

    async def last(self) -> AuditEntry | None:
        """The newest entry."""
        return await self._transaction.one(AUDIT, self._select().order_by(_seq.desc()))

    async def begins(self) -> int | None:
        """The lowest ``seq``; None for an empty log."""
        lowest: int | None = (await self._transaction.connection.execute(select(func.min(_seq)))).scalar_one()
        return lowest

    async def hashes(self, seqs: Collection[int]) -> Mapping[int, str]:
        """``seq`` → hash, of those of these entries that there are."""
        found = await self._transaction.connection.execute(
            select(_seq, tables.audit.c.hash).where(_seq.in_(sorted(seqs)))
        )
        return {row.seq: row.hash for row in found}

    async def remove_through(self, seq: int) -> int:
        """Remove every entry up to this one, and say how many; nobody appends meanwhile."""
        await self._transaction.dialect.serialize_audit(self._transaction.connection)
        return await self._transaction.write(delete(tables.audit).where(_seq <= seq))

    async def _seqs(self, after: int | None) -> list[int]:
        statement = select(_seq).order_by(_seq).limit(_BATCH)
        statement = statement if after is None else statement.where(_seq > after)
        return list((await self._transaction.connection.execute(statement)).scalars())

    async def _readable(self, seqs: Sequence[int]) -> Sequence[AuditEntry | Unreadable]:
        """The rows of a batch; when one of them cannot be read, each by itself to find out which."""
        between = self._select(_seq >= seqs[0], _seq <= seqs[-1]).order_by(_seq)
        try:
            return await self._transaction.all(AUDIT, between)
        except _NO_ENTRY as error:
            _raise_unless_of_a_row(error)
            return [await self._row(seq) for seq in seqs]

    async def _row(self, seq: int) -> AuditEntry | Unreadable:
        try:
            found = await self._transaction.one(AUDIT, self._select(_seq == seq))
        except _NO_ENTRY as error:
            _raise_unless_of_a_row(error)
            return Unreadable(seq, f"a column holds what it must not ({type(error).__name__})")
        return found or Unreadable(seq, "it is gone")

    async def _batch(self, after: int) -> list[AuditEntry]:
        return await self._transaction.all(AUDIT, self._select(_seq > after).order_by(_seq).limit(_BATCH))


def _raise_unless_of_a_row(error: Exception) -> None:
    """Pass on what is the database's trouble and no row's."""
    if isinstance(error, OperationalError) and "decode" not in str(error):
        raise error
