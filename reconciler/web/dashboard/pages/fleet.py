"""The fleet page."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from reconciler.domain.records import Chatbot
from reconciler.engine.context import Actor, Engine
from reconciler.ports import ChangeKind, Page
from reconciler.web import templates
from reconciler.web.api.common import TheEngine
from reconciler.web.dashboard.common import Visitor
from reconciler.web.dashboard.frame import frame_for
from reconciler.web.dashboard.pages.fleet_filters import FleetQuery
from reconciler.web.dashboard.pages.fleet_page import DAYS, Read, fleet_page
from reconciler.web.dashboard.pages.fleet_stops import chatbots_of
from reconciler.web.overview import overview

_SHOWN: Final = 100
_POINTS_A_DAY: Final = 4
_MOST_GROUPS: Final = 3
WATCH: Sequence[ChangeKind] = (
    ChangeKind.CHATBOT,
    ChangeKind.PLAN,
    ChangeKind.APPLY,
    ChangeKind.RUN,
    ChangeKind.SOURCE,
    ChangeKind.SUSPENSION,
    ChangeKind.TENANT,
)

router = APIRouter(include_in_schema=False)


@router.get("/", name="page_fleet")
async def fleet(actor: Visitor, engine: TheEngine, query: Annotated[FleetQuery, Query()], request: Request) -> Response:
    """How many differ, which side moved, and which chatbots these are."""
    try:
        chatbots = await engine.store.queries.chatbots(
            query.filter(actor.sources), limit=_SHOWN, cursor=query.cursor, order=query.order, descending=query.down
        )
    except ValueError:
        return RedirectResponse(query.path(), 303)
    frame = await frame_for(engine, actor, "fleet", WATCH)
    read = await _read(engine, actor, chatbots)
    return await templates.long_page(request, "fleet.html", lambda _: fleet_page(frame, query, read))


async def _read(engine: Engine, actor: Actor, chatbots: Page[Chatbot]) -> Read:
    now, queries = engine.clock.now(), engine.store.queries
    # before the service was there nothing is known, which is not the same as none out of sync
    begins = await queries.audit_begins() or now
    since = min(max(now - timedelta(days=DAYS), begins), now)
    seen = await overview(engine, actor.sources)
    suspended = await queries.chatbots_with(chatbots_of(seen.suspensions))
    return Read(
        now=now,
        seen=seen,
        chatbots=chatbots,
        oldest=await queries.oldest_drift(actor.sources),
        groups=await queries.plan_groups(actor.sources, limit=_MOST_GROUPS),
        points=await queries.out_of_sync_curve(actor.sources, since=since, until=now, buckets=DAYS * _POINTS_A_DAY),
        suspended=[each for each in suspended if actor.sees(each.source)],
    )
