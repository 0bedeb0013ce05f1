"""The fleet page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import RedirectResponse, Response

from reconciler.domain.lifecycle import OPEN
from reconciler.domain.records import Chatbot, Plan
from reconciler.ports import ChatbotFilter, Page, PlanFilter
from reconciler.web import templates
from reconciler.web.api.common import TheEngine
from reconciler.web.asks import Query as AskedQuery
from reconciler.web.dashboard.common import Visitor
from reconciler.web.dashboard.frame import Frame, frame_for
from reconciler.web.overview import Overview, overview

_SHOWN = 100
WATCH: Sequence[str] = ("chatbot", "plan", "apply", "run", "source", "suspension")

router = APIRouter(include_in_schema=False)


class FleetQuery(AskedQuery):
    """What the fleet page shows."""

    q: str = Field(default="", max_length=200)
    cursor: str | None = Field(default=None, max_length=1000)


@dataclass(frozen=True, slots=True)
class FleetPage:
    """Chatbots and open plans.

    Attributes:
        q: What was searched for.
        next_page: The path of the next part of the chatbots.
    """

    frame: Frame
    seen: Overview
    chatbots: Page[Chatbot]
    plans: Page[Plan]
    q: str
    next_page: str | None


@router.get("/", name="page_fleet")
async def fleet(actor: Visitor, engine: TheEngine, query: Annotated[FleetQuery, Query()]) -> Response:
    """Chatbots and open plans."""
    queries = engine.store.queries
    wanted = ChatbotFilter(q=query.q or None, visible=actor.sources)
    try:
        chatbots = await queries.chatbots(wanted, limit=_SHOWN, cursor=query.cursor)
    except ValueError:
        return RedirectResponse("/", 303)
    shown = FleetPage(
        frame=await frame_for(engine, actor, "fleet", WATCH),
        seen=await overview(engine, actor.sources),
        chatbots=chatbots,
        plans=await queries.plans(PlanFilter(status=OPEN, visible=actor.sources), limit=_SHOWN, cursor=None),
        q=query.q,
        next_page=f"/?cursor={quote(chatbots.next_cursor)}&q={quote(query.q)}" if chatbots.next_cursor else None,
    )
    return templates.page("fleet.html", shown)
