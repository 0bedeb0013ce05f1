"""Decisions about plans as they are asked for by the API and by the pages: the same checks, the same audit entries."""

from reconciler.domain.entities import Apply
from reconciler.engine.apply.request import request_apply
from reconciler.engine.context import Actor, Engine
from reconciler.engine.decide import decisions
from reconciler.engine.decide.decisions import Decision, Item, ItemResult
from reconciler.web.auth.visibility import visible_plan
from reconciler.web.plans.schemas import ApplyRequest, ApproveRequest, DecideRequest, RejectRequest, WithdrawRequest


async def approve(engine: Engine, actor: Actor, plan_id: str, body: ApproveRequest) -> Decision:
    """Say yes; raises as `decisions.approve`."""
    await visible_plan(engine, actor, plan_id)
    overrides = (
        decisions.Overrides(deletes=body.overrides.deletes, reason=body.overrides.reason) if body.overrides else None
    )
    return await decisions.approve(
        engine, actor, plan_id, body.fingerprint, comment=body.comment, overrides=overrides, apply=body.apply
    )


async def reject(engine: Engine, actor: Actor, plan_id: str, body: RejectRequest) -> Decision:
    """Say no; raises as `decisions.reject`."""
    await visible_plan(engine, actor, plan_id)
    return await decisions.reject(engine, actor, plan_id, body.fingerprint, comment=body.comment)


async def withdraw(engine: Engine, actor: Actor, plan_id: str, body: WithdrawRequest) -> Decision:
    """Take a rejection back; raises as `decisions.withdraw_rejection`."""
    await visible_plan(engine, actor, plan_id)
    return await decisions.withdraw_rejection(engine, actor, plan_id, body.fingerprint, comment=body.comment)


async def revoke(engine: Engine, actor: Actor, plan_id: str) -> Decision:
    """Take an approval back; raises as `decisions.revoke`."""
    await visible_plan(engine, actor, plan_id)
    return await decisions.revoke(engine, actor, plan_id)


async def apply(engine: Engine, actor: Actor, plan_id: str, body: ApplyRequest) -> tuple[Apply, bool]:
    """Ask for the apply; raises as `request_apply`.

    Returns:
        The apply, and whether it stood already.
    """
    plan = await visible_plan(engine, actor, plan_id)
    wanted = await request_apply(engine, actor, plan_id, body.fingerprint)
    return wanted, wanted.id == plan.apply_id


async def decide_all(engine: Engine, actor: Actor, body: DecideRequest) -> list[ItemResult]:
    """Decide about many, each by itself."""
    items = [Item(item.plan_id, item.fingerprint) for item in body.items]
    approving = body.decision == "approve"
    return list(
        await decisions.decide_all(
            engine, actor, approving=approving, items=items, comment=body.comment, apply=body.apply
        )
    )
