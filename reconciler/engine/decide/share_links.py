"""Records links that show a plan without an account, each with its audit entry."""

from datetime import datetime

from reconciler.domain.access import Role
from reconciler.engine.audit.entries import audit_limited
from reconciler.engine.context import Actor, Engine
from reconciler.errors import NotKept


async def record_shared_link(engine: Engine, actor: Actor, plan_id: str, until: datetime) -> None:
    """Leave a row for a link that shows a plan until then; the link itself is never written down.

    Raises:
        NotFound: There is no such plan, or the actor may not see it.
        Forbidden: The actor may not.
    """
    async with engine.store.begin() as uow:
        plan = await uow.plans.get(plan_id)
        if plan is None or not actor.sees(plan.source):
            raise NotKept("plan", plan_id)
        actor.require(Role.VIEWER, plan.source)
        detail, fingerprint = {"until": until.isoformat()}, plan.fingerprint
        await audit_limited(engine, uow, actor, "plan.link", f"plan/{plan.id}", fingerprint=fingerprint, detail=detail)
