"""The page that lists plans: groups of equal changes, then plans that wait, then the others."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import RedirectResponse, Response

from reconciler.domain.entities import Plan
from reconciler.domain.events import ChangeKind
from reconciler.domain.lifecycle import OPEN, PlanStatus
from reconciler.domain.listing import Page, PlanGroup
from reconciler.engine.context import Actor, Engine
from reconciler.render.ages import Age, age
from reconciler.render.alignment import Effort
from reconciler.render.plan_summary import SummaryPart, sentence
from reconciler.web.auth.dependencies import TheEngine, ViewerPage
from reconciler.web.auth.visibility import chatbot_names
from reconciler.web.plans.schemas import PlanFilterQuery
from reconciler.web.ui import templates
from reconciler.web.ui.badges import STATUS_BADGES
from reconciler.web.ui.forms import FormQuery
from reconciler.web.ui.layout import Layout, layout_for

_SHOWN = 50
_GROUPS = 5
_OPEN = "open"
WATCH: Sequence[ChangeKind] = (ChangeKind.PLAN, ChangeKind.APPLY)

router = APIRouter(include_in_schema=False)


class PlanPageQuery(PlanFilterQuery, FormQuery):
    """Which plans the page lists."""

    status: str = Field(default=_OPEN, max_length=30)

    def statuses(self) -> Collection[PlanStatus] | None:
        """The states that are listed; None means all."""
        match self.status:
            case "all":
                return None
            case "closed":
                return frozenset(PlanStatus) - OPEN
            case _:
                return {status for status in PlanStatus if status == self.status} or OPEN


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One plan of the list.

    Attributes:
        name: The chatbot's, or its id.
        sentence: What it does, in parts.
        planned: When it was made.
    """

    plan: Plan
    name: str
    sentence: Sequence[SummaryPart]
    planned: Age


@dataclass(frozen=True, slots=True)
class GroupLine:
    """A change that waits on several chatbots.

    Attributes:
        change: What it is found by.
        count: On how many.
        sentence: What it does, in parts.
    """

    change: str
    count: int
    sentence: Sequence[SummaryPart]


@dataclass(frozen=True, slots=True)
class PlansPage:
    """Plans, newest first.

    Attributes:
        groups: Changes that wait on several chatbots; only where the list begins.
        statuses: The statuses to choose from: value, label, and whether it is selected.
        sources: The names of the sources that the person may choose from.
        query: What is listed.
        next_page: The path of the next part.
    """

    frame: Layout
    lines: Sequence[PlanLine]
    groups: Sequence[GroupLine]
    statuses: Sequence[tuple[str, str, bool]]
    sources: Sequence[str]
    query: PlanPageQuery
    next_page: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanListData:
    """What the page is made of.

    Attributes:
        now: The moment at which it is looked at.
        plans: This part of the list.
        names: Plan id → the name of its chatbot, where it is known.
        groups: Changes that wait on several chatbots.
        samples: Change → a plan that makes it.
        sources: The names of the sources that the person may choose from.
    """

    now: datetime
    plans: Page[Plan]
    names: Mapping[str, str]
    groups: Sequence[PlanGroup]
    samples: Mapping[str, Plan]
    sources: Sequence[str]


@router.get("/plans", name="page_plans")
async def plans(
    actor: ViewerPage, engine: TheEngine, query: Annotated[PlanPageQuery, Query()], request: Request
) -> Response:
    """Plans, those that are open unless others are asked for."""
    filters = query.filter(query.statuses(), actor.sources)
    try:
        part = await engine.store.queries.plans(filters, limit=_SHOWN, cursor=query.cursor)
    except ValueError:
        return RedirectResponse("/plans", 303)
    read = await _read(engine, actor, query, part)
    frame = await layout_for(engine, actor, "plans", WATCH)
    return await templates.long_page(request, "plans/plans.html", lambda effort: plans_page(frame, query, read, effort))


async def _read(engine: Engine, actor: Actor, query: PlanPageQuery, part: Page[Plan]) -> PlanListData:
    begins = query.cursor is None and query.status in (_OPEN, PlanStatus.PENDING)
    groups = await engine.store.queries.plan_groups(actor.sources, limit=_GROUPS) if begins else ()
    return PlanListData(
        now=engine.clock.now(),
        plans=part,
        names=await chatbot_names(engine, part.items),
        groups=groups,
        samples=await _samples(engine, groups),
        sources=sorted(name for name in engine.sources if actor.sees(name)),
    )


def plans_page(frame: Layout, query: PlanPageQuery, read: PlanListData, effort: Effort) -> PlansPage:
    """Everything that the list of plans says; its sentences share the effort of comparing texts."""
    groups = [group for group in read.groups if group.change in read.samples]
    efforts = effort.shares(len(groups) + len(read.plans.items))
    return PlansPage(
        frame=frame,
        groups=[
            GroupLine(group.change, group.count, sentence(read.samples[group.change].ops, next(efforts)))
            for group in groups
        ],
        lines=[_line(plan, read, next(efforts)) for plan in read.plans.items],
        statuses=_choices(query),
        sources=read.sources,
        query=query,
        next_page=query.address("/plans", cursor=read.plans.next_cursor) if read.plans.next_cursor else None,
    )


def _line(plan: Plan, read: PlanListData, effort: Effort) -> PlanLine:
    return PlanLine(
        plan, read.names.get(plan.id, plan.chatbot_id), sentence(plan.ops, effort), age(plan.created_at, read.now)
    )


def _choices(query: PlanPageQuery) -> Sequence[tuple[str, str, bool]]:
    words = {_OPEN: "all that are open", "closed": "all that are closed", "all": "all"}
    words |= {status.value: STATUS_BADGES[status].words for status in PlanStatus}
    return [(value, title, value == query.status) for value, title in words.items()]


async def _samples(engine: Engine, groups: Sequence[PlanGroup]) -> Mapping[str, Plan]:
    """A plan of each group: they all do the same."""
    found = {group.change: await engine.store.queries.plan(group.plan_ids[0]) for group in groups if group.plan_ids}
    return {change: plan for change, plan in found.items() if plan is not None}
