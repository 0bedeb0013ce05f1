"""A chatbot's plans with their approvals and applies, for the API and the pages."""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.domain.entities import Apply, Approval, Chatbot, Plan
from reconciler.domain.listing import Page, PlanFilter
from reconciler.engine.context import Actor, Engine


@dataclass(frozen=True, slots=True)
class PastPlan:
    """A plan and what came of it.

    Attributes:
        approvals: All of them, oldest first.
        apply: Its latest apply, where there was one.
    """

    plan: Plan
    approvals: Sequence[Approval]
    apply: Apply | None


async def past_plans(
    engine: Engine, actor: Actor, chatbot: Chatbot, *, limit: int, cursor: str | None
) -> Page[PastPlan]:
    """A part of a chatbot's plans, newest first; only those that the person may see.

    Raises:
        ValueError: When the cursor was not handed out here.
    """
    queries = engine.store.queries
    filters = PlanFilter(chatbot=chatbot.id, tenant=chatbot.tenant, visible=actor.sources)
    part = await queries.plans(filters, limit=limit, cursor=cursor)
    ids = [plan.id for plan in part.items]
    approvals, applies = await queries.approvals_of(ids), await queries.applies_of(ids)
    items = [PastPlan(plan, approvals.get(plan.id, ()), applies.get(plan.id)) for plan in part.items]
    return Page(items, part.next_cursor)
