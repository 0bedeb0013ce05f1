"""Reading everything that a plan's page says."""

from reconciler.domain.direction import NO_BASELINE, Baseline
from reconciler.domain.records import Plan
from reconciler.domain.status import Direction
from reconciler.engine.context import Actor, Engine
from reconciler.web.dashboard.origins import Origin, origin_of
from reconciler.web.dashboard.pages.plan_decision import rulings
from reconciler.web.dashboard.pages.plan_page import REPLACED, Known
from reconciler.web.histories import chatbot_names, suspensions_of

_GIT_MOVED = (Direction.GIT_AHEAD, Direction.DIVERGED)


async def read_plan(engine: Engine, actor: Actor | None, plan: Plan) -> Known:
    """Everything that a plan's page says.

    Args:
        engine: The ports.
        actor: Who looks; None for somebody without an account, who is shown this plan alone.
        plan: The plan, which they may see.
    """
    return Known(
        plan=plan,
        rulings=await rulings(engine, actor, plan),
        name=(await chatbot_names(engine, [plan])).get(plan.id),
        apply=(await engine.store.queries.applies_of([plan.id])).get(plan.id),
        suspension=(await suspensions_of(engine, [plan])).get(plan.suspension_id or ""),
        newer=await _newer(engine, actor, plan) if actor is not None else None,
        baseline=await _baseline(engine, plan),
        origin=await _origin(engine, actor, plan),
        now=engine.clock.now(),
    )


async def _newer(engine: Engine, actor: Actor, plan: Plan) -> Plan | None:
    """The plan that took the place of this one; one of a source that the person may not see is not told."""
    if plan.status not in REPLACED:
        return None
    return await engine.store.queries.plan_after(plan, actor.sources)


async def _baseline(engine: Engine, plan: Plan) -> Baseline:
    if not plan.is_open:
        return NO_BASELINE
    async with engine.store.read() as uow:
        return await uow.baselines.get(plan.tenant, plan.chatbot_id)


async def _origin(engine: Engine, actor: Actor | None, plan: Plan) -> Origin:
    """Where the document stands; who only follows a link to this plan is led nowhere else."""
    moved = any(each.direction in _GIT_MOVED for each in plan.ops)
    async with engine.store.read() as uow:
        chatbot = await uow.chatbots.get(plan.tenant, plan.chatbot_id)
    agreed = chatbot.synced_revision if chatbot is not None and chatbot.source == plan.source else None
    origin = await origin_of(engine, plan.source, plan.path, plan.revision, agreed=agreed, told=moved)
    return origin if actor is not None else origin.without_links()
