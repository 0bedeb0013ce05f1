"""The fleet page."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from reconciler.domain.entities import Chatbot
from reconciler.domain.events import ChangeKind
from reconciler.domain.listing import Page
from reconciler.engine.context import Actor, Engine
from reconciler.web.auth.dependencies import TheEngine, ViewerPage
from reconciler.web.fleet.filters import FleetQuery
from reconciler.web.fleet.fleet_records import DAYS, FleetReads, TheFleetReads
from reconciler.web.fleet.fleet_status import fleet_status
from reconciler.web.fleet.page_view import FleetPageData, chatbots_of, fleet_page
from reconciler.web.ui import templates
from reconciler.web.ui.layout import layout_for

_SHOWN: Final = 100
_MAX_GROUPS: Final = 3
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
async def fleet(
    actor: ViewerPage,
    engine: TheEngine,
    reads: TheFleetReads,
    query: Annotated[FleetQuery, Query()],
    request: Request,
) -> Response:
    """How many differ, which side moved, and which chatbots these are."""
    try:
        chatbots = await engine.store.queries.chatbots(
            query.filter(actor.sources),
            limit=_SHOWN,
            cursor=query.cursor,
            order=query.order,
            descending=query.descending,
        )
    except ValueError:
        return RedirectResponse(query.path(), 303)
    frame = await layout_for(engine, actor, "fleet", WATCH)
    read = await _read(engine, reads, actor, chatbots)
    return await templates.long_page(request, "fleet/fleet.html", lambda _: fleet_page(frame, query, read))


async def _read(engine: Engine, reads: FleetReads, actor: Actor, chatbots: Page[Chatbot]) -> FleetPageData:
    now, queries = engine.clock.now(), engine.store.queries
    # before the service ran, the number is unknown, which is not zero
    begins = await queries.audit_begins() or now
    since = min(max(now - timedelta(days=DAYS), begins), now)
    fleet = await fleet_status(engine, actor.sources, reads=reads)
    suspended = await queries.chatbots_with(chatbots_of(fleet.suspensions))
    return FleetPageData(
        now=now,
        fleet=fleet,
        chatbots=chatbots,
        oldest=await queries.oldest_drift(actor.sources),
        groups=await queries.plan_groups(actor.sources, limit=_MAX_GROUPS),
        points=await reads.curve(actor.sources, since=since, until=now),
        suspended=[suspension for suspension in suspended if actor.sees(suspension.source)],
    )
