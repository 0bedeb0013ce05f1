"""The pages of runs."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from reconciler.domain.events import ChangeKind
from reconciler.errors import NotKept
from reconciler.web.auth.dependencies import TheEngine, ViewerPage
from reconciler.web.auth.visibility import all_sources
from reconciler.web.http.schemas import Name
from reconciler.web.runs.page_view import RunsPage, read_texts, run_page, run_row
from reconciler.web.runs.schemas import RunFilterQuery
from reconciler.web.ui import templates
from reconciler.web.ui.forms import FormQuery
from reconciler.web.ui.layout import layout_for

_EACH = 50

router = APIRouter(include_in_schema=False)


class RunPageQuery(RunFilterQuery, FormQuery):
    """Which runs the page lists."""


@router.get("/runs", name="page_run_list")
async def runs(actor: ViewerPage, engine: TheEngine, query: Annotated[RunPageQuery, Query()]) -> Response:
    """Runs, newest first: of one source, or of all that the person may see."""
    try:
        part = await engine.store.queries.runs(query.sources(actor), limit=_EACH, cursor=query.cursor)
    except ValueError:
        return RedirectResponse("/runs", 303)
    now = engine.clock.now()
    shown = RunsPage(
        frame=await layout_for(engine, actor, "runs", (ChangeKind.RUN,)),
        rows=[run_row(item, engine.sources.get(item.source), now) for item in part.items],
        sources=[item.name for item, _ in await all_sources(engine, actor.sources)],
        source=query.source,
        next_page=query.address("/runs", cursor=part.next_cursor) if part.next_cursor else None,
    )
    return templates.page("runs/runs.html", shown)


@router.get("/runs/{run_id}", name="page_run_get")
async def run(actor: ViewerPage, engine: TheEngine, run_id: Name, request: Request) -> Response:
    """One run, with what it found in the documents and the lines that this is about."""
    record = await engine.store.queries.run(run_id)
    if record is None or not actor.sees(record.source):
        raise NotKept("run", run_id)
    shown = record.seen_by(actor.sees)
    binding = engine.sources.get(record.source)
    texts = await read_texts(shown, binding)
    frame = await layout_for(engine, actor, "runs", (ChangeKind.RUN,))
    now = engine.clock.now()
    return await templates.long_page(request, "runs/run.html", lambda _: run_page(frame, shown, binding, texts, now))
