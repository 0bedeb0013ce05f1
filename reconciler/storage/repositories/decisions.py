"""What people decide and what comes of it: plans, approvals, applies, suspensions, switches."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from reconciler.domain.lifecycle import APPLY_ENDED, DECIDABLE, ApplyStatus
from reconciler.domain.records import Apply, Approval, Plan, Suspension, Switch
from reconciler.storage import tables
from reconciler.storage.repositories.base import Repository
from reconciler.storage.rows import APPLIES, APPROVALS, PLANS, SUSPENSIONS, SWITCHES

_UNFINISHED: Final = sorted(set(ApplyStatus) - APPLY_ENDED)


class Plans(Repository[Plan]):
    """Implements `ports.PlanRepository`."""

    codec = PLANS

    async def get(self, plan_id: str) -> Plan | None:
        return await self._find(plan_id)

    async def some(self, plan_ids: Collection[str]) -> Mapping[str, Plan]:
        """Those of these plans that there are, by id."""
        found = await self._all(tables.plans.c.id.in_(plan_ids)) if plan_ids else ()
        return {plan.id: plan for plan in found}

    async def undecided_before(self, moment: datetime) -> Sequence[Plan]:
        """Pending and Approved plans without an apply that end at the moment or earlier."""
        table = tables.plans
        return await self._all(
            table.c.status.in_(sorted(DECIDABLE)), table.c.apply_id.is_(None), table.c.expires_at <= moment
        )


class Approvals(Repository[Approval]):
    """Implements `ports.ApprovalRepository`."""

    codec = APPROVALS

    async def of_plan(self, plan_id: str) -> Sequence[Approval]:
        """Oldest first."""
        table = tables.approvals
        statement = self._select(table.c.plan_id == plan_id).order_by(table.c.created_at, table.c.id)
        return await self._transaction.all(APPROVALS, statement)


class Applies(Repository[Apply]):
    """Implements `ports.ApplyRepository`."""

    codec = APPLIES

    async def get(self, apply_id: str) -> Apply | None:
        return await self._find(apply_id)

    async def unfinished(self) -> Sequence[Apply]:
        """Queued, Applying and OutcomeUnknown, oldest first."""
        table = tables.applies
        statement = self._select(table.c.status.in_(_UNFINISHED)).order_by(table.c.created_at, table.c.id)
        return await self._transaction.all(APPLIES, statement)


class Suspensions(Repository[Suspension]):
    """Implements `ports.SuspensionRepository`."""

    codec = SUSPENSIONS

    async def active(self) -> Sequence[Suspension]:
        """Those that have not ended, expired or not, newest first."""
        table = tables.suspensions
        statement = self._select(table.c.ended_at.is_(None)).order_by(table.c.created_at.desc(), table.c.id.desc())
        return await self._transaction.all(SUSPENSIONS, statement)


class Switches(Repository[Switch]):
    """Implements `ports.SwitchRepository`."""

    codec = SWITCHES

    async def get(self, name: str) -> Switch | None:
        return await self._find(name)
