"""The API of tokens and people, for admins, and `GET /me`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, status

from reconciler.domain.access import Person, Role
from reconciler.engine.access.people import bar, unbar
from reconciler.engine.access.tokens import revoke_token
from reconciler.engine.context import Engine
from reconciler.web.access.actions import make_token
from reconciler.web.access.schemas import (
    BarRequest,
    MeResponse,
    NewTokenResponse,
    PersonResponse,
    TokenRequest,
    TokenResponse,
)
from reconciler.web.auth.audit_policies import Audited, kept_body
from reconciler.web.auth.credentials import Caller
from reconciler.web.auth.dependencies import Admin, TheEngine, Viewer
from reconciler.web.http.problems import Code
from reconciler.web.http.responses import API, NOT_MODIFIED, refusals, whole_list
from reconciler.web.http.schemas import ListResponse, Name

router = APIRouter(prefix=API, tags=["Access"])

_REFUSALS = refusals(Code.FORBIDDEN, Code.NOT_FOUND, Code.CONCURRENT_CHANGE, Code.INVALID_REQUEST, Code.BODY_TOO_LARGE)


@router.get("/me", name="me", summary="Who asks, and what they may do", responses=NOT_MODIFIED | refusals())
async def me(engine: TheEngine, actor: Viewer, request: Request) -> MeResponse:  # noqa: ARG001  it is the rule
    """The name that approvals carry, the role for each source, and when the credential ends."""
    caller: Caller = request.state.caller
    return MeResponse.of_caller(caller, sorted(engine.sources))


@router.get(
    "/people",
    name="person_list",
    summary="Everybody who came by a login, by name",
    responses=NOT_MODIFIED | refusals(Code.FORBIDDEN),
)
async def person_list(engine: TheEngine, actor: Admin) -> ListResponse[PersonResponse]:
    """With what the grants give them now: `next_cursor` is always null."""
    actor.require(Role.ADMIN)
    return whole_list(_response(engine, person) for person in await engine.store.queries.people())


@router.post(
    "/people/{person}/bar",
    name="person_bar",
    summary="Keep a person out",
    responses=_REFUSALS,
    dependencies=[Depends(Audited("person.bar", "person/{person}"))],
)
async def person_bar(engine: TheEngine, actor: Admin, person: Name, body: BarRequest) -> PersonResponse:
    """Their sessions end, and their tokens and approvals no longer stand. The same again answers with what stands."""
    return _response(engine, await bar(engine, actor, person, body.reason))


@router.post(
    "/people/{person}/unbar",
    name="person_unbar",
    summary="Let a person in again",
    responses=_REFUSALS,
    dependencies=[Depends(Audited("person.unbar", "person/{person}"))],
)
async def person_unbar(engine: TheEngine, actor: Admin, person: Name, body: BarRequest) -> PersonResponse:
    """They sign in anew. The same again answers with what stands."""
    return _response(engine, await unbar(engine, actor, person, body.reason))


def _response(engine: Engine, person: Person) -> PersonResponse:
    return PersonResponse.of(person, rights=engine.grants.rights(person.groups))


@router.get("/tokens", name="token_list", summary="Every token", responses=NOT_MODIFIED | refusals(Code.FORBIDDEN))
async def token_list(engine: TheEngine, actor: Admin) -> ListResponse[TokenResponse]:
    """Revoked and expired ones too, newest first, and never a secret: `next_cursor` is always null."""
    actor.require(Role.ADMIN)
    now = engine.clock.now()
    return whole_list(TokenResponse.of_token(token, now) for token in await engine.store.queries.tokens())


@router.post(
    "/tokens",
    name="token_create",
    dependencies=[Depends(Audited("token.create", "token/{name}"))],
    summary="Make a token",
    status_code=status.HTTP_201_CREATED,
    responses=refusals(Code.FORBIDDEN, Code.TOKEN_NAME_TAKEN, Code.INVALID_REQUEST, Code.BODY_TOO_LARGE),
)
async def token_create(
    engine: TheEngine, actor: Admin, body: Annotated[TokenRequest, Depends(kept_body(TokenRequest))]
) -> NewTokenResponse:
    """The answer holds the secret, which cannot be read again."""
    new = await make_token(engine, actor, body)
    return NewTokenResponse.of_token(new.token, engine.clock.now(), secret=new.secret)


@router.post(
    "/tokens/{token_id}/revoke",
    name="token_revoke",
    dependencies=[Depends(Audited("token.revoke", "token/{token_id}"))],
    summary="Revoke a token",
    responses=refusals(Code.FORBIDDEN, Code.NOT_FOUND, Code.CONCURRENT_CHANGE, Code.INVALID_REQUEST),
)
async def token_revoke(engine: TheEngine, actor: Admin, token_id: Name) -> TokenResponse:
    """It is refused from then on, and its approvals no longer stand. The same again answers with what stands."""
    return TokenResponse.of_token(await revoke_token(engine, actor, token_id), engine.clock.now())
