"""Plans, approvals, applies, suspensions and switches."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, exists, or_, select

from reconciler.domain.auto_apply_rules import Switch
from reconciler.domain.circuit_breaker import Stake
from reconciler.domain.entities import Apply, Approval, Plan
from reconciler.domain.identity import same_person
from reconciler.domain.lifecycle import APPLY_ENDED, DECIDABLE, OPEN, ApplyStatus, PlanStatus
from reconciler.domain.status import Direction
from reconciler.domain.suspensions import Suspension
from reconciler.storage import tables
from reconciler.storage.repositories.base import Repository
from reconciler.storage.repositories.contents import PackedRepository
from reconciler.storage.rows import APPLIES, APPROVALS, PLANS, SUSPENSIONS, SWITCHES

_UNFINISHED: Final = sorted(set(ApplyStatus) - APPLY_ENDED)


class Plans(PackedRepository[Plan]):
    """Plans by id. The database itself refuses a second open plan for one chatbot."""

    codec = PLANS

    async def get(self, plan_id: str) -> Plan | None:
        return await self._find(plan_id)

    async def some(self, plan_ids: Collection[str]) -> Mapping[str, Plan]:
        """Those of these plans that there are, by id."""
        found = await self._all(tables.plans.c.id.in_(plan_ids)) if plan_ids else ()
        return {plan.id: plan for plan in found}

    async def undecided_before(self, moment: datetime) -> Sequence[Plan]:
        """Pending and Approved plans without an apply whose ``expires_at`` is not after the moment."""
        table = tables.plans
        return await self._all(
            table.c.status.in_(sorted(DECIDABLE)), table.c.apply_id.is_(None), table.c.expires_at <= moment
        )

    async def pending(self, source: str) -> Sequence[Plan]:
        """The Pending plans of a source."""
        return await self._all(tables.plans.c.source == source, tables.plans.c.status == PlanStatus.PENDING.value)

    async def approved(self) -> Sequence[Plan]:
        """Approved plans whose apply nobody asked for yet."""
        table = tables.plans
        return await self._all(table.c.status == PlanStatus.APPROVED.value, table.c.apply_id.is_(None))

    async def stakes(self, source: str, revision: str) -> Sequence[Stake]:
        """What the plans of a source have at stake: all of a revision but the Resolved ones, and every open one.

        Their bodies and ops are not read.
        """
        column = tables.plans.c
        columns = (column.chatbot_id, column.revision, column.direction, column.summary, column.losses, column.status)
        statement = select(*columns).where(
            column.source == source,
            column.status != PlanStatus.RESOLVED.value,
            or_(column.revision == revision, column.status.in_(sorted(OPEN))),
        )
        found = await self._transaction.connection.execute(statement)
        return [
            Stake(
                row.chatbot_id,
                row.revision,
                Direction(row.direction),
                _losses(row.losses, row.summary),
                row.status in OPEN,
            )
            for row in found
        ]

    async def was_rejected(self, tenant: str, chatbot_id: str, fingerprint: str) -> bool:
        """Whether a plan of a chatbot with this fingerprint was ever rejected."""
        rejected = tables.plans.c.status == PlanStatus.REJECTED.value
        statement = select(exists().where(*_same(tenant, chatbot_id, fingerprint), rejected))
        return bool(await self._transaction.connection.scalar(statement))


def _losses(counted: int | None, summary: Mapping[str, int]) -> int:
    """How much a plan takes away; one of an older program has only its deletes counted."""
    return summary["delete"] if counted is None else counted


class Approvals(Repository[Approval]):
    """Approvals by plan."""

    codec = APPROVALS

    async def of_plan(self, plan_id: str) -> Sequence[Approval]:
        """Oldest first."""
        table = tables.approvals
        statement = self._select(table.c.plan_id == plan_id).order_by(table.c.created_at, table.c.id)
        return await self._transaction.all(APPROVALS, statement)

    async def unspent_by(self, actor: str) -> Sequence[Approval]:
        """A person's approvals that were neither revoked nor spent, however they write their name."""
        column = tables.approvals.c
        unspent = (column.revoked_at.is_(None), column.spent_at.is_(None))
        names = await self._transaction.connection.scalars(select(column.actor).where(*unspent).distinct())
        spellings = [name for name in names if same_person(name, actor)]
        return await self._all(column.actor.in_(spellings), *unspent)

    async def was_revoked(self, tenant: str, chatbot_id: str, fingerprint: str) -> bool:
        """Whether an approval of a chatbot's plan with this fingerprint was ever taken back."""
        of_plan = tables.approvals.c.plan_id == tables.plans.c.id
        revoked = tables.approvals.c.revoked_at.is_not(None)
        statement = select(exists().where(*_same(tenant, chatbot_id, fingerprint), of_plan, revoked))
        return bool(await self._transaction.connection.scalar(statement))


def _same(tenant: str, chatbot_id: str, fingerprint: str) -> list[ColumnElement[bool]]:
    column = tables.plans.c
    return [column.chatbot_id == chatbot_id, column.tenant == tenant, column.fingerprint == fingerprint]


class Applies(Repository[Apply]):
    """Applies by id."""

    codec = APPLIES

    async def get(self, apply_id: str) -> Apply | None:
        return await self._find(apply_id)

    async def unfinished(self) -> Sequence[Apply]:
        """Queued, Applying and OutcomeUnknown, oldest first."""
        table = tables.applies
        statement = self._select(table.c.status.in_(_UNFINISHED)).order_by(table.c.created_at, table.c.id)
        return await self._transaction.all(APPLIES, statement)

    async def fell_short(self, tenant: str, chatbot_id: str, fingerprint: str, *, except_for: str | None) -> bool:
        """Whether an apply of a chatbot and fingerprint, besides this one, did not end Applied, or not yet."""
        column = tables.applies.c
        statement = select(
            exists().where(
                column.tenant == tenant,
                column.chatbot_id == chatbot_id,
                column.fingerprint == fingerprint,
                column.status != ApplyStatus.APPLIED.value,
                column.id != (except_for or ""),
            )
        )
        return bool(await self._transaction.connection.scalar(statement))


class Suspensions(Repository[Suspension]):
    """Suspensions by id."""

    codec = SUSPENSIONS

    async def active(self) -> Sequence[Suspension]:
        """Those that have not ended, expired or not, newest first."""
        table = tables.suspensions
        statement = self._select(table.c.ended_at.is_(None)).order_by(table.c.created_at.desc(), table.c.id.desc())
        return await self._transaction.all(SUSPENSIONS, statement)


class Switches(Repository[Switch]):
    """Settings of which it matters since when they have their value."""

    codec = SWITCHES

    async def get(self, name: str) -> Switch | None:
        return await self._find(name)
