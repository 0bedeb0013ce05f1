"""The page of sources, with the forms to refresh one and to accept a revision."""

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from reconciler.domain.entities import Trigger
from reconciler.domain.events import ChangeKind
from reconciler.engine.context import Actor, Engine
from reconciler.engine.decide.acceptance import accept_revision
from reconciler.engine.forget import is_gone
from reconciler.engine.reconcile.full_pass import forecast_of_documents
from reconciler.engine.reconcile.run_lifecycle import request_refresh
from reconciler.web.auth.audit_policies import Audited
from reconciler.web.auth.dependencies import ApproverPage, OperatorPage, TheEngine, ViewerPage
from reconciler.web.auth.visibility import check_source
from reconciler.web.fleet.fleet_status import FleetStatus, fleet_status
from reconciler.web.forget.box import ForgetBox, boxes_of_tenants, chatbots_of_source, source_forget_box
from reconciler.web.http.schemas import Name
from reconciler.web.sources.card import RefusedFile, SourceCardData, SourcesPage, source_card
from reconciler.web.sources.schemas import AcceptRequest
from reconciler.web.ui import templates
from reconciler.web.ui.forms import Form, FormAction, fields_named, parse_form, read_form
from reconciler.web.ui.layout import layout_for

router = APIRouter(include_in_schema=False)

_WATCH = (ChangeKind.SOURCE, ChangeKind.RUN, ChangeKind.SUSPENSION, ChangeKind.TENANT)

Act = Callable[[Form], Awaitable[str]]
"""Does what a form asks for, and gives the page to go to."""


@router.get("/sources", name="page_source_list")
async def sources(actor: ViewerPage, engine: TheEngine) -> Response:
    """Every source."""
    return templates.page("sources/sources.html", await _page(engine, actor))


@router.post(
    "/sources/{name}/refresh",
    name="page_source_refresh",
    dependencies=[Depends(Audited("source.refresh", "source/{name}"))],
)
async def refresh(actor: OperatorPage, engine: TheEngine, name: Name, request: Request) -> Response:
    """Look at a source now, and show the run that does."""

    async def act(_: Form) -> str:
        run = await request_refresh(engine, actor, name, Trigger.MANUAL, full=True)
        return f"/runs/{quote(run.id, safe='')}"

    return await _done(request, engine, actor, name, act)


@router.post(
    "/sources/{name}/accept",
    name="page_source_accept",
    dependencies=[Depends(Audited("source.accept", "source/{name}"))],
)
async def accept(actor: ApproverPage, engine: TheEngine, name: Name, request: Request) -> Response:
    """Trust exactly the revision that was shown."""

    async def act(form: Form) -> str:
        body = parse_form(request, AcceptRequest, fields_named(form, "revision", "reason"))
        await accept_revision(engine, actor, name, body.revision, body.reason)
        return f"/sources#{quote(name, safe='')}"

    return await _done(request, engine, actor, name, act)


async def _done(request: Request, engine: Engine, actor: Actor, name: str, act: Act) -> Response:
    """Carry out a form, or show the page again with the refusal and what was typed."""
    form = await read_form(request)
    check_source(engine, actor, name)
    async with FormAction(engine, request) as action:
        return RedirectResponse(await act(form), 303)
    refused = RefusedFile(name, str(action.refusal), form.get("reason", ""))
    return templates.page("sources/sources.html", await _page(engine, actor, refused), action.refusal.status)


async def _page(engine: Engine, actor: Actor, refused: RefusedFile | None = None) -> SourcesPage:
    fleet = await fleet_status(engine, actor.sources)
    data = SourceCardData(
        actor=actor,
        now=engine.clock.now(),
        bindings=engine.sources,
        runs=fleet.runs,
        finding_runs=fleet.finding_runs,
        standing=fleet.suspensions,
        stopped=fleet.suspended_sources,
        tenants={tenant.name: tenant for tenant in fleet.tenants},
        checks=fleet.checks,
        gone=await _gone(engine, actor, fleet),
        refused=refused,
        full_passes={
            source.name: forecast_of_documents(fleet.budgets[source.tenant], [fleet.documents.get(source.name, 0)])
            for source in fleet.sources
            if source.name in engine.sources
        },
    )
    return SourcesPage(
        frame=await layout_for(engine, actor, "sources", _WATCH),
        cards=[source_card(record, data) for record in fleet.sources],
        gone_tenants=await boxes_of_tenants(engine, actor),
    )


async def _gone(engine: Engine, actor: Actor, fleet: FleetStatus) -> Mapping[str, ForgetBox]:
    """Source → the form that forgets it, for those that the service was started without."""
    names = [record.name for record in fleet.sources if record.name not in engine.sources and is_gone(record)]
    return {name: source_forget_box(actor, name, await chatbots_of_source(engine, actor, name)) for name in names}
