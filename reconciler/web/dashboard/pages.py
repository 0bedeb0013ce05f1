"""The pages: the fleet, one plan."""

import asyncio
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import RedirectResponse, Response

from reconciler.domain.lifecycle import OPEN
from reconciler.domain.records import Role
from reconciler.engine.context import Actor
from reconciler.ports import ChatbotFilter, PlanFilter
from reconciler.web import templates
from reconciler.web.api.common import TheEngine, TheSettings, stored_plan
from reconciler.web.asks import Name
from reconciler.web.asks import Query as AskedQuery
from reconciler.web.auth import Visit
from reconciler.web.dashboard.plan_page import plan_page
from reconciler.web.overview import overview

STATIC = Path(__file__).parent / "static"
_SHOWN = 100

router = APIRouter(include_in_schema=False)

Visitor = Annotated[Actor, Depends(Visit(Role.VIEWER))]


class FleetQuery(AskedQuery):
    """What the fleet page shows."""

    q: str = Field(default="", max_length=200)
    cursor: str | None = Field(default=None, max_length=1000)


@router.get("/", name="page_fleet")
async def fleet(actor: Visitor, engine: TheEngine, query: Annotated[FleetQuery, Query()]) -> Response:
    """Chatbots and open plans."""
    queries = engine.store.queries
    wanted = ChatbotFilter(q=query.q or None, visible=actor.sources)
    try:
        chatbots = await queries.chatbots(wanted, limit=_SHOWN, cursor=query.cursor)
    except ValueError:
        return RedirectResponse("/", 303)
    plans = await queries.plans(PlanFilter(status=OPEN, visible=actor.sources), limit=_SHOWN, cursor=None)
    return templates.page(
        "fleet.html",
        actor=actor,
        seen=await overview(engine, actor.sources),
        chatbots=chatbots,
        plans=plans,
        q=query.q,
        next_page=f"/?cursor={quote(chatbots.next_cursor)}&q={quote(query.q)}" if chatbots.next_cursor else None,
    )


@router.get("/plans/{plan_id}", name="page_plan")
async def plan(actor: Visitor, engine: TheEngine, settings: TheSettings, plan_id: Name) -> Response:
    """One plan: what is lost first, then every op, then how to decide."""
    record = await engine.store.queries.plan(plan_id)
    if record is None or not actor.sees(record.source):
        return templates.page("missing.html", 404, actor=actor, what=f"There is no plan {plan_id}.")
    stored = await stored_plan(engine, record)

    def render() -> Response:
        return templates.page("plan.html", actor=actor, shown=plan_page(stored, settings.public_url))

    # comparing long prompts takes a while: not on the event loop
    return await asyncio.to_thread(render)
