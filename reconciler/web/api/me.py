"""Oneself."""

from fastapi import APIRouter, Request

from reconciler.web.access_shapes import MeShape, me_shape
from reconciler.web.api.common import API, NOT_MODIFIED, TheEngine, Viewer, refusals
from reconciler.web.credentials import Caller

router = APIRouter(prefix=API, tags=["Access"])


@router.get("/me", name="me", summary="Who asks, and what they may do", responses=NOT_MODIFIED | refusals())
async def me(engine: TheEngine, actor: Viewer, request: Request) -> MeShape:  # noqa: ARG001  it is the rule
    """The name that approvals carry, the role for each source, and when the credential ends."""
    caller: Caller = request.state.caller
    return me_shape(caller, sorted(engine.sources))
