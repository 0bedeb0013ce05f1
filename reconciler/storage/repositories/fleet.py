"""What is desired and what is there: sources, runs, documents, chatbots, baselines."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select

from reconciler.domain.circuit_breaker import Fleet
from reconciler.domain.direction import NO_BASELINE, Baseline
from reconciler.domain.entities import Chatbot, Claim, Run, RunStatus, ScopeKind, SourceRecord
from reconciler.domain.json_values import to_json
from reconciler.domain.status import OF_DOCUMENTS, Reason
from reconciler.domain.tenant import TenantRecord
from reconciler.storage import tables
from reconciler.storage.encoded import encoded
from reconciler.storage.repositories.base import Reader, Repository
from reconciler.storage.repositories.contents import PackedRepository
from reconciler.storage.repositories.history import History
from reconciler.storage.repositories.renaming import rename_sources
from reconciler.storage.rows import CHATBOTS, DOCUMENTS, RUNS, SOURCES, TENANTS
from reconciler.storage.transaction import Transaction

_NEVER_COMPARED = sorted(OF_DOCUMENTS | {Reason.CHATBOT_MISSING})
"""Faults of chatbots that a revision does nothing to."""


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
        await self._transaction.write(delete(tables.parsed_files).where(tables.parsed_files.c.source == record.name))

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

    async def running(self) -> Sequence[Run]:
        """Every run that is marked Running."""
        return await self._all(tables.runs.c.status == RunStatus.RUNNING)


class Documents(Reader[Claim]):
    """The claims of each source at its last good revision."""

    codec = DOCUMENTS

    async def get(self, source: str, chatbot_id: str) -> Claim | None:
        return await self._find(source, chatbot_id)

    async def of_source(self, source: str) -> Sequence[Claim]:
        return await self._all(tables.documents.c.source == source)

    async def count(self, source: str) -> int:
        """How many chatbots a source claims."""
        statement = select(func.count()).select_from(tables.documents).where(tables.documents.c.source == source)
        return (await self._transaction.connection.scalars(statement)).one()

    async def replace(self, source: str, documents: Sequence[Claim]) -> None:
        """Make these the claims of the source."""
        await self._transaction.write(delete(tables.documents).where(tables.documents.c.source == source))
        if documents:
            rows = await self._transaction.records.compute(
                lambda: [DOCUMENTS.to_encoded_row(document) for document in documents], documents
            )
            await self._transaction.write(insert(tables.documents), rows)

    async def unfollowed(self, source: str) -> Sequence[Claim]:
        """The claims of a source that their chatbot does not show, by id.

        It follows another source, or none, or is held up by a fault of documents that this document does not have.
        """
        document, chatbot = tables.documents.c, tables.chatbots.c
        held_up = and_(document.refusal.is_(None), chatbot.fault.in_(sorted(OF_DOCUMENTS)))
        statement = (
            self._select(document.source == source, or_(chatbot.source.is_distinct_from(source), held_up))
            .join(tables.chatbots, and_(chatbot.tenant == document.tenant, chatbot.id == document.chatbot_id))
            .order_by(document.chatbot_id)
        )
        return await self._transaction.all(DOCUMENTS, statement)

    async def held_elsewhere(self, source: str) -> Sequence[Claim]:
        """What other sources state of the chatbots that follow them, where this source claims those, too."""
        held, chatbot, claim = tables.documents.c, tables.chatbots.c, tables.documents.alias("claim")
        statement = (
            self._select(claim.c.source == source, held.source != source)
            .join(
                tables.chatbots,
                and_(chatbot.tenant == held.tenant, chatbot.id == held.chatbot_id, chatbot.source == held.source),
            )
            .join(claim, and_(claim.c.tenant == held.tenant, claim.c.chatbot_id == held.chatbot_id))
            .order_by(held.chatbot_id)
        )
        return await self._transaction.all(DOCUMENTS, statement)

    async def fleet(self, source: str, revision: str) -> Fleet:
        """How many chatbots the source has, and how many changed at a revision that no dry run has seen since."""
        document, chatbot = tables.documents.c, tables.chatbots.c
        unseen = and_(
            chatbot.revision == revision,
            document.digest.is_not(None),
            or_(chatbot.checked_digest.is_(None), chatbot.checked_digest != document.digest),
            or_(chatbot.fault.is_(None), chatbot.fault.not_in(_NEVER_COMPARED)),
        )
        claimed = and_(chatbot.tenant == document.tenant, chatbot.id == document.chatbot_id)
        mine = or_(chatbot.source.is_(None), chatbot.source == document.source)
        statement = (
            select(func.count(), func.count().filter(unseen))
            .select_from(tables.documents)
            .outerjoin(tables.chatbots, claimed)
            .where(document.source == source, mine)
        )
        row = (await self._transaction.connection.execute(statement)).one()
        return Fleet(*row)


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
        found = await self._all(tables.chatbots.c.tenant == tenant, tables.chatbots.c.id.in_(chatbot_ids))
        return {chatbot.id: chatbot for chatbot in found}

    async def of_tenant(self, tenant: str) -> Sequence[Chatbot]:
        return await self._all(tables.chatbots.c.tenant == tenant)

    async def of_source(self, source: str) -> Sequence[Chatbot]:
        return await self._all(tables.chatbots.c.source == source)

    async def stated(self, tenant: str) -> Sequence[str]:
        """The ids of the tenant's chatbots that a document states."""
        chatbot = tables.chatbots.c
        statement = select(chatbot.id).where(chatbot.tenant == tenant, chatbot.source.is_not(None))
        return (await self._transaction.connection.execute(statement)).scalars().all()

    async def is_any_compared(self, tenant: str) -> bool:
        """Whether any chatbot of the tenant could be compared when that was last tried."""
        chatbot = tables.chatbots.c
        statement = select(chatbot.id).where(chatbot.tenant == tenant, chatbot.fault.is_(None)).limit(1)
        return (await self._transaction.connection.execute(statement)).first() is not None

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
        table = tables.baselines
        statement = select(table.c.chatbot_id, table.c.sections).where(*_these(tenant, chatbot_ids))
        found = await self._transaction.connection.execute(statement)
        # its rows are decoded when they are looked at
        return await self._transaction.records.run(
            lambda: {chatbot_id: _SECTIONS.validate_python(sections) for chatbot_id, sections in found}
        )

    async def put(self, tenant: str, chatbot_id: str, baseline: Baseline) -> None:
        await self.put_all(tenant, {chatbot_id: baseline})

    async def put_all(self, tenant: str, baselines: Mapping[str, Baseline]) -> None:
        """As `put` for each of them, given by chatbot id, by two statements however many they are."""
        if not baselines:
            return
        sections = await self._transaction.records.compute(
            lambda: {chatbot_id: encoded(to_json(value)) for chatbot_id, value in baselines.items()}, baselines
        )
        rows = [{"tenant": tenant, "chatbot_id": key, "sections": value} for key, value in sections.items()]
        await self._transaction.write(delete(tables.baselines).where(*_these(tenant, baselines)))
        await self._transaction.write(insert(tables.baselines), rows)

    async def remove(self, tenant: str, chatbot_id: str) -> None:
        await self._transaction.write(delete(tables.baselines).where(*_these(tenant, [chatbot_id])))


def _these(tenant: str, chatbot_ids: Collection[str]) -> list[ColumnElement[bool]]:
    return [tables.baselines.c.tenant == tenant, tables.baselines.c.chatbot_id.in_(chatbot_ids)]
