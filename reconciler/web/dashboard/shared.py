"""A plan's page for whoever came by a signed link: that one plan, and nothing that leads away from it."""

from typing import Annotated

from fastapi import Depends

from reconciler.domain.records import Plan, Role
from reconciler.engine.context import Actor, Engine
from reconciler.errors import NotKept
from reconciler.ports import ChangeKind
from reconciler.web.api.common import visible_plan
from reconciler.web.auth import VisitOrLink
from reconciler.web.dashboard.frame import NOBODY, Frame, frame_for
from reconciler.web.links import Shared

Reader = Annotated[Actor | Shared, Depends(VisitOrLink(Role.VIEWER))]


def link_of(reader: Actor | Shared) -> Shared | None:
    """The link that somebody came by; None for who came as themselves."""
    return reader if isinstance(reader, Shared) else None


async def readable_plan(engine: Engine, reader: Actor | Shared, plan_id: str) -> Plan:
    """A plan that the person, or the link, may show.

    Raises:
        NotFound: When there is none.
    """
    if isinstance(reader, Actor):
        return await visible_plan(engine, reader, plan_id)
    plan = await engine.store.queries.plan(reader.plan_id)
    if plan is None:
        raise NotKept("plan", plan_id)
    return plan


async def frame_around(engine: Engine, reader: Actor | Shared) -> Frame:
    """What stands around a plan: for a link no navigation, no count of plans, and no script that asks for more."""
    if isinstance(reader, Actor):
        return await frame_for(engine, reader, "plans", (ChangeKind.PLAN, ChangeKind.APPLY))
    return NOBODY
