"""Decides about plans for the API and the pages: the same checks, the same audit entries."""

from reconciler.engine.context import Actor, Engine
from reconciler.engine.decide import decisions
from reconciler.engine.decide.decisions import Decision, Item, ItemResult
from reconciler.web.plans.schemas import ApproveRequest, DecideRequest


async def approve(engine: Engine, actor: Actor, plan_id: str, body: ApproveRequest) -> Decision:
    """Approve a plan; raises as `decisions.approve`."""
    overrides = (
        decisions.Overrides(deletes=body.overrides.deletes, reason=body.overrides.reason) if body.overrides else None
    )
    return await decisions.approve(
        engine, actor, plan_id, body.fingerprint, comment=body.comment, overrides=overrides, apply=body.apply
    )


async def decide_all(engine: Engine, actor: Actor, body: DecideRequest) -> list[ItemResult]:
    """Decide about many, each by itself."""
    items = [Item(item.plan_id, item.fingerprint) for item in body.items]
    approving = body.decision == "approve"
    return list(
        await decisions.decide_all(
            engine, actor, approving=approving, items=items, comment=body.comment, apply=body.apply
        )
    )
