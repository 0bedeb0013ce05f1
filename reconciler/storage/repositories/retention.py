"""Selects and removes rows that are older than their retention."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, delete, exists, or_, select

from reconciler.domain.entities import RunStatus
from reconciler.domain.lifecycle import OPEN, ApplyStatus, PlanStatus
from reconciler.domain.retention import Expiring
from reconciler.domain.status import Direction, Sync
from reconciler.storage import tables
from reconciler.storage.contents import owner_of
from reconciler.storage.repositories.contents import drop_contents
from reconciler.storage.repositories.history import History
from reconciler.storage.rows import PLANS, RUNS
from reconciler.storage.transaction import Transaction


class Retention:
    """Removes rows that are older than their retention."""

    def __init__(self, transaction: Transaction, history: History) -> None:
        self._transaction = transaction
        self._history = history

    async def oldest(self, kind: Expiring, before: datetime, *, spared: Collection[str] = ()) -> datetime | None:
        """When the oldest ended of what ended before a moment and may go; None without any."""
        ended = _ended(kind)
        first = select(ended).where(ended < before, *_removable(kind, spared)).order_by(ended).limit(1)
        moment: datetime | None = await self._transaction.connection.scalar(first)
        return moment

    async def remove(self, kind: Expiring, before: datetime, *, limit: int, spared: Collection[str] = ()) -> int:
        """Remove the oldest of what ended before a moment, and say how much.

        Args:
            kind: The kind.
            before: The moment.
            limit: How many at most; of transitions, which are small, all of them go.
            spared: Ids of runs that stay.
        """
        if kind is Expiring.TRANSITIONS:
            return await self._history.forget_before(before)
        ended = _ended(kind)
        table = ended.table
        oldest = select(table.c.id).where(ended < before, *_removable(kind, spared)).order_by(ended).limit(limit)
        ids = list(await self._transaction.connection.scalars(oldest))
        if not ids:
            return 0
        if kind is Expiring.PLANS:
            await self._remove_decisions(ids)
        if kind in _OWNERS:
            await drop_contents(self._transaction, [owner_of(_OWNERS[kind], id_) for id_ in ids])
        return await self._transaction.write(delete(table).where(table.c.id.in_(ids)))

    async def _remove_decisions(self, plan_ids: Sequence[str]) -> None:
        """Remove what belongs to plans; an approval names the apply that spent it, and both name the plan."""
        for table in (tables.approvals, tables.applies):
            await self._transaction.write(delete(table).where(table.c.plan_id.in_(plan_ids)))


_OWNERS = {Expiring.RUNS: RUNS.noun, Expiring.PLANS: PLANS.noun}
"""What has contents, by what its contents are kept under."""


def _ended(kind: Expiring) -> Column[Any]:
    """When something of a kind ended."""
    match kind:
        case Expiring.RUNS:
            return tables.runs.c.finished_at
        case Expiring.PLANS:
            return tables.plans.c.closed_at
        case Expiring.SUSPENSIONS:
            return tables.suspensions.c.ended_at
        case Expiring.SESSIONS:
            return tables.sessions.c.expires_at
        case Expiring.TRANSITIONS:
            return tables.transitions.c.at


def _removable(kind: Expiring, spared: Collection[str]) -> Sequence[ColumnElement[bool]]:
    match kind:
        case Expiring.RUNS:
            return _removable_runs(spared)
        case Expiring.PLANS:
            return _removable_plans()
        case Expiring.TRANSITIONS:
            # by the ends of episodes: whatever came before an end goes with it
            return [or_(tables.transitions.c.sync == Sync.SYNCED.value, tables.transitions.c.sync.is_(None))]
        case Expiring.SUSPENSIONS | Expiring.SESSIONS:
            return []


def _removable_runs(spared: Collection[str]) -> Sequence[ColumnElement[bool]]:
    """All but the newest run of each source, and the newest that succeeded."""
    run, newer = tables.runs, tables.runs.alias("newer")
    is_newer = and_(
        newer.c.source == run.c.source,
        or_(newer.c.created_at > run.c.created_at, and_(newer.c.created_at == run.c.created_at, newer.c.id > run.c.id)),
    )
    succeeded = RunStatus.SUCCEEDED.value
    return [
        run.c.id.not_in(spared),
        exists().where(is_newer),
        or_(run.c.status != succeeded, exists().where(is_newer, newer.c.status == succeeded)),
    ]


def _removable_plans() -> Sequence[ColumnElement[bool]]:
    """Closed plans of which nothing is remembered that still decides about others."""
    plan, newer = tables.plans, tables.plans.alias("newer")
    fell_short = exists().where(
        tables.applies.c.plan_id == plan.c.id, tables.applies.c.status != ApplyStatus.APPLIED.value
    )
    revoked = exists().where(tables.approvals.c.plan_id == plan.c.id, tables.approvals.c.revoked_at.is_not(None))
    applied = PlanStatus.APPLIED.value
    last_applied = and_(
        plan.c.status == applied,
        ~exists().where(
            newer.c.tenant == plan.c.tenant,
            newer.c.chatbot_id == plan.c.chatbot_id,
            newer.c.status == applied,
            newer.c.created_at > plan.c.created_at,
        ),
    )
    return [
        plan.c.status.not_in(sorted({*OPEN, PlanStatus.REJECTED})),
        ~fell_short,
        ~revoked,
        ~last_applied,
        ~_counts_for_the_brake(),
    ]


def _counts_for_the_brake() -> ColumnElement[bool]:
    """Whether a plan counts when the plans of its revision are judged, and some may still be made of it."""
    plan, chatbot, source = tables.plans.c, tables.chatbots.c, tables.sources.c
    of_a_chatbot = exists().where(chatbot.source == plan.source, chatbot.revision == plan.revision)
    of_the_source = exists().where(source.name == plan.source, source.good_revision == plan.revision)
    return and_(
        plan.status != PlanStatus.RESOLVED.value,
        plan.direction != Direction.LIVE_AHEAD.value,
        or_(of_a_chatbot, of_the_source),
    )
