"""The API of runs."""

from typing import Annotated

from fastapi import APIRouter, Query

from reconciler.errors import NotKept
from reconciler.web.auth.dependencies import TheEngine, Viewer
from reconciler.web.http.problems import Code
from reconciler.web.http.responses import API, NOT_MODIFIED, checked, listed, refusals
from reconciler.web.http.schemas import ListResponse, Name
from reconciler.web.runs.schemas import RunQuery, RunResponse

router = APIRouter(prefix=API, tags=["Sources"])


@router.get(
    "/runs",
    name="run_list",
    summary="Runs, newest first",
    responses=NOT_MODIFIED | refusals(Code.INVALID_CURSOR, Code.INVALID_REQUEST),
)
async def run_list(engine: TheEngine, actor: Viewer, query: Annotated[RunQuery, Query()]) -> ListResponse[RunResponse]:
    """Of one source, or of all that the token may see."""
    page = engine.store.queries.runs(query.sources(actor), limit=query.limit, cursor=query.cursor)
    return listed(await checked(page), lambda run: RunResponse.model_validate(run.seen_by(actor.sees)))


@router.get(
    "/runs/{run_id}",
    name="run_get",
    summary="One run",
    responses=NOT_MODIFIED | refusals(Code.NOT_FOUND, Code.INVALID_REQUEST),
)
async def run_get(engine: TheEngine, actor: Viewer, run_id: Name) -> RunResponse:
    """One pass over a source, with what it found in the documents."""
    run = await engine.store.queries.run(run_id)
    if run is None or not actor.sees(run.source):
        raise NotKept("run", run_id)
    return RunResponse.model_validate(run.seen_by(actor.sees))
