"""The page of one plan."""

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from reconciler.web import templates
from reconciler.web.api.common import TheEngine, TheSettings, stored_plan
from reconciler.web.asks import Name
from reconciler.web.dashboard.pages.plan_page import plan_page
from reconciler.web.dashboard.shared import Reader, frame_around, link_of, readable_plan

router = APIRouter(include_in_schema=False)


@router.get("/plans/{plan_id}", name="page_plan")
async def plan(reader: Reader, engine: TheEngine, settings: TheSettings, plan_id: Name) -> Response:
    """One plan: what is lost first, then every op, then how to decide."""
    stored = await stored_plan(engine, await readable_plan(engine, reader, plan_id))
    frame = await frame_around(engine, reader)

    def render() -> Response:
        return templates.page("plan.html", plan_page(frame, stored, settings.public_url, link_of(reader)))

    # comparing long prompts takes a while: not on the event loop
    return await asyncio.to_thread(render)
