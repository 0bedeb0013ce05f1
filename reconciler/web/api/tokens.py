"""Bearer tokens, for admins."""

from fastapi import APIRouter, Request, status

from reconciler.domain.records import Role
from reconciler.engine.tokens import revoke_token
from reconciler.web.access_shapes import NewTokenShape, TokenShape, new_token_shape, token_shape
from reconciler.web.admitting import make_token
from reconciler.web.api.common import API, NOT_MODIFIED, Admin, TheEngine, refusals
from reconciler.web.asks import Name, TokenAsk
from reconciler.web.problems import Code
from reconciler.web.shapes import ListShape

router = APIRouter(prefix=API, tags=["Access"])


@router.get("/tokens", name="token_list", summary="Every token", responses=NOT_MODIFIED | refusals(Code.FORBIDDEN))
async def token_list(engine: TheEngine, actor: Admin) -> ListShape[TokenShape]:
    """Revoked and expired ones too, newest first, and never a secret: `next_cursor` is always null."""
    actor.require(Role.ADMIN)
    now = engine.clock.now()
    return ListShape(items=[token_shape(each, now) for each in await engine.store.queries.tokens()], next_cursor=None)


@router.post(
    "/tokens",
    name="token_create",
    summary="Make a token",
    status_code=status.HTTP_201_CREATED,
    responses=refusals(Code.FORBIDDEN, Code.TOKEN_NAME_TAKEN, Code.INVALID_REQUEST, Code.BODY_TOO_LARGE),
)
async def token_create(engine: TheEngine, actor: Admin, ask: TokenAsk, request: Request) -> NewTokenShape:
    """The answer holds the secret, which cannot be read again."""
    new = await make_token(request, engine, actor, ask)
    return new_token_shape(new.token, new.secret, engine.clock.now())


@router.post(
    "/tokens/{token_id}/revoke",
    name="token_revoke",
    summary="Revoke a token",
    responses=refusals(Code.FORBIDDEN, Code.NOT_FOUND, Code.CONCURRENT_CHANGE, Code.INVALID_REQUEST),
)
async def token_revoke(engine: TheEngine, actor: Admin, token_id: Name) -> TokenShape:
    """It is refused from then on, and its approvals no longer stand. The same again answers with what stands."""
    return token_shape(await revoke_token(engine, actor, token_id), engine.clock.now())
