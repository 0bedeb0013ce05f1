"""Tokens and people: the list, and what admins do about them."""

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from reconciler.domain.records import Role
from reconciler.engine.context import Actor, Engine
from reconciler.engine.people import bar, sign_out, unbar
from reconciler.engine.tokens import NewToken, revoke_token
from reconciler.errors import Forbidden
from reconciler.ports import ChangeKind
from reconciler.web import templates
from reconciler.web.admitting import make_token
from reconciler.web.api.common import TheEngine
from reconciler.web.asks import MOST, BarAsk, Name, TokenAsk
from reconciler.web.dashboard.common import Administering
from reconciler.web.dashboard.forms import Denial, Form, asked, attempt, from_field, read_form, read_lists
from reconciler.web.dashboard.frame import frame_for
from reconciler.web.dashboard.pages.access_page import (
    SOME,
    AccessPage,
    Attempt,
    TokenState,
    TypedToken,
    person_views,
    token_views,
)
from reconciler.web.problems import Code, Problem

router = APIRouter(include_in_schema=False)

_CREATED = 201


@router.get("/tokens", name="page_token_list")
async def tokens(actor: Administering, engine: TheEngine, request: Request) -> Response:
    """Tokens, and people who came by a login; it concerns every source."""
    actor.require(Role.ADMIN)
    return await _page(request, engine, actor, watch=(ChangeKind.TOKEN, ChangeKind.PERSON))


@router.post("/tokens", name="page_token_create")
async def create(actor: Administering, engine: TheEngine, request: Request) -> Response:
    """Make a token, and show its secret: in the answer, which nobody keeps, and nowhere else."""
    # some fields, and a value for each source
    fields = await read_lists(request, MOST + 10)
    typed = TypedToken.of_form(fields)
    new = await attempt(engine, request, _made(request, engine, actor, typed), beyond=(Forbidden,))
    if isinstance(new, Denial):
        return await _again(request, engine, actor, new, Attempt("new", typed=typed))
    # without events: what came next would take the secret off the page
    return await _page(request, engine, actor, new=new, status=_CREATED)


@router.post("/tokens/{token_id}/revoke", name="page_token_revoke")
async def revoke(actor: Administering, engine: TheEngine, token_id: Name, request: Request) -> Response:
    """Revoke a token."""
    about = Attempt(f"token/{token_id}")
    return await _done(request, engine, actor, revoke_token(engine, actor, token_id), about)


@router.post("/people/{person}/bar", name="page_person_bar")
async def bar_person(actor: Administering, engine: TheEngine, person: Name, request: Request) -> Response:
    """Keep a person out."""
    form = await read_form(request)
    return await _done(request, engine, actor, _bar(engine, actor, person, form), _about(person, form))


@router.post("/people/{person}/unbar", name="page_person_unbar")
async def unbar_person(actor: Administering, engine: TheEngine, person: Name, request: Request) -> Response:
    """Let a person in again."""
    form = await read_form(request)
    return await _done(request, engine, actor, _unbar(engine, actor, person, form), _about(person, form))


@router.post("/people/{person}/sign-out", name="page_person_sign_out")
async def sign_out_person(actor: Administering, engine: TheEngine, person: Name, request: Request) -> Response:
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
    return asked(BarAsk, {"reason": form.get("reason", "").strip()}).reason


def _about(person: str, form: Form) -> Attempt:
    return Attempt(f"person/{person}", reason=form.get("reason", ""))


def _ask(typed: TypedToken) -> TokenAsk:
    if typed.reach == SOME and not typed.sources:
        raise Problem(Code.INVALID_REQUEST, "choose the sources that it is good for, or all of them")
    fields: dict[str, Any] = {
        "name": typed.name.strip(),
        "person": typed.person.strip(),
        "role": typed.role,
        "expires_at": from_field(typed.expires_at),
        "sources": list(typed.sources) if typed.reach == SOME else None,
    }
    return asked(TokenAsk, fields)


async def _done(request: Request, engine: Engine, actor: Actor, work: Awaitable[object], about: Attempt) -> Response:
    """Do it and go back to the list; or say there why not."""
    done = await attempt(engine, request, work, beyond=(Forbidden,))
    if isinstance(done, Denial):
        return await _again(request, engine, actor, done, about)
    return RedirectResponse("/tokens#people" if about.about.startswith("person/") else "/tokens", 303)


async def _again(request: Request, engine: Engine, actor: Actor, denial: Denial, about: Attempt) -> Response:
    """The page again, with the problem and what was typed."""
    # whoever may not see the page does not see it by a mistake in a form either
    actor.require(Role.ADMIN)
    said = replace(about, problem=denial.detail)
    return await _page(request, engine, actor, said, status=denial.status)


async def _page(
    request: Request,
    engine: Engine,
    actor: Actor,
    attempt: Attempt | None = None,
    *,
    new: NewToken | None = None,
    status: int = 200,
    watch: Sequence[ChangeKind] = (),
) -> Response:
    queries = engine.store.queries
    views = token_views(await queries.tokens(), engine.clock.now(), actor.token_id)
    shown = AccessPage(
        frame=await frame_for(engine, actor, "tokens", watch),
        standing=[each for each in views if each.state is TokenState.STANDS],
        ended=[each for each in views if each.state is not TokenState.STANDS],
        people=person_views(await queries.people(), engine.grants),
        sources=sorted(engine.sources),
        login=request.app.state.identity is not None,
        attempt=attempt or Attempt(),
        new=new,
    )
    return templates.page("tokens.html", shown, status)
