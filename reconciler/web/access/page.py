"""The page of tokens and people, with the forms of admins."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from reconciler.domain.access import Role
from reconciler.domain.events import ChangeKind
from reconciler.engine.access.people import bar, sign_out, unbar
from reconciler.engine.access.tokens import NewToken, revoke_token
from reconciler.engine.context import Actor, Engine
from reconciler.errors import Forbidden
from reconciler.web.access.actions import make_token
from reconciler.web.access.page_view import (
    SOME,
    AccessPage,
    RefusedForm,
    TokenState,
    TypedToken,
    person_views,
    token_views,
)
from reconciler.web.access.schemas import BarRequest, TokenRequest
from reconciler.web.auth.audit_policies import Audited
from reconciler.web.auth.dependencies import AdminPage, TheEngine
from reconciler.web.http.problems import Code, Problem
from reconciler.web.http.schemas import MAX_PAGE, Name
from reconciler.web.ui import templates
from reconciler.web.ui.forms import (
    FormAction,
    FormRefusal,
    from_datetime_field,
    parse_form,
    read_form,
    read_lists,
)
from reconciler.web.ui.layout import layout_for

router = APIRouter(include_in_schema=False)

_CREATED = 201

Decide = Callable[[Engine, Actor, str, str], Awaitable[object]]
"""Decides about the person of a name, for a reason."""


@router.get("/tokens", name="page_token_list")
async def tokens(actor: AdminPage, engine: TheEngine, request: Request) -> Response:
    """Tokens, and people who came by a login; it concerns every source."""
    actor.require(Role.ADMIN)
    return await _page(request, engine, actor, watch=(ChangeKind.TOKEN, ChangeKind.PERSON))


@router.post("/tokens", name="page_token_create", dependencies=[Depends(Audited("token.create", "token/{name}"))])
async def create(actor: AdminPage, engine: TheEngine, request: Request) -> Response:
    """Make a token, and show its secret: in the answer, which nobody keeps, and nowhere else."""
    # some fields, and a value for each source
    fields = await read_lists(request, MAX_PAGE + 10)
    typed = TypedToken.of_form(fields)
    new = None
    async with FormAction(engine, request, beyond=(Forbidden,)) as action:
        new = await _made(request, engine, actor, typed)
    if new is None:
        return await _again(request, engine, actor, action.refusal, RefusedForm("new", typed=typed))
    # without events: a reload would take the secret off the page
    return await _page(request, engine, actor, new=new, status=_CREATED)


@router.post(
    "/tokens/{token_id}/revoke",
    name="page_token_revoke",
    dependencies=[Depends(Audited("token.revoke", "token/{token_id}"))],
)
async def revoke(actor: AdminPage, engine: TheEngine, token_id: Name, request: Request) -> Response:
    """Revoke a token."""
    sent = RefusedForm(f"token/{token_id}")
    return await _done(request, engine, actor, revoke_token(engine, actor, token_id), sent)


@router.post(
    "/people/{person}/bar", name="page_person_bar", dependencies=[Depends(Audited("person.bar", "person/{person}"))]
)
async def bar_person(actor: AdminPage, engine: TheEngine, person: Name, request: Request) -> Response:
    """Bar a person."""
    return await _decided(request, engine, actor, person, bar)


@router.post(
    "/people/{person}/unbar",
    name="page_person_unbar",
    dependencies=[Depends(Audited("person.unbar", "person/{person}"))],
)
async def unbar_person(actor: AdminPage, engine: TheEngine, person: Name, request: Request) -> Response:
    """Unbar a person."""
    return await _decided(request, engine, actor, person, unbar)


@router.post(
    "/people/{person}/sign-out",
    name="page_person_sign_out",
    dependencies=[Depends(Audited("person.sign_out", "person/{person}"))],
)
async def sign_out_person(actor: AdminPage, engine: TheEngine, person: Name, request: Request) -> Response:
    """End every session of a person."""
    return await _decided(request, engine, actor, person, sign_out)


async def _made(request: Request, engine: Engine, actor: Actor, typed: TypedToken) -> NewToken:
    return await make_token(engine, actor, _parsed(request, typed))


async def _decided(request: Request, engine: Engine, actor: Actor, person: str, decide: Decide) -> Response:
    """Decide about a person, for the reason that a form gives."""
    form = await read_form(request)

    async def act() -> None:
        reason = form.get("reason", "").strip()
        await decide(engine, actor, person, parse_form(request, BarRequest, {"reason": reason}).reason)

    sent = RefusedForm(f"person/{person}", reason=form.get("reason", ""))
    return await _done(request, engine, actor, act(), sent)


def _parsed(request: Request, typed: TypedToken) -> TokenRequest:
    if typed.reach == SOME and not typed.sources:
        raise Problem(Code.INVALID_REQUEST, "choose the sources that it is good for, or all of them")
    fields: dict[str, Any] = {
        "name": typed.name.strip(),
        "person": typed.person.strip(),
        "role": typed.role,
        "expires_at": from_datetime_field(typed.expires_at),
        "sources": list(typed.sources) if typed.reach == SOME else None,
    }
    return parse_form(request, TokenRequest, fields)


async def _done(request: Request, engine: Engine, actor: Actor, work: Awaitable[object], sent: RefusedForm) -> Response:
    """Do it and go back to the list; or say there why not."""
    async with FormAction(engine, request, beyond=(Forbidden,)) as action:
        await work
        return RedirectResponse("/tokens#people" if sent.about.startswith("person/") else "/tokens", 303)
    return await _again(request, engine, actor, action.refusal, sent)


async def _again(request: Request, engine: Engine, actor: Actor, refusal: FormRefusal, sent: RefusedForm) -> Response:
    """The page again, with the problem and what was typed."""
    # a mistake in a form does not show the page to people who may not see it
    actor.require(Role.ADMIN)
    refused = replace(sent, problem=refusal.detail)
    return await _page(request, engine, actor, refused, status=refusal.status)


async def _page(
    request: Request,
    engine: Engine,
    actor: Actor,
    refused: RefusedForm | None = None,
    *,
    new: NewToken | None = None,
    status: int = 200,
    watch: Sequence[ChangeKind] = (),
) -> Response:
    queries = engine.store.queries
    views = token_views(await queries.tokens(), engine.clock.now(), actor.token_id)
    page = AccessPage(
        frame=await layout_for(engine, actor, "tokens", watch),
        standing=[view for view in views if view.state is TokenState.STANDS],
        ended=[view for view in views if view.state is not TokenState.STANDS],
        people=person_views(await queries.people(), engine.grants),
        sources=sorted(engine.sources),
        login=request.app.state.identity is not None,
        attempt=refused or RefusedForm(),
        new=new,
    )
    return templates.page("access/tokens.html", page, status)
