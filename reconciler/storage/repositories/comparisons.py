"""What is to be compared with the live side: documents joined with the chatbots that follow them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, Select, bindparam, case, func, or_, select, update

from reconciler.domain.canonical import EncodedBody
from reconciler.domain.comparisons import Comparison, Scope, StoredResult
from reconciler.domain.entities import Claim
from reconciler.domain.status import OF_DOCUMENTS, CheckedBy, Reason, Sync
from reconciler.storage import tables
from reconciler.storage.repositories.documents import BODY_OF_DOCUMENT, claim_with_body
from reconciler.storage.rows import DOCUMENTS
from reconciler.storage.transaction import Transaction

_CHATBOT = tables.chatbots.c
_STATE = (
    _CHATBOT.id,
    _CHATBOT.epoch,
    _CHATBOT.version,
    _CHATBOT.fault,
    _CHATBOT.checked_digest,
    _CHATBOT.live_updated_at,
    _CHATBOT.compared_updated_at,
    _CHATBOT.result_digest,
    _CHATBOT.result_version,
    _CHATBOT.answer_digest,
)
_PENDING, _COMPARED = _CHATBOT.checked_digest.is_(None), _CHATBOT.checked_digest.is_not(None)
_MOVED = or_(
    _CHATBOT.live_updated_at.is_(None), _CHATBOT.live_updated_at.is_distinct_from(_CHATBOT.compared_updated_at)
)
_NEVER_TOLD = {None, Reason.NOT_CHECKED.value}


_SYNCED = _CHATBOT.sync == Sync.SYNCED.value
_TOUCH: Final = (
    update(tables.chatbots)
    .where(
        _CHATBOT.tenant == bindparam("of"), _CHATBOT.id == bindparam("chatbot"), _CHATBOT.version == bindparam("read")
    )
    .values(
        checked_at=bindparam("now"),
        checked_by=bindparam("by"),
        answer_digest=bindparam("answer"),
        synced_at=case((_SYNCED, bindparam("now", type_=_CHATBOT.synced_at.type)), else_=_CHATBOT.synced_at),
        synced_revision=case((_SYNCED, _CHATBOT.revision), else_=_CHATBOT.synced_revision),
    )
)
_TOUCH_LISTED: Final = _TOUCH.values(compared_updated_at=bindparam("listed"))


@dataclass(frozen=True, slots=True)
class ComparisonPage:
    """A part of what is to be compared.

    Attributes:
        comparisons: In the order of the chatbots' ids.
        last: The id after which the next page begins; None where this is the last one.
    """

    comparisons: Sequence[Comparison]
    last: str | None


class Comparisons:
    """Reads what is to be compared, page by page, and notes what came of it where that changed nothing."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def page(self, source: str, scope: Scope, *, after: str, limit: int) -> ComparisonPage:
        """The next chatbots of a source that are to be compared.

        Args:
            source: The source's name.
            scope: Which of its chatbots.
            after: The chatbot id that the page before ended with; empty for the first page.
            limit: How many to read at most.
        """
        conditions = (*_within(source, scope), _CHATBOT.id > after)
        rows = await self._states(*conditions, limit=limit)
        last = rows[-1]["id"] if len(rows) == limit else None
        return ComparisonPage(await self._comparisons(source, rows, scope), last)

    async def oldest(self, source: str, before: datetime, now: datetime, limit: int) -> Sequence[str]:
        """The ids of the chatbots of a source that were compared longest ago, where nothing else asks for it.

        Args:
            source: The source's name.
            before: None that was compared at this moment or later.
            now: The present time.
            limit: How many to read at most.
        """
        if limit <= 0:
            return ()
        unchanged = (_CHATBOT.source == source, _COMPARED, ~_MOVED)
        # what was compared in the future was so before the clock was set back
        future = await self._ids(select(_CHATBOT.id).where(*unchanged, _CHATBOT.checked_at > now).limit(limit))
        past = select(_CHATBOT.id).where(*unchanged, _CHATBOT.checked_at < before)
        rest = past.order_by(_CHATBOT.checked_at, _CHATBOT.id).limit(limit - len(future))
        return [*future, *await self._ids(rest)]

    async def some(self, source: str, chatbot_ids: Collection[str]) -> Sequence[Comparison]:
        """Those of these chatbots that follow a good document of a source."""
        rows = await self._states(*_following(source), _CHATBOT.id.in_(chatbot_ids))
        return await self._comparisons(source, rows, Scope.MOVED)

    async def due(self, source: str, since: datetime, now: datetime) -> tuple[int, int]:
        """How many chatbots of a source can be compared, and how many of them were last before a moment."""
        old = or_(_CHATBOT.checked_at <= since, _CHATBOT.checked_at > now)
        statement = select(func.count(), func.count().filter(old)).where(_CHATBOT.source == source, _COMPARED)
        row = (await self._transaction.connection.execute(statement)).one()
        return row[0], row[1]

    async def is_any_pending(self, source: str) -> bool:
        """Whether a chatbot of a source waits to be compared."""
        statement = select(_CHATBOT.id).where(*_within(source, Scope.PENDING))
        return await self._transaction.finds_any(statement)

    async def has_faults(self, source: str) -> bool:
        """Whether a chatbot that is to be compared could not be, or was never."""
        statement = select(_CHATBOT.id).where(*_following(source), _PENDING, _CHATBOT.fault.is_not(None))
        return await self._transaction.finds_any(statement)

    async def with_faults(self, source: str, faults: Sequence[Reason]) -> Sequence[str]:
        """The ids of a source's chatbots that have one of these faults."""
        statement = select(_CHATBOT.id).where(_CHATBOT.source == source, _PENDING, _CHATBOT.fault.in_(faults))
        return await self._ids(statement.order_by(_CHATBOT.id))

    async def touch(self, comparisons: Sequence[tuple[Comparison, str | None]], now: datetime, *, listed: bool) -> bool:
        """Note that chatbots of one tenant were compared and are as they were known.

        Args:
            comparisons: What was compared, each with the digest of the answer.
            now: When.
            listed: Whether WizChat's list was read before.

        Returns:
            False, and nothing is to be kept, when somebody else changed one of them meanwhile.
        """
        statement = _TOUCH_LISTED if listed else _TOUCH
        values = [
            {
                "of": one.document.tenant,
                "chatbot": one.document.chatbot_id,
                "read": one.version,
                "by": one.checked_by.value,
                "now": now,
                "answer": answer,
            }
            | ({"listed": one.listed} if listed else {})
            for one, answer in comparisons
        ]
        return await self._transaction.write(statement, values) == len(values)

    async def has_unexplained(self, source: str) -> bool:
        """Whether a chatbot of a source is noted that changed though its `updatedAt` did not."""
        statement = select(_CHATBOT.id).where(_CHATBOT.source == source, _CHATBOT.unexplained_at.is_not(None))
        return await self._transaction.finds_any(statement)

    async def unexplained(self, source: str, before: datetime) -> int:
        """How many of them were noted before a moment, and still have the `updatedAt` that they had then.

        What has moved by now is explained, and forgotten.
        """
        noted = (_CHATBOT.source == source, _CHATBOT.unexplained_at.is_not(None), _CHATBOT.unexplained_at <= before)
        await self._transaction.write(update(tables.chatbots).where(*noted, _MOVED).values(unexplained_at=None))
        return int(await self._transaction.connection.scalar(select(func.count()).where(*noted)) or 0)

    async def explain(self, source: str) -> None:
        """Forget what is noted as unexplained: it was judged."""
        noted = (_CHATBOT.source == source, _CHATBOT.unexplained_at.is_not(None))
        await self._transaction.write(update(tables.chatbots).where(*noted).values(unexplained_at=None))

    async def _ids(self, statement: Select[Any]) -> Sequence[str]:
        found: Sequence[str] = (await self._transaction.connection.execute(statement)).scalars().all()
        return found

    async def _states(self, *conditions: ColumnElement[bool], limit: int | None = None) -> Sequence[RowMapping]:
        statement = select(*_STATE).where(*conditions).order_by(_CHATBOT.id).limit(limit)
        return (await self._transaction.connection.execute(statement)).mappings().all()

    async def _comparisons(self, source: str, rows: Sequence[RowMapping], scope: Scope) -> Sequence[Comparison]:
        documents = await self._documents(source, [row["id"] for row in rows]) if rows else {}
        return tuple(_compared(rows, documents, scope))

    async def _documents(self, source: str, chatbot_ids: Collection[str]) -> Mapping[str, tuple[Claim, EncodedBody]]:
        """Chatbot id → its document with the body, and that as it is sent, of those that are good."""
        document = tables.documents.c
        statement = (
            select(*DOCUMENTS.columns, tables.document_bodies.c.data)
            .join_from(tables.documents, tables.document_bodies, BODY_OF_DOCUMENT)
            .where(document.source == source, document.chatbot_id.in_(chatbot_ids))
        )
        found = (await self._transaction.connection.execute(statement)).mappings().all()

        def documents() -> dict[str, tuple[Claim, EncodedBody]]:
            claims = (claim_with_body(dict(row)) for row in found)
            return {claim.chatbot_id: (claim, EncodedBody.of(claim.body or {})) for claim in claims}

        return await self._transaction.records.run(documents)


def _compared(
    rows: Sequence[RowMapping], documents: Mapping[str, tuple[Claim, EncodedBody]], scope: Scope
) -> Iterator[Comparison]:
    for row in rows:
        if row["id"] not in documents:
            continue
        document, body = documents[row["id"]]
        same = row["live_updated_at"] is not None and row["live_updated_at"] == row["compared_updated_at"]
        yield Comparison(
            document,
            body,
            epoch=row["epoch"],
            version=row["version"],
            checked_by=_reason(row, scope, is_unmoved=same),
            listed=row["live_updated_at"],
            is_unmoved=same and row["checked_digest"] == document.digest,
            result=StoredResult(row["result_digest"], row["result_version"], row["answer_digest"]),
        )


def _reason(row: RowMapping, scope: Scope, *, is_unmoved: bool) -> CheckedBy:
    if scope is Scope.ALL:
        return CheckedBy.FULL
    if row["checked_digest"] is None:
        return CheckedBy.COMMIT if row["fault"] in _NEVER_TOLD else CheckedBy.RETRY
    return CheckedBy.ROTATION if is_unmoved else CheckedBy.MOVED


def _following(source: str) -> tuple[ColumnElement[bool], ...]:
    """The chatbots that follow a good document of a source."""
    fault = _CHATBOT.fault
    return _CHATBOT.source == source, or_(fault.is_(None), fault.not_in(sorted(OF_DOCUMENTS)))


def _within(source: str, scope: Scope) -> tuple[ColumnElement[bool], ...]:
    match scope:
        case Scope.PENDING:
            return *_following(source), _PENDING
        case Scope.MOVED:
            return *_following(source), or_(_PENDING, _MOVED)
        case Scope.ALL:
            return _following(source)
