"""Sources and their runs."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from reconciler.domain.records import Trigger
from reconciler.domain.suspensions import shown_source, suspended_sources
from reconciler.engine.accept import accept
from reconciler.engine.context import Actor, Engine
from reconciler.engine.refresh import request_refresh
from reconciler.errors import NotFound, NotKept
from reconciler.web import views
from reconciler.web.api.common import (
    API,
    NOT_MODIFIED,
    Approver,
    Operator,
    TheEngine,
    Viewer,
    check_source,
    checked,
    listed,
    refusals,
)
from reconciler.web.asks import AcceptAsk, Name, RunQuery
from reconciler.web.overview import all_sources, newest_runs, standing_suspensions
from reconciler.web.problems import Code
from reconciler.web.shapes import AcceptedShape, ListShape, RunShape, SourceShape
from reconciler.web.source_conditions import telling_runs

router = APIRouter(prefix=API, tags=["Sources"])


@router.get(
    "/sources",
    name="source_list",
    summary="Every source, by name",
    responses=NOT_MODIFIED | refusals(),
)
async def source_list(engine: TheEngine, actor: Viewer) -> ListShape[SourceShape]:
    """All of them at once: `next_cursor` is always null."""
    return ListShape(items=await _shown(engine, actor), next_cursor=None)


@router.get(
    "/sources/{name}",
    name="source_get",
    summary="One source",
    responses=NOT_MODIFIED | refusals(Code.NOT_FOUND, Code.INVALID_REQUEST),
)
async def source_get(engine: TheEngine, actor: Viewer, name: Name) -> SourceShape:
    """The source as it was last seen."""
    for shown in await _shown(engine, actor, name):
        return shown
    raise NotFound(f"there is no source {name!r}")


async def _shown(engine: Engine, actor: Actor, name: str | None = None) -> list[SourceShape]:
    """The sources that somebody may see, or the one of a name, with what is found in their documents."""
    found = [each for each in await all_sources(engine, actor.sources) if name in {None, each[0].name}]
    records = [record for record, _ in found]
    newest = await newest_runs(engine, records)
    told = await telling_runs(engine, records, newest, actor.sees)
    return [views.source(record, stop, told.get(record.name)) for record, stop in found]


@router.post(
    "/sources/{name}/refresh",
    name="source_refresh",
    summary="Look at a source now",
    status_code=status.HTTP_202_ACCEPTED,
    responses=refusals(Code.FORBIDDEN, Code.NOT_FOUND, Code.INVALID_REQUEST),
)
async def source_refresh(engine: TheEngine, actor: Operator, name: Name) -> RunShape:
    """Dry-run every document, also at an unchanged commit. Asked for during a run, it gets one shared follow-up run."""
    check_source(engine, actor, name)
    return views.run(await request_refresh(engine, actor, name, Trigger.MANUAL, full=True))


@router.post(
    "/sources/{name}/accept",
    name="source_accept",
    summary="Trust a revision that is not trusted by itself",
    responses=refusals(
        Code.FORBIDDEN, Code.NOT_FOUND, Code.REVISION_NOT_SEEN, Code.NOTHING_TO_ACCEPT, Code.SOURCE_UNKNOWN,
        Code.CONCURRENT_CHANGE, Code.INVALID_REQUEST, Code.BODY_TOO_LARGE,
    ),
)  # fmt: skip
async def source_accept(engine: TheEngine, actor: Approver, name: Name, ask: AcceptAsk) -> AcceptedShape:
    """It becomes the last good revision at once, and later ones are judged against it.

    `orphaned` lists the chatbots whose document is gone at that revision: nothing is done to them at WizChat.
    """
    check_source(engine, actor, name)
    done = await accept(engine, actor, name, ask.revision, ask.reason)
    stop = suspended_sources([done.source], await standing_suspensions(engine)).get(name)
    told = await telling_runs(engine, [done.source], await newest_runs(engine, [done.source]), actor.sees)
    return views.accepted(shown_source(done.source, stop), stop, told.get(name), done.orphaned)


@router.get(
    "/runs",
    name="run_list",
    summary="Runs, newest first",
    responses=NOT_MODIFIED | refusals(Code.INVALID_CURSOR, Code.INVALID_REQUEST),
)
async def run_list(engine: TheEngine, actor: Viewer, query: Annotated[RunQuery, Query()]) -> ListShape[RunShape]:
    """Of one source, or of all that the token may see."""
    wanted = actor.sources
    if query.source is not None:
        wanted = (query.source,) if actor.sees(query.source) else ()
    found = engine.store.queries.runs(wanted, limit=query.limit, cursor=query.cursor)
    return listed(await checked(found), lambda run: views.run(run.seen_by(actor.sees)))


@router.get(
    "/runs/{run_id}",
    name="run_get",
    summary="One run",
    responses=NOT_MODIFIED | refusals(Code.NOT_FOUND, Code.INVALID_REQUEST),
)
async def run_get(engine: TheEngine, actor: Viewer, run_id: Name) -> RunShape:
    """One pass over a source, with what it found in the documents."""
    run = await engine.store.queries.run(run_id)
    if run is None or not actor.sees(run.source):
        raise NotKept("run", run_id)
    return views.run(run.seen_by(actor.sees))
