"""Bearer tokens, for admins."""

from fastapi import APIRouter, Request, status

from reconciler.domain.entities import Role
from reconciler.engine.access.tokens import revoke_token
from reconciler.web.access.actions import make_token
from reconciler.web.access.schemas import (
    NewTokenResponse,
    TokenRequest,
    TokenResponse,
    new_token_response,
    token_response,
)
from reconciler.web.auth.dependencies import Admin, TheEngine
from reconciler.web.http.problems import Code
from reconciler.web.http.responses import API, NOT_MODIFIED, refusals
from reconciler.web.http.schemas import ListResponse, Name

router = APIRouter(prefix=API, tags=["Access"])


@router.get("/tokens", name="token_list", summary="Every token", responses=NOT_MODIFIED | refusals(Code.FORBIDDEN))
async def token_list(engine: TheEngine, actor: Admin) -> ListResponse[TokenResponse]:
    """Revoked and expired ones too, newest first, and never a secret: `next_cursor` is always null."""
    actor.require(Role.ADMIN)
    now = engine.clock.now()
    return ListResponse(
        items=[token_response(token, now) for token in await engine.store.queries.tokens()], next_cursor=None
    )


@router.post(
    "/tokens",
    name="token_create",
    summary="Make a token",
    status_code=status.HTTP_201_CREATED,
    responses=refusals(Code.FORBIDDEN, Code.TOKEN_NAME_TAKEN, Code.INVALID_REQUEST, Code.BODY_TOO_LARGE),
)
async def token_create(engine: TheEngine, actor: Admin, body: TokenRequest, request: Request) -> NewTokenResponse:
    """The answer holds the secret, which cannot be read again."""
    new = await make_token(request, engine, actor, body)
    return new_token_response(new.token, new.secret, engine.clock.now())


@router.post(
    "/tokens/{token_id}/revoke",
    name="token_revoke",
    summary="Revoke a token",
    responses=refusals(Code.FORBIDDEN, Code.NOT_FOUND, Code.CONCURRENT_CHANGE, Code.INVALID_REQUEST),
)
async def token_revoke(engine: TheEngine, actor: Admin, token_id: Name) -> TokenResponse:
    """It is refused from then on, and its approvals no longer stand. The same again answers with what stands."""
    return token_response(await revoke_token(engine, actor, token_id), engine.clock.now())
