"""The API of sources."""

from fastapi import APIRouter, Depends, status

from reconciler.domain.entities import Trigger
from reconciler.domain.suspensions import shown_source, suspended_sources
from reconciler.engine.context import Actor, Engine
from reconciler.engine.decide.acceptance import accept_revision
from reconciler.engine.reconcile.full_pass import forecast_full_pass
from reconciler.engine.reconcile.run_lifecycle import request_refresh
from reconciler.errors import NotFound
from reconciler.web.auth.audit_policies import Audited
from reconciler.web.auth.dependencies import Approver, Operator, TheEngine, Viewer
from reconciler.web.auth.visibility import all_sources, check_source, standing_suspensions
from reconciler.web.fleet.fleet_status import newest_runs, visible_budget
from reconciler.web.http.problems import Code
from reconciler.web.http.responses import API, NOT_MODIFIED, refusals, whole_list
from reconciler.web.http.schemas import ListResponse, Name
from reconciler.web.sources.conditions import runs_with_findings
from reconciler.web.sources.schemas import (
    AcceptedResponse,
    AcceptRequest,
    PassForecastResponse,
    RefreshResponse,
    SourceResponse,
)

router = APIRouter(prefix=API, tags=["Sources"])


@router.get(
    "/sources",
    name="source_list",
    summary="Every source, by name",
    responses=NOT_MODIFIED | refusals(),
)
async def source_list(engine: TheEngine, actor: Viewer) -> ListResponse[SourceResponse]:
    """All of them at once: `next_cursor` is always null."""
    return whole_list(await _responses(engine, actor))


@router.get(
    "/sources/{name}",
    name="source_get",
    summary="One source",
    responses=NOT_MODIFIED | refusals(Code.NOT_FOUND, Code.INVALID_REQUEST),
)
async def source_get(engine: TheEngine, actor: Viewer, name: Name) -> SourceResponse:
    """The source as it was last seen."""
    for source in await _responses(engine, actor, name):
        return source
    raise NotFound(f"there is no source {name!r}")


async def _responses(engine: Engine, actor: Actor, name: str | None = None) -> list[SourceResponse]:
    """The sources that somebody may see, or the one of a name, with what is found in their documents."""
    found = [source for source in await all_sources(engine, actor.sources) if name in {None, source[0].name}]
    records = [record for record, _ in found]
    newest = await newest_runs(engine, records)
    runs = await runs_with_findings(engine, records, newest, actor.sees)
    checks = await engine.store.queries.checks([record.name for record in records])
    return [
        SourceResponse.of_source(record, stop, runs.get(record.name), checks.get(record.name)) for record, stop in found
    ]


@router.post(
    "/sources/{name}/refresh",
    name="source_refresh",
    dependencies=[Depends(Audited("source.refresh", "source/{name}"))],
    summary="Look at a source now",
    status_code=status.HTTP_202_ACCEPTED,
    responses=refusals(Code.FORBIDDEN, Code.NOT_FOUND, Code.INVALID_REQUEST),
)
async def source_refresh(engine: TheEngine, actor: Operator, name: Name) -> RefreshResponse:
    """Dry-run every document, also at an unchanged commit. Asked for during a run, it gets one shared follow-up run."""
    check_source(engine, actor, name)
    run = await request_refresh(engine, actor, name, Trigger.MANUAL, full=True)
    budget = visible_budget(engine, actor.sources, engine.sources[name].tenant)
    full_pass = await forecast_full_pass(engine, budget, [name])
    return RefreshResponse.of(run, full_pass=PassForecastResponse.of_forecast(full_pass))


@router.post(
    "/sources/{name}/accept",
    name="source_accept",
    dependencies=[Depends(Audited("source.accept", "source/{name}"))],
    summary="Trust a revision that is not trusted by itself",
    responses=refusals(
        Code.FORBIDDEN, Code.NOT_FOUND, Code.REVISION_NOT_SEEN, Code.NOTHING_TO_ACCEPT, Code.SOURCE_UNKNOWN,
        Code.CONCURRENT_CHANGE, Code.INVALID_REQUEST, Code.BODY_TOO_LARGE,
    ),
)  # fmt: skip
async def source_accept(engine: TheEngine, actor: Approver, name: Name, body: AcceptRequest) -> AcceptedResponse:
    """It becomes the last good revision at once, and later ones are judged against it.

    `orphaned` lists the chatbots whose document is gone at that revision: nothing is done to them at WizChat.
    """
    check_source(engine, actor, name)
    done = await accept_revision(engine, actor, name, body.revision, body.reason)
    stop = suspended_sources([done.source], await standing_suspensions(engine)).get(name)
    runs = await runs_with_findings(engine, [done.source], await newest_runs(engine, [done.source]), actor.sees)
    checks = await engine.store.queries.checks([name])
    return AcceptedResponse.of_source(
        shown_source(done.source, stop), stop, runs.get(name), checks.get(name), orphaned=done.orphaned
    )
