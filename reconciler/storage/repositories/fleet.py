"""Sources, tenants, runs, chatbots and baselines."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, and_, delete, insert, or_, select

from reconciler.domain.direction import NO_BASELINE, Baseline
from reconciler.domain.entities import Chatbot, Run, RunStatus, SourceRecord
from reconciler.domain.json_values import to_json
from reconciler.domain.suspensions import ScopeKind
from reconciler.domain.tenant import TenantRecord
from reconciler.storage import tables
from reconciler.storage.bodies import drop_bodies_of, drop_unused_bodies, packed, unpacked
from reconciler.storage.contents import in_parts
from reconciler.storage.repositories.base import Repository
from reconciler.storage.repositories.contents import PackedRepository
from reconciler.storage.repositories.documents import BODY_OF_DOCUMENT
from reconciler.storage.repositories.history import History
from reconciler.storage.repositories.renaming import rename_sources
from reconciler.storage.rows import CHATBOTS, RUNS, SOURCES, TENANTS
from reconciler.storage.transaction import Transaction


class Sources(Repository[SourceRecord]):
    """Sources by name."""

    codec = SOURCES

    async def get(self, name: str) -> SourceRecord | None:
        return await self._find(name)

    async def all(self) -> Sequence[SourceRecord]:
        return await self._all()

    async def remove(self, record: SourceRecord) -> None:
        """Remove a source, and what was parsed of its files.

        Raises:
            Conflict: When it was changed since it was read.
        """
        await self._change(record, delete(tables.sources))
        for table in tables.OF_FILES:
            await self._transaction.write(delete(table).where(table.c.source == record.name))
        await drop_bodies_of(self._transaction, record.name)

    async def rename(self, names: Mapping[str, str]) -> None:
        """Have sources, and whatever is kept of them but tokens and the audit log, go by other names.

        Args:
            names: Old name → new name; names may be swapped.
        """
        await rename_sources(self._transaction, names)


class Tenants(Repository[TenantRecord]):
    """Tenants by name, those that were asked anything."""

    codec = TENANTS

    async def get(self, name: str) -> TenantRecord | None:
        return await self._find(name)

    async def all(self) -> Sequence[TenantRecord]:
        return await self._all()

    async def remove(self, record: TenantRecord) -> None:
        """Remove a tenant.

        Raises:
            Conflict: When it was changed since it was read.
        """
        await self._change(record, delete(tables.tenants))


class Runs(PackedRepository[Run]):
    """Runs by id."""

    codec = RUNS

    async def get(self, run_id: str) -> Run | None:
        return await self._find(run_id)

    async def queued(self, source: str) -> Run | None:
        """The run of a source that waits to start; there is at most one."""
        waiting = tables.runs.c.status == RunStatus.QUEUED
        return await self._transaction.one(RUNS, self._select(tables.runs.c.source == source, waiting))

    async def unended(self, source: str) -> Sequence[Run]:
        """The runs of a source that wait to start or are marked Running."""
        waiting_or_running = tables.runs.c.status.in_([RunStatus.QUEUED, RunStatus.RUNNING])
        return await self._all(tables.runs.c.source == source, waiting_or_running)

    async def last_about(self, source: str, revision: str, *, among: int) -> Run | None:
        """The newest run of a source that ended and tells of a revision.

        Args:
            source: The source's name.
            revision: The revision.
            among: How many of the newest runs are looked at.
        """
        column = tables.runs.c
        newest_first = (column.created_at.desc(), column.id.desc())
        newest = select(column.id).where(column.source == source).order_by(*newest_first).limit(among)
        told = self._select(column.id.in_(newest), column.finished_at.is_not(None), column.revision == revision)
        return await self._transaction.one(RUNS, told.order_by(*newest_first))

    async def running(self) -> Sequence[Run]:
        """Every run that is marked Running."""
        return await self._all(tables.runs.c.status == RunStatus.RUNNING)


class Chatbots(Repository[Chatbot]):
    """Chatbots by tenant and id."""

    codec = CHATBOTS

    def __init__(self, transaction: Transaction, history: History) -> None:
        super().__init__(transaction)
        self._history = history

    async def get(self, tenant: str, chatbot_id: str) -> Chatbot | None:
        return await self._find(tenant, chatbot_id)

    async def some(self, tenant: str, chatbot_ids: Collection[str]) -> Mapping[str, Chatbot]:
        """Those of these chatbots that there are, by id."""
        found: dict[str, Chatbot] = {}
        for part in in_parts(chatbot_ids):
            chatbots = await self._all(tables.chatbots.c.tenant == tenant, tables.chatbots.c.id.in_(part))
            found |= {chatbot.id: chatbot for chatbot in chatbots}
        return found

    async def of_tenant(self, tenant: str) -> Sequence[Chatbot]:
        return await self._all(tables.chatbots.c.tenant == tenant)

    async def of_source(self, source: str) -> Sequence[Chatbot]:
        return await self._all(tables.chatbots.c.source == source)

    async def claimed_ids(self, tenant: str) -> Sequence[str]:
        """The ids of the tenant's chatbots that a document states."""
        chatbot = tables.chatbots.c
        statement = select(chatbot.id).where(chatbot.tenant == tenant, chatbot.source.is_not(None))
        return (await self._transaction.connection.execute(statement)).scalars().all()

    async def is_any_compared(self, tenant: str) -> bool:
        """Whether any chatbot of the tenant could be compared when that was last tried."""
        chatbot = tables.chatbots.c
        statement = select(chatbot.id).where(chatbot.tenant == tenant, chatbot.fault.is_(None))
        return await self._transaction.finds_any(statement)

    async def in_scope(self, kind: ScopeKind, subject: str) -> Sequence[Chatbot]:
        """The chatbots that a suspension of this scope covers."""
        match kind:
            case ScopeKind.CHATBOT:
                return await self._all(tables.chatbots.c.id == subject)
            case ScopeKind.SOURCE:
                return await self.of_source(subject)
            case ScopeKind.TENANT:
                return await self.of_tenant(subject)
            case ScopeKind.ALL:
                return await self._all()

    async def add(self, record: Chatbot) -> None:
        """Keep a new chatbot.

        Raises:
            Conflict: When there is one already.
        """
        self._history.added(record)
        await super().add(record)

    async def add_all(self, records: Sequence[Chatbot]) -> None:
        """Keep new chatbots by one statement.

        Raises:
            Conflict: When there is one of them already.
        """
        for record in records:
            self._history.added(record)
            self._transaction.touched.note(record)
        await self._transaction.write(insert(tables.chatbots), [self._row(record) for record in records])

    async def save(self, record: Chatbot) -> Chatbot:
        """Keep a changed chatbot, and return it with its new version.

        Raises:
            Conflict: When it was changed since it was read.
        """
        await self._history.saving([record])
        return await super().save(record)

    async def save_all(self, records: Sequence[Chatbot]) -> None:
        """Keep many changed chatbots by one statement.

        Raises:
            Conflict: When one of them was changed since it was read.
        """
        await self._history.saving(records)
        await super().save_all(records)

    async def remove(self, record: Chatbot) -> None:
        """Forget a chatbot.

        Raises:
            Conflict: When it was changed since it was read.
        """
        await self._history.removing(record)
        await self._change(record, delete(tables.chatbots))

    async def _find(self, *key: str) -> Chatbot | None:
        found = await super()._find(*key)
        self._history.met([found] if found else [])
        return found

    async def _all(self, *conditions: ColumnElement[bool]) -> Sequence[Chatbot]:
        found = await super()._all(*conditions)
        self._history.met(found)
        return found

    def _row(self, record: Chatbot) -> dict[str, Any]:
        searched = "\n".join(part for part in (record.id, record.name, record.path) if part)
        return super()._row(record) | {"search": searched.casefold(), "called": called(record)}


def called(record: Chatbot) -> str:
    """What people call a chatbot, as it is sorted by: no more than an index and a cursor can hold."""
    return (record.name or record.id).casefold()[:LONGEST_KEY]


LONGEST_KEY: Final = 100
"""So many characters of a name are sorted by; names that begin alike are told apart by tenant and id."""
_SECTIONS: TypeAdapter[Baseline] = TypeAdapter(Baseline)


class Baselines:
    """What both sides of a chatbot last agreed on."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def get(self, tenant: str, chatbot_id: str) -> Baseline:
        return (await self.some(tenant, [chatbot_id])).get(chatbot_id, NO_BASELINE)

    async def some(self, tenant: str, chatbot_ids: Collection[str]) -> Mapping[str, Baseline]:
        """Chatbot id → its baseline; a chatbot without one is left out."""
        baseline, body = tables.baselines.c, tables.document_bodies.c
        packed_by = and_(body.source == baseline.source, body.digest == baseline.digest)
        statement = (
            select(baseline.chatbot_id, baseline.data, body.data.label("like"))
            .select_from(tables.baselines)
            .outerjoin(tables.document_bodies, packed_by)
            .where(*_these(tenant, chatbot_ids), or_(baseline.digest.is_(None), body.data.is_not(None)))
        )
        found = await self._transaction.connection.execute(statement)
        return await self._transaction.records.run(
            lambda: {row.chatbot_id: _SECTIONS.validate_python(unpacked(row.data, row.like or b"")) for row in found}
        )

    async def put(self, tenant: str, chatbot_id: str, baseline: Baseline) -> None:
        await self.put_all(tenant, {chatbot_id: baseline})

    async def put_all(self, tenant: str, baselines: Mapping[str, Baseline]) -> None:
        """As `put` for each of them, given by chatbot id, by few statements however many they are."""
        if not baselines:
            return
        bodies = await self._bodies_of(tenant, baselines)
        rows = await self._transaction.records.compute(
            lambda: [_row(tenant, key, value, bodies.get(key)) for key, value in baselines.items()], baselines
        )
        async with self._replacing(tenant, baselines):
            await self._transaction.write(insert(tables.baselines), rows)

    async def remove(self, tenant: str, chatbot_id: str) -> None:
        async with self._replacing(tenant, [chatbot_id]):
            pass

    async def _bodies_of(self, tenant: str, chatbot_ids: Collection[str]) -> Mapping[str, Any]:
        """Chatbot id → the body of the document that it follows."""
        document, chatbot = tables.documents.c, tables.chatbots.c
        follows = and_(
            chatbot.tenant == document.tenant, chatbot.id == document.chatbot_id, chatbot.source == document.source
        )
        statement = (
            select(document.chatbot_id, document.source, document.digest, tables.document_bodies.c.data)
            .select_from(tables.documents)
            .join(tables.chatbots, follows)
            .join(tables.document_bodies, BODY_OF_DOCUMENT)
            .where(document.tenant == tenant, document.chatbot_id.in_(chatbot_ids))
        )
        return {row.chatbot_id: row for row in await self._transaction.connection.execute(statement)}

    @asynccontextmanager
    async def _replacing(self, tenant: str, chatbot_ids: Collection[str]) -> AsyncIterator[None]:
        """Remove baselines, and afterwards the bodies that only they were packed by."""
        baseline, these = tables.baselines.c, _these(tenant, chatbot_ids)
        digests_by_owner = select(baseline.source, baseline.digest).where(*these, baseline.digest.is_not(None))
        before = [tuple(row) for row in await self._transaction.connection.execute(digests_by_owner)]
        await self._transaction.write(delete(tables.baselines).where(*these))
        yield
        for source in {source for source, _ in before}:
            digests = {digest for owner, digest in before if owner == source}
            await drop_unused_bodies(self._transaction, source, digests)


def _row(tenant: str, chatbot_id: str, baseline: Baseline, body: Any) -> dict[str, Any]:
    """A baseline's row; the live side says nearly what the document does, once they agree."""
    return {
        "tenant": tenant,
        "chatbot_id": chatbot_id,
        "data": packed(to_json(baseline), body.data if body else b""),
        "source": body.source if body else None,
        "digest": body.digest if body else None,
    }


def _these(tenant: str, chatbot_ids: Collection[str]) -> list[ColumnElement[bool]]:
    return [tables.baselines.c.tenant == tenant, tables.baselines.c.chatbot_id.in_(chatbot_ids)]
