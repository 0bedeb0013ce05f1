"""Making a link that shows one plan to people without an account."""

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from reconciler.domain.records import Plan
from reconciler.engine.context import Actor, Engine
from reconciler.engine.sharing import note_link
from reconciler.web import templates
from reconciler.web.api.common import TheEngine, TheSettings, visible_plan
from reconciler.web.asks import Ask, Name
from reconciler.web.dashboard.common import Visitor
from reconciler.web.dashboard.forms import Denial, asked, attempt, read_form
from reconciler.web.dashboard.frame import Frame, frame_for
from reconciler.web.links import Lifetime, sign

router = APIRouter(include_in_schema=False)


class LinkAsk(Ask):
    """A link to a plan."""

    lifetime: Lifetime = Field(strict=False)


@dataclass(frozen=True, slots=True)
class LinkPage:
    """A link to a plan, at the only moment at which it is told.

    Attributes:
        link: The whole address; None when none was made.
        until: When it ends.
        problem: Why none was made.
    """

    frame: Frame
    plan: Plan
    link: str | None = None
    until: datetime | None = None
    problem: str | None = None


@router.post("/plans/{plan_id}/link", name="page_plan_link")
async def make_link(
    actor: Visitor, engine: TheEngine, settings: TheSettings, plan_id: Name, request: Request
) -> Response:
    """Make a link, and show it: in the answer, and in no address that anybody logs."""
    frame = await frame_for(engine, actor, "plans")
    plan = await visible_plan(engine, actor, plan_id)
    until = await attempt(engine, request, _noted(engine, actor, plan, request))
    if isinstance(until, Denial):
        return templates.page("link.html", LinkPage(frame, plan, problem=until.detail), until.status)
    link = settings.public_url + sign(settings.link_key, plan.id, until)
    return templates.page("link.html", LinkPage(frame, plan, link, until))


async def _noted(engine: Engine, actor: Actor, plan: Plan, request: Request) -> datetime:
    """Until when the link is good that somebody asks for; it leaves its row."""
    lifetime = asked(LinkAsk, await read_form(request)).lifetime
    # to the second, as the link says it
    until = (engine.clock.now() + lifetime.lasts).replace(microsecond=0)
    await note_link(engine, actor, plan.id, until)
    return until
