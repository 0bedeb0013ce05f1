"""The API of suspensions."""

from typing import Annotated

from fastapi import APIRouter, Depends

from reconciler.web.auth.audit_policies import Audited, kept_body
from reconciler.web.auth.dependencies import Operator, TheEngine, Viewer
from reconciler.web.auth.visibility import standing_suspensions
from reconciler.web.http.problems import Code
from reconciler.web.http.responses import API, NOT_MODIFIED, refusals, whole_list
from reconciler.web.http.schemas import ListResponse
from reconciler.web.suspensions import actions
from reconciler.web.suspensions.schemas import ResumeRequest, SuspendRequest, SuspensionResponse

router = APIRouter(prefix=API, tags=["Suspensions"])

_REFUSALS = refusals(Code.FORBIDDEN, Code.NOT_FOUND, Code.CONCURRENT_CHANGE, Code.INVALID_REQUEST, Code.BODY_TOO_LARGE)


@router.get(
    "/suspensions",
    name="suspension_list",
    summary="What is suspended now",
    responses=NOT_MODIFIED | refusals(),
)
async def suspension_list(engine: TheEngine, actor: Viewer) -> ListResponse[SuspensionResponse]:
    """All of them at once, newest first: `next_cursor` is always null. A limited token sees what stops its sources."""
    suspensions = await standing_suspensions(engine, actor.sources)
    return whole_list(SuspensionResponse.model_validate(suspension) for suspension in suspensions)


@router.post(
    "/suspend",
    name="suspend",
    summary="Stop applies",
    responses=_REFUSALS,
    dependencies=[Depends(Audited("suspend", "{scope}"))],
)
async def suspend(
    engine: TheEngine, actor: Operator, body: Annotated[SuspendRequest, Depends(kept_body(SuspendRequest))]
) -> SuspensionResponse:
    """Approved and automatic ones too; dry runs go on. The same again answers with what already stands."""
    return SuspensionResponse.model_validate(await actions.suspend(engine, actor, body))


@router.post(
    "/resume",
    name="resume",
    summary="Let applies go on",
    responses=_REFUSALS,
    dependencies=[Depends(Audited("resume", "{scope}"))],
)
async def resume(
    engine: TheEngine, actor: Operator, body: Annotated[ResumeRequest, Depends(kept_body(ResumeRequest))]
) -> SuspensionResponse | None:
    """Answers with the suspension that ended, or null when there was none."""
    ended = await actions.resume(engine, actor, body)
    return SuspensionResponse.model_validate(ended) if ended else None
