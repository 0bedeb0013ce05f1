"""The page of sources, and what is asked of them."""

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from reconciler.domain.records import Trigger
from reconciler.engine.accept import accept
from reconciler.engine.context import Actor, Engine
from reconciler.engine.forgetting import is_gone
from reconciler.engine.refresh import request_refresh
from reconciler.ports import ChangeKind
from reconciler.web import templates
from reconciler.web.api.common import TheEngine, check_source
from reconciler.web.asks import AcceptAsk, Name
from reconciler.web.dashboard.common import Deciding, Operating, Visitor
from reconciler.web.dashboard.forget_box import ForgetBox, source_forget_box
from reconciler.web.dashboard.forms import Denial, Form, asked, attempt, read_form, stated
from reconciler.web.dashboard.frame import frame_for
from reconciler.web.dashboard.pages.forgetting import boxes_of_tenants, chatbots_of_source
from reconciler.web.dashboard.pages.source_card import Known, Refused, SourcesPage, source_card
from reconciler.web.overview import Overview, overview
from reconciler.web.source_conditions import telling_runs

router = APIRouter(include_in_schema=False)

_WATCH = (ChangeKind.SOURCE, ChangeKind.RUN, ChangeKind.SUSPENSION, ChangeKind.TENANT)

Act = Callable[[Form], Awaitable[str]]
"""Does what a form asks for, and gives the page to go to."""


@router.get("/sources", name="page_source_list")
async def sources(actor: Visitor, engine: TheEngine) -> Response:
    """Every source."""
    return templates.page("sources.html", await _page(engine, actor))


@router.post("/sources/{name}/refresh", name="page_source_refresh")
async def refresh(actor: Operating, engine: TheEngine, name: Name, request: Request) -> Response:
    """Look at a source now, and show the run that does."""

    async def act(_: Form) -> str:
        run = await request_refresh(engine, actor, name, Trigger.MANUAL, full=True)
        return f"/runs/{quote(run.id, safe='')}"

    return await _done(request, engine, actor, name, act)


@router.post("/sources/{name}/accept", name="page_source_accept")
async def accept_revision(actor: Deciding, engine: TheEngine, name: Name, request: Request) -> Response:
    """Trust exactly the revision that was shown."""

    async def act(form: Form) -> str:
        ask = asked(AcceptAsk, stated(form, "revision", "reason"))
        await accept(engine, actor, name, ask.revision, ask.reason)
        return f"/sources#{quote(name, safe='')}"

    return await _done(request, engine, actor, name, act)


async def _done(request: Request, engine: Engine, actor: Actor, name: str, act: Act) -> Response:
    """Do what a form asks for; what is refused is said on the page, with what was typed."""
    form = await read_form(request)
    check_source(engine, actor, name)
    target = await attempt(engine, request, act(form))
    if isinstance(target, Denial):
        refused = Refused(name, str(target), form.get("reason", ""))
        return templates.page("sources.html", await _page(engine, actor, refused), target.status)
    return RedirectResponse(target, 303)


async def _page(engine: Engine, actor: Actor, refused: Refused | None = None) -> SourcesPage:
    seen = await overview(engine, actor.sources)
    known = Known(
        actor=actor,
        now=engine.clock.now(),
        bindings=engine.sources,
        runs=seen.runs,
        told=await telling_runs(engine, seen.sources, seen.runs, actor.sees),
        standing=seen.suspensions,
        stopped=seen.suspended_sources,
        tenants={each.name: each for each in seen.tenants},
        gone=await _gone(engine, actor, seen),
        refused=refused,
    )
    return SourcesPage(
        frame=await frame_for(engine, actor, "sources", _WATCH),
        cards=[source_card(record, known) for record in seen.sources],
        gone_tenants=await boxes_of_tenants(engine, actor),
    )


async def _gone(engine: Engine, actor: Actor, seen: Overview) -> Mapping[str, ForgetBox]:
    """Source → the form that forgets it, for those that the service was started without."""
    names = [record.name for record in seen.sources if record.name not in engine.sources and is_gone(record)]
    return {name: source_forget_box(actor, name, await chatbots_of_source(engine, actor, name)) for name in names}
