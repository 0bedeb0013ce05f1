"""The page that makes a link to one plan for people without an account."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.responses import Response

from reconciler.domain.access import Role
from reconciler.domain.entities import Plan
from reconciler.domain.events import ChangeKind
from reconciler.engine.context import Actor, Engine
from reconciler.engine.decide.share_links import record_shared_link
from reconciler.errors import NotKept
from reconciler.web.auth.audit_policies import Audited
from reconciler.web.auth.dependencies import TheEngine, TheSettings, ViewerPage
from reconciler.web.auth.gate import RequirePageOrLink
from reconciler.web.auth.signed_links import LinkLifetime, SharedLink, sign
from reconciler.web.auth.visibility import visible_plan
from reconciler.web.http.schemas import Name, RequestModel
from reconciler.web.ui import templates
from reconciler.web.ui.forms import FormAction, parse_form, read_form
from reconciler.web.ui.layout import SIGNED_OUT, Layout, layout_for

router = APIRouter(include_in_schema=False)


class LinkRequest(RequestModel):
    """A link to a plan."""

    lifetime: LinkLifetime = Field(strict=False)


@dataclass(frozen=True, slots=True)
class LinkPage:
    """A link to a plan, which is shown only once.

    Attributes:
        link: The whole address; None when none was made.
        until: When it ends.
        problem: Why none was made.
    """

    frame: Layout
    plan: Plan
    link: str | None = None
    until: datetime | None = None
    problem: str | None = None


@router.post(
    "/plans/{plan_id}/link", name="page_plan_link", dependencies=[Depends(Audited("plan.link", "plan/{plan_id}"))]
)
async def make_link(
    actor: ViewerPage, engine: TheEngine, settings: TheSettings, plan_id: Name, request: Request
) -> Response:
    """Make a link, and show it: in the answer, and in no address that anybody logs."""
    frame = await layout_for(engine, actor, "plans")
    plan = await visible_plan(engine, actor, plan_id)
    async with FormAction(engine, request) as action:
        until = await _record_link(engine, actor, plan, request)
        link = settings.public_url + sign(settings.link_key, plan.id, until)
        return templates.page("plans/link.html", LinkPage(frame, plan, link, until))
    refusal = action.refusal
    return templates.page("plans/link.html", LinkPage(frame, plan, problem=refusal.detail), refusal.status)


async def _record_link(engine: Engine, actor: Actor, plan: Plan, request: Request) -> datetime:
    """Until when the link is good that somebody asks for; it leaves its row."""
    lifetime = parse_form(request, LinkRequest, await read_form(request)).lifetime
    # to the second, as the link says it
    until = (engine.clock.now() + lifetime.lasts).replace(microsecond=0)
    await record_shared_link(engine, actor, plan.id, until)
    return until


Reader = Annotated[Actor | SharedLink, Depends(RequirePageOrLink(Role.VIEWER))]


def link_of(reader: Actor | SharedLink) -> SharedLink | None:
    """The link that somebody came by; None for who came as themselves."""
    return reader if isinstance(reader, SharedLink) else None


async def readable_plan(engine: Engine, reader: Actor | SharedLink, plan_id: str) -> Plan:
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


async def frame_around(engine: Engine, reader: Actor | SharedLink) -> Layout:
    """The layout around a plan: for a link without navigation, counts of plans, and scripts that load more."""
    if isinstance(reader, Actor):
        return await layout_for(engine, reader, "plans", (ChangeKind.PLAN, ChangeKind.APPLY))
    return SIGNED_OUT
