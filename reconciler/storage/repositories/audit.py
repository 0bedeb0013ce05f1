"""The audit log: append-only, gapless, hash-chained."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import insert

from reconciler.domain.audit import GENESIS, chain
from reconciler.domain.records import AuditEntry
from reconciler.storage import tables
from reconciler.storage.repositories.base import Reader
from reconciler.storage.rows import AUDIT, to_json

_BATCH: Final = 500


class Audit(Reader[AuditEntry]):
    """Implements `ports.AuditRepository`."""

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
        """Add the next entry. It and its number stand or fall with the transaction, so there are no gaps."""
        await self._transaction.dialect.serialize_audit(self._transaction.connection)
        last = await self._transaction.one(AUDIT, self._select().order_by(tables.audit.c.seq.desc()))
        prev_hash = last.hash if last else GENESIS
        said: dict[str, Any] = {
            "seq": last.seq + 1 if last else 1,
            "at": at.astimezone(UTC),
            "actor": actor,
            "action": action,
            "subject": subject,
            "fingerprint": fingerprint,
            "detail": to_json(detail or {}),
        }
        entry = AuditEntry(**said, prev_hash=prev_hash, hash=chain(prev_hash, **said))
        await self._transaction.write(insert(tables.audit).values(AUDIT.to_row(entry)))
        return entry

    async def entries(self, *, after: int = 0) -> AsyncIterator[AuditEntry]:
        """Every entry with a higher ``seq``, in order."""
        while batch := await self._batch(after):
            for entry in batch:
                yield entry
            after = batch[-1].seq

    async def _batch(self, after: int) -> list[AuditEntry]:
        seq = tables.audit.c.seq
        return await self._transaction.all(AUDIT, self._select(seq > after).order_by(seq).limit(_BATCH))
