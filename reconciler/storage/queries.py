"""Queries for the web and the command line, each in a reading transaction of its own."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby, islice
from typing import Any, Final, TypeVar

from sqlalchemy import Column, ColumnElement, Select, and_, func, or_, select

from reconciler.domain.access import Person, Session, Token
from reconciler.domain.audit import AuditEntry
from reconciler.domain.comparisons import CheckCounts
from reconciler.domain.entities import Apply, Approval, Chatbot, Plan, Run, SourceRecord
from reconciler.domain.identity import same_person
from reconciler.domain.lifecycle import OPEN, PlanStatus
from reconciler.domain.listing import (
    AuditFilter,
    ChatbotFilter,
    ChatbotOrder,
    FleetCounts,
    FleetRecords,
    Page,
    PlanFilter,
    PlanGroup,
)
from reconciler.domain.status import CheckedBy, Direction, Reason, Sync
from reconciler.domain.suspensions import Suspension
from reconciler.domain.tenant import TenantRecord
from reconciler.storage import paging, rows, tables
from reconciler.storage.audit_conditions import audit_conditions, person_names_in
from reconciler.storage.chatbot_orders import chatbot_order
from reconciler.storage.dialect import Dialect
from reconciler.storage.history_queries import HistoryQueries, among
from reconciler.storage.paging import Order
from reconciler.storage.repositories.access import People, Sessions, Tokens
from reconciler.storage.repositories.decisions import Applies, Plans, Suspensions
from reconciler.storage.repositories.fleet import Runs, Sources, Tenants
from reconciler.storage.rows import Codec
from reconciler.storage.transaction import OpenTransaction, Transaction

R = TypeVar("R")


_SAMPLE: Final = 5
"""So many plans of a group are named."""


class Queries(HistoryQueries):
    """What the web and the command line read. No transaction of these ever blocks a writer.

    A cursor that was not handed out here raises `ValueError`.
    """

    def __init__(self, reading: OpenTransaction, dialect: Dialect) -> None:
        super().__init__(reading)
        self._dialect = dialect

    async def chatbots(
        self,
        filters: ChatbotFilter,
        *,
        limit: int,
        cursor: str | None,
        order: ChatbotOrder = ChatbotOrder.ID,
        descending: bool = False,
    ) -> Page[Chatbot]:
        """Chatbots; a cursor holds for the order and the direction that it was handed out for."""
        statement = rows.CHATBOTS.selection.where(*chatbot_conditions(filters, self._dialect))
        by = chatbot_order(order, descending=descending)
        return await self._page(rows.CHATBOTS, by, statement, limit, cursor)

    async def chatbots_with(self, ids: Collection[str]) -> Sequence[Chatbot]:
        """The chatbots of these ids, one per tenant that has it, by id and tenant."""
        column = tables.chatbots.c
        statement = rows.CHATBOTS.selection.where(column.id.in_(ids)).order_by(column.id, column.tenant)
        async with self._reading() as transaction:
            return await transaction.all(rows.CHATBOTS, statement)

    async def plans(self, filters: PlanFilter, *, limit: int, cursor: str | None) -> Page[Plan]:
        """Plans, newest first."""
        statement = rows.PLANS.selection.where(*plan_conditions(filters))
        return await self._page(rows.PLANS, paging.PLANS, statement, limit, cursor)

    async def plan_groups(self, visible: Collection[str] | None = None, *, limit: int = 100) -> Sequence[PlanGroup]:
        """Changes that at least two Pending plans of these sources make, the most frequent first."""
        column = tables.plans.c
        newest = (column.created_at.desc(), column.id.desc())
        alike = (
            select(
                column.change,
                column.id,
                func.count().over(partition_by=column.change).label("members"),
                func.row_number().over(partition_by=column.change, order_by=newest).label("place"),
            )
            .where(column.status == PlanStatus.PENDING.value, column.change != "", *among(column.source, visible))
            .subquery()
        )
        statement = (
            select(alike.c.change, alike.c.members, alike.c.id)
            .where(alike.c.members > 1, alike.c.place <= _SAMPLE)
            .order_by(alike.c.members.desc(), alike.c.change, alike.c.place)
            .limit(limit * _SAMPLE)
        )
        async with self._reading() as transaction:
            found = (await transaction.connection.execute(statement)).all()
        groups = groupby(found, key=lambda row: (row[0], row[1]))
        return [PlanGroup(*group, tuple(row[2] for row in members)) for group, members in islice(groups, limit)]

    async def checks(self, sources: Collection[str]) -> Mapping[str, CheckCounts]:
        """Source → how its chatbots were last compared; a source of which none was is left out."""
        chatbot = tables.chatbots.c
        statement = (
            select(chatbot.source, chatbot.checked_by, func.count(), func.min(chatbot.checked_at))
            .where(chatbot.source.in_(sources), chatbot.checked_digest.is_not(None), chatbot.checked_at.is_not(None))
            .group_by(chatbot.source, chatbot.checked_by)
        )
        async with self._reading() as transaction:
            found = (await transaction.connection.execute(statement)).all()
        by_source: dict[str, dict[CheckedBy, int]] = defaultdict(dict)
        oldest: dict[str, datetime] = {}
        for source, checked_by, number, since in found:
            if checked_by is not None:
                by_source[source][CheckedBy(checked_by)] = number
            oldest[source] = min(since, oldest.get(source, since))
        return {source: CheckCounts(by_source[source], since) for source, since in oldest.items()}

    async def runs(self, sources: Collection[str] | None, *, limit: int, cursor: str | None) -> Page[Run]:
        """Runs of these sources, newest first; None means all."""
        statement = rows.RUNS.selection.where(*among(tables.runs.c.source, sources))
        return await self._page(rows.RUNS, paging.RUNS, statement, limit, cursor)

    async def audit(self, filters: AuditFilter | None, *, limit: int, cursor: str | None) -> Page[AuditEntry]:
        """Audit entries, newest first; None means all."""
        filters = filters or AuditFilter()
        names = await self._spellings(filters)
        statement = rows.AUDIT.selection.where(*audit_conditions(filters, self._dialect, names))
        return await self._page(rows.AUDIT, paging.AUDIT, statement, limit, cursor)

    async def _spellings(self, filters: AuditFilter) -> Collection[str]:
        """The names of those whom a filter of audit entries means, however it writes them."""
        filtered_names = person_names_in(filters)
        if not filtered_names:
            return ()
        known_names = select(tables.tokens.c.person).union(select(tables.people.c.name))
        async with self._reading() as transaction:
            names = (await transaction.connection.execute(known_names)).scalars().all()
        return [name for name in names if any(same_person(name, item) for item in filtered_names)]

    async def applies_of(self, plan_ids: Collection[str]) -> Mapping[str, Apply]:
        """Plan id → its latest apply."""
        table = tables.applies
        statement = rows.APPLIES.selection.where(table.c.plan_id.in_(plan_ids))
        async with self._reading() as transaction:
            found = await transaction.all(rows.APPLIES, statement.order_by(table.c.created_at, table.c.id))
        return {apply.plan_id: apply for apply in found}

    async def approvals_of(self, plan_ids: Collection[str]) -> Mapping[str, Sequence[Approval]]:
        """Plan id → its approvals, oldest first; a plan without any is left out."""
        table = tables.approvals
        statement = rows.APPROVALS.selection.where(table.c.plan_id.in_(plan_ids))
        async with self._reading() as transaction:
            found = await transaction.all(rows.APPROVALS, statement.order_by(table.c.created_at, table.c.id))
        by_plan: dict[str, list[Approval]] = defaultdict(list)
        for approval in found:
            by_plan[approval.plan_id].append(approval)
        return dict(by_plan)

    async def counts(self, visible: Collection[str] | None = None) -> FleetCounts:
        """Chatbots and open plans counted, of these sources only; None means all, the unmanaged included."""
        async with self._reading() as transaction:
            return await _counts(transaction, visible)

    async def fleet(self, visible: Collection[str] | None = None) -> FleetRecords:
        """What the overview of the fleet is made of, at one moment.

        Args:
            visible: Only what belongs to these sources is counted; None means all.
        """
        async with self._reading() as transaction:
            sources = await Sources(transaction).all()
            return FleetRecords(
                counts=await _counts(transaction, visible),
                sources=sources,
                tenants=await Tenants(transaction).all(),
                suspensions=await Suspensions(transaction).active(),
                runs=await _runs_with(transaction, [source.last_run_id for source in sources if source.last_run_id]),
            )

    async def waiting(self, visible: Collection[str] | None = None) -> int:
        """How many plans of these sources wait for approval."""
        column = tables.plans.c
        statement = select(func.count()).where(
            column.status == PlanStatus.PENDING.value, *among(column.source, visible)
        )
        async with self._reading() as transaction:
            return int((await transaction.connection.execute(statement)).scalar_one())

    async def runs_with(self, ids: Collection[str]) -> Mapping[str, Run]:
        """Id → the run; those that are not kept any more are left out."""
        async with self._reading() as transaction:
            return await _runs_with(transaction, ids)

    async def applies_with(self, ids: Collection[str]) -> Mapping[str, Apply]:
        """Id → the apply; those that are not kept any more are left out."""
        statement = rows.APPLIES.selection.where(tables.applies.c.id.in_(ids))
        async with self._reading() as transaction:
            return {apply.id: apply for apply in await transaction.all(rows.APPLIES, statement)}

    async def plan(self, plan_id: str) -> Plan | None:
        async with self._reading() as transaction:
            return await Plans(transaction).get(plan_id)

    async def plan_after(self, plan: Plan, visible: Collection[str] | None = None) -> Plan | None:
        """The chatbot's plan that came directly after this one, of these sources; None when there is none."""
        column = tables.plans.c
        later = or_(
            column.created_at > plan.created_at, and_(column.created_at == plan.created_at, column.id > plan.id)
        )
        statement = (
            rows.PLANS.selection.where(
                *plan_conditions(PlanFilter(tenant=plan.tenant, chatbot=plan.chatbot_id, visible=visible)), later
            )
            .order_by(column.created_at, column.id)
            .limit(1)
        )
        async with self._reading() as transaction:
            return await transaction.one(rows.PLANS, statement)

    async def run(self, run_id: str) -> Run | None:
        async with self._reading() as transaction:
            return await Runs(transaction).get(run_id)

    async def apply(self, apply_id: str) -> Apply | None:
        async with self._reading() as transaction:
            return await Applies(transaction).get(apply_id)

    async def sources(self) -> Sequence[SourceRecord]:
        """Every source, by name."""
        async with self._reading() as transaction:
            return await Sources(transaction).all()

    async def tenants(self) -> Sequence[TenantRecord]:
        """The tenants that were asked anything, by name."""
        async with self._reading() as transaction:
            return await Tenants(transaction).all()

    async def suspensions_with(self, ids: Collection[str]) -> Mapping[str, Suspension]:
        """Id → the suspension; those that are not kept any more are left out."""
        statement = rows.SUSPENSIONS.selection.where(tables.suspensions.c.id.in_(ids))
        async with self._reading() as transaction:
            return {item.id: item for item in await transaction.all(rows.SUSPENSIONS, statement)}

    async def suspensions(self) -> Sequence[Suspension]:
        """Those that have not ended, expired or not, newest first."""
        async with self._reading() as transaction:
            return await Suspensions(transaction).active()

    async def ends_by_the_clock(self) -> Sequence[datetime]:
        """When suspensions and tokens that have not ended yet, or have by the clock alone, end; the first one first."""
        suspension, token = tables.suspensions.c, tables.tokens.c
        until = select(suspension.until.label("at")).where(suspension.ended_at.is_(None), suspension.until.is_not(None))
        expiry = select(token.expires_at).where(token.revoked_at.is_(None), token.expires_at.is_not(None))
        async with self._reading() as transaction:
            return sorted((await transaction.connection.execute(until.union_all(expiry))).scalars())

    async def tokens(self) -> Sequence[Token]:
        """Every token, revoked and expired ones included."""
        async with self._reading() as transaction:
            return await Tokens(transaction).all()

    async def people(self) -> Sequence[Person]:
        """Everybody who came by a login, by name."""
        async with self._reading() as transaction:
            return await People(transaction).all()

    async def sessions(self) -> Sequence[Session]:
        """The browsers that are signed in, expired ones included, newest first."""
        async with self._reading() as transaction:
            return await Sessions(transaction).open()

    async def _page(
        self, codec: Codec[R], order: Order, statement: Select[Any], limit: int, cursor: str | None
    ) -> Page[R]:
        part = order.part(statement, limit, cursor)
        async with self._reading() as transaction:
            return order.page(await transaction.all(codec, part), limit)


async def _counts(transaction: Transaction, visible: Collection[str] | None) -> FleetCounts:
    chatbots, plans = tables.chatbots.c, tables.plans.c
    standings = (
        select(chatbots.sync, chatbots.direction, chatbots.reason, func.count(), func.count(chatbots.suspension_id))
        .where(*among(chatbots.source, visible))
        .group_by(chatbots.sync, chatbots.direction, chatbots.reason)
    )
    open_plans = (
        select(plans.status, func.count())
        .where(plans.status.in_(OPEN), *among(plans.source, visible))
        .group_by(plans.status)
    )
    found = (await transaction.connection.execute(standings)).all()
    waiting = (await transaction.connection.execute(open_plans)).all()
    sync, direction, reason = (_sum((row[place], row[3]) for row in found) for place in range(3))
    reason[Reason.SUSPENDED.value] = sum(row[4] for row in found)
    by_status = _sum((row[0], row[1]) for row in waiting)
    return FleetCounts(
        sync={member: sync[member] for member in Sync},
        direction={member: direction[member] for member in Direction},
        reason={Reason(code): number for code, number in reason.items() if number},
        open_plans={status: by_status[status] for status in PlanStatus if status in OPEN},
    )


async def _runs_with(transaction: Transaction, ids: Collection[str]) -> Mapping[str, Run]:
    statement = rows.RUNS.selection.where(tables.runs.c.id.in_(ids))
    return {run.id: run for run in await transaction.all(rows.RUNS, statement)}


def chatbot_conditions(filters: ChatbotFilter, dialect: Dialect) -> list[ColumnElement[bool]]:
    """What a filter asks for, in SQL."""
    column = tables.chatbots.c
    conditions = [
        *_equal(column.sync, filters.sync),
        *_equal(column.direction, filters.direction),
        *_for_reason(filters.reason),
        *_equal(column.source, filters.source),
        *_equal(column.tenant, filters.tenant),
        *among(column.source, filters.visible),
    ]
    if filters.label is not None:
        name, has_value, value = filters.label.partition("=")
        label = dialect.label(column.labels, name)
        conditions.append(label == value if has_value else label.is_not(None))
    if filters.q is not None:
        conditions.append(column.search.contains(filters.q.casefold(), autoescape=True))
    return conditions


def _for_reason(reason: Reason | None) -> list[ColumnElement[bool]]:
    """The condition for a reason. Suspended, which is stored beside the reason, is found like one."""
    column = tables.chatbots.c
    return [column.suspension_id.is_not(None)] if reason is Reason.SUSPENDED else _equal(column.reason, reason)


def plan_conditions(filters: PlanFilter) -> list[ColumnElement[bool]]:
    """What a filter asks for, in SQL."""
    column = tables.plans.c
    return [
        *among(column.status, filters.status),
        *_equal(column.tenant, filters.tenant),
        *_equal(column.chatbot_id, filters.chatbot),
        *_equal(column.source, filters.source),
        *_equal(column.change, filters.change),
        *among(column.source, filters.visible),
    ]


def _equal(column: Column[Any], value: str | None) -> list[ColumnElement[bool]]:
    return [] if value is None else [column == value]


def _sum(counted: Iterable[tuple[str, int]]) -> Counter[str]:
    total = Counter[str]()
    for value, number in counted:
        total[value] += number
    return total
