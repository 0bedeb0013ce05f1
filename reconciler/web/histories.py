"""A chatbot, and its plans with what came of each: for the API and for the pages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.domain.records import Apply, Approval, Chatbot, Plan, Suspension
from reconciler.engine.context import Actor, Engine
from reconciler.errors import NotFound
from reconciler.ports import Page, PlanFilter
from reconciler.web.problems import Code, Problem


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


async def visible_chatbot(engine: Engine, actor: Actor, chatbot_id: str, tenant: str | None) -> Chatbot:
    """A chatbot that the person may see.

    Raises:
        NotFound: When there is none.
        Problem: When several tenants have it, and none is named.
    """
    known = await engine.store.queries.chatbots_with([chatbot_id])
    found = [each for each in known if actor.sees(each.source) and tenant in (None, each.tenant)]
    match found:
        case []:
            raise NotFound(f"there is no chatbot {chatbot_id!r}")
        case [chatbot]:
            return chatbot
        case _:
            tenants = sorted(each.tenant for each in found)
            detail = f"say which with ?tenant=: {', '.join(tenants)}"
            raise Problem(Code.AMBIGUOUS_CHATBOT, detail, tenants=tenants)


async def chatbot_names(engine: Engine, plans: Sequence[Plan]) -> Mapping[str, str]:
    """Plan id → the name of its chatbot, where that is known.

    What another source calls a chatbot that went there is not told: who sees the plan may not see that source.
    """
    known = await engine.store.queries.chatbots_with({plan.chatbot_id for plan in plans})
    names = {(each.tenant, each.id, each.source): each.name for each in known if each.name}
    keys = {plan.id: (plan.tenant, plan.chatbot_id, plan.source) for plan in plans}
    return {plan_id: names[key] for plan_id, key in keys.items() if key in names}


async def past_plans(
    engine: Engine, actor: Actor, chatbot: Chatbot, *, limit: int, cursor: str | None
) -> Page[PastPlan]:
    """A part of a chatbot's plans, newest first; only those that the person may see.

    Raises:
        ValueError: When the cursor was not handed out here.
    """
    queries = engine.store.queries
    wanted = PlanFilter(chatbot=chatbot.id, tenant=chatbot.tenant, visible=actor.sources)
    part = await queries.plans(wanted, limit=limit, cursor=cursor)
    ids = [plan.id for plan in part.items]
    approvals, applies = await queries.approvals_of(ids), await queries.applies_of(ids)
    items = [PastPlan(plan, approvals.get(plan.id, ()), applies.get(plan.id)) for plan in part.items]
    return Page(items, part.next_cursor)


async def suspensions_of(engine: Engine, records: Iterable[Chatbot | Plan]) -> Mapping[str, Suspension]:
    """The suspensions that stop these chatbots or plans, by their ids."""
    ids = {record.suspension_id for record in records if record.suspension_id is not None}
    return await engine.store.queries.suspensions_with(ids) if ids else {}
