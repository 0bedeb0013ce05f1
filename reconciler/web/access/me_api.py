"""Oneself."""

from fastapi import APIRouter, Request

from reconciler.web.access.schemas import MeResponse, me_response
from reconciler.web.auth.credentials import Caller
from reconciler.web.auth.dependencies import TheEngine, Viewer
from reconciler.web.http.responses import API, NOT_MODIFIED, refusals

router = APIRouter(prefix=API, tags=["Access"])


@router.get("/me", name="me", summary="Who asks, and what they may do", responses=NOT_MODIFIED | refusals())
async def me(engine: TheEngine, actor: Viewer, request: Request) -> MeResponse:  # noqa: ARG001  it is the rule
    """The name that approvals carry, the role for each source, and when the credential ends."""
    caller: Caller = request.state.caller
    return me_response(caller, sorted(engine.sources))
