"""Tokens and people: the list, and what admins do about them."""

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from reconciler.domain.entities import Role
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
from reconciler.web.auth.dependencies import AdminPage, TheEngine
from reconciler.web.http.problems import Code, Problem
from reconciler.web.http.schemas import MAX_PAGE, Name
from reconciler.web.ui import templates
from reconciler.web.ui.forms import (
    Form,
    FormRefusal,
    from_datetime_field,
    parse_form,
    read_form,
    read_lists,
    run_form_action,
)
from reconciler.web.ui.layout import layout_for

router = APIRouter(include_in_schema=False)

_CREATED = 201


@router.get("/tokens", name="page_token_list")
async def tokens(actor: AdminPage, engine: TheEngine, request: Request) -> Response:
    """Tokens, and people who came by a login; it concerns every source."""
    actor.require(Role.ADMIN)
    return await _page(request, engine, actor, watch=(ChangeKind.TOKEN, ChangeKind.PERSON))


@router.post("/tokens", name="page_token_create")
async def create(actor: AdminPage, engine: TheEngine, request: Request) -> Response:
    """Make a token, and show its secret: in the answer, which nobody keeps, and nowhere else."""
    # some fields, and a value for each source
    fields = await read_lists(request, MAX_PAGE + 10)
    typed = TypedToken.of_form(fields)
    new = await run_form_action(engine, request, _made(request, engine, actor, typed), beyond=(Forbidden,))
    if isinstance(new, FormRefusal):
        return await _again(request, engine, actor, new, RefusedForm("new", typed=typed))
    # without events: what came next would take the secret off the page
    return await _page(request, engine, actor, new=new, status=_CREATED)


@router.post("/tokens/{token_id}/revoke", name="page_token_revoke")
async def revoke(actor: AdminPage, engine: TheEngine, token_id: Name, request: Request) -> Response:
    """Revoke a token."""
    about = RefusedForm(f"token/{token_id}")
    return await _done(request, engine, actor, revoke_token(engine, actor, token_id), about)


@router.post("/people/{person}/bar", name="page_person_bar")
async def bar_person(actor: AdminPage, engine: TheEngine, person: Name, request: Request) -> Response:
    """Keep a person out."""
    form = await read_form(request)
    return await _done(request, engine, actor, _bar(engine, actor, person, form), _about(person, form))


@router.post("/people/{person}/unbar", name="page_person_unbar")
async def unbar_person(actor: AdminPage, engine: TheEngine, person: Name, request: Request) -> Response:
    """Let a person in again."""
    form = await read_form(request)
    return await _done(request, engine, actor, _unbar(engine, actor, person, form), _about(person, form))


@router.post("/people/{person}/sign-out", name="page_person_sign_out")
async def sign_out_person(actor: AdminPage, engine: TheEngine, person: Name, request: Request) -> Response:
    """End every session of a person."""
    form = await read_form(request)
    return await _done(request, engine, actor, _sign_out(engine, actor, person, form), _about(person, form))


async def _made(request: Request, engine: Engine, actor: Actor, typed: TypedToken) -> NewToken:
    return await make_token(request, engine, actor, _ask(typed))


async def _bar(engine: Engine, actor: Actor, person: str, form: Form) -> None:
    await bar(engine, actor, person, _reason(form))


async def _unbar(engine: Engine, actor: Actor, person: str, form: Form) -> None:
    await unbar(engine, actor, person, _reason(form))


async def _sign_out(engine: Engine, actor: Actor, person: str, form: Form) -> None:
    await sign_out(engine, actor, person, _reason(form))


def _reason(form: Form) -> str:
    return parse_form(BarRequest, {"reason": form.get("reason", "").strip()}).reason


def _about(person: str, form: Form) -> RefusedForm:
    return RefusedForm(f"person/{person}", reason=form.get("reason", ""))


def _ask(typed: TypedToken) -> TokenRequest:
    if typed.reach == SOME and not typed.sources:
        raise Problem(Code.INVALID_REQUEST, "choose the sources that it is good for, or all of them")
    fields: dict[str, Any] = {
        "name": typed.name.strip(),
        "person": typed.person.strip(),
        "role": typed.role,
        "expires_at": from_datetime_field(typed.expires_at),
        "sources": list(typed.sources) if typed.reach == SOME else None,
    }
    return parse_form(TokenRequest, fields)


async def _done(
    request: Request, engine: Engine, actor: Actor, work: Awaitable[object], about: RefusedForm
) -> Response:
    """Do it and go back to the list; or say there why not."""
    done = await run_form_action(engine, request, work, beyond=(Forbidden,))
    if isinstance(done, FormRefusal):
        return await _again(request, engine, actor, done, about)
    return RedirectResponse("/tokens#people" if about.about.startswith("person/") else "/tokens", 303)


async def _again(request: Request, engine: Engine, actor: Actor, denial: FormRefusal, about: RefusedForm) -> Response:
    """The page again, with the problem and what was typed."""
    # whoever may not see the page does not see it by a mistake in a form either
    actor.require(Role.ADMIN)
    said = replace(about, problem=denial.detail)
    return await _page(request, engine, actor, said, status=denial.status)


async def _page(
    request: Request,
    engine: Engine,
    actor: Actor,
    attempt: RefusedForm | None = None,
    *,
    new: NewToken | None = None,
    status: int = 200,
    watch: Sequence[ChangeKind] = (),
) -> Response:
    queries = engine.store.queries
    views = token_views(await queries.tokens(), engine.clock.now(), actor.token_id)
    shown = AccessPage(
        frame=await layout_for(engine, actor, "tokens", watch),
        standing=[view for view in views if view.state is TokenState.STANDS],
        ended=[view for view in views if view.state is not TokenState.STANDS],
        people=person_views(await queries.people(), engine.grants),
        sources=sorted(engine.sources),
        login=request.app.state.identity is not None,
        attempt=attempt or RefusedForm(),
        new=new,
    )
    return templates.page("access/tokens.html", shown, status)
