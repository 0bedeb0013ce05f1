"""Decisions about plans as they are asked for by the API and by the pages: the same checks, the same audit entries.

What a route notes of the request here is what a refusal's audit entry tells.
"""

from fastapi import Request

from reconciler.domain.records import Apply
from reconciler.engine import decide
from reconciler.engine.applying import request_apply
from reconciler.engine.context import Actor, Engine
from reconciler.engine.decide import Decision, Item, ItemResult
from reconciler.web.api.common import visible_plan
from reconciler.web.asks import ApplyAsk, ApproveAsk, DecideAsk, RejectAsk, WithdrawAsk


async def approve(request: Request, engine: Engine, actor: Actor, plan_id: str, ask: ApproveAsk) -> Decision:
    """Say yes; raises as `decide.approve`."""
    request.state.fingerprint = ask.fingerprint
    await visible_plan(engine, actor, plan_id)
    overrides = decide.Overrides(deletes=ask.overrides.deletes, reason=ask.overrides.reason) if ask.overrides else None
    return await decide.approve(
        engine, actor, plan_id, ask.fingerprint, comment=ask.comment, overrides=overrides, apply=ask.apply
    )


async def reject(request: Request, engine: Engine, actor: Actor, plan_id: str, ask: RejectAsk) -> Decision:
    """Say no; raises as `decide.reject`."""
    request.state.fingerprint = ask.fingerprint
    await visible_plan(engine, actor, plan_id)
    return await decide.reject(engine, actor, plan_id, ask.fingerprint, comment=ask.comment)


async def withdraw(request: Request, engine: Engine, actor: Actor, plan_id: str, ask: WithdrawAsk) -> Decision:
    """Take a rejection back; raises as `decide.withdraw_rejection`."""
    request.state.fingerprint = ask.fingerprint
    await visible_plan(engine, actor, plan_id)
    return await decide.withdraw_rejection(engine, actor, plan_id, ask.fingerprint, comment=ask.comment)


async def revoke(engine: Engine, actor: Actor, plan_id: str) -> Decision:
    """Take an approval back; raises as `decide.revoke`."""
    await visible_plan(engine, actor, plan_id)
    return await decide.revoke(engine, actor, plan_id)


async def apply(request: Request, engine: Engine, actor: Actor, plan_id: str, ask: ApplyAsk) -> tuple[Apply, bool]:
    """Ask for the apply; raises as `request_apply`.

    Returns:
        The apply, and whether it stood already.
    """
    request.state.fingerprint = ask.fingerprint
    plan = await visible_plan(engine, actor, plan_id)
    wanted = await request_apply(engine, actor, plan_id, ask.fingerprint)
    return wanted, wanted.id == plan.apply_id


async def decide_all(engine: Engine, actor: Actor, ask: DecideAsk) -> list[ItemResult]:
    """Decide about many, each by itself."""
    items = [Item(item.plan_id, item.fingerprint) for item in ask.items]
    approving = ask.decision == "approve"
    return list(
        await decide.decide_all(engine, actor, approving=approving, items=items, comment=ask.comment, apply=ask.apply)
    )
