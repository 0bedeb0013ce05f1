"""The emergency stop."""

from fastapi import APIRouter, Request

from reconciler.web import stopping, views
from reconciler.web.api.common import API, NOT_MODIFIED, Operator, TheEngine, Viewer, refusals
from reconciler.web.asks import ResumeAsk, SuspendAsk
from reconciler.web.overview import standing_suspensions
from reconciler.web.problems import Code
from reconciler.web.shapes import ListShape, SuspensionShape

router = APIRouter(prefix=API, tags=["Suspensions"])

_REFUSALS = refusals(Code.FORBIDDEN, Code.NOT_FOUND, Code.CONCURRENT_CHANGE, Code.INVALID_REQUEST, Code.BODY_TOO_LARGE)


@router.get(
    "/suspensions",
    name="suspension_list",
    summary="What is suspended now",
    responses=NOT_MODIFIED | refusals(),
)
async def suspension_list(engine: TheEngine, actor: Viewer) -> ListShape[SuspensionShape]:
    """All of them at once, newest first: `next_cursor` is always null. A limited token sees what stops its sources."""
    shown = [views.suspension(each) for each in await standing_suspensions(engine, actor.sources)]
    return ListShape(items=shown, next_cursor=None)


@router.post("/suspend", name="suspend", summary="Stop applies", responses=_REFUSALS)
async def suspend(engine: TheEngine, actor: Operator, ask: SuspendAsk, request: Request) -> SuspensionShape:
    """Approved and automatic ones too; dry runs go on. The same again answers with what already stands."""
    return views.suspension(await stopping.suspend(request, engine, actor, ask))


@router.post("/resume", name="resume", summary="Let applies go on", responses=_REFUSALS)
async def resume(engine: TheEngine, actor: Operator, ask: ResumeAsk, request: Request) -> SuspensionShape | None:
    """Answers with the suspension that ended, or null when there was none."""
    ended = await stopping.resume(request, engine, actor, ask)
    return views.suspension(ended) if ended else None
