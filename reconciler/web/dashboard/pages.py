"""The pages: sign in, the fleet, one plan."""

import asyncio
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import RedirectResponse, Response

from reconciler.domain.lifecycle import OPEN
from reconciler.engine.context import Actor
from reconciler.ports import ChatbotFilter, PlanFilter
from reconciler.web import templates
from reconciler.web.api.common import TheEngine, TheSettings, name_of
from reconciler.web.asks import Name
from reconciler.web.asks import Query as AskedQuery
from reconciler.web.auth import Gate
from reconciler.web.dashboard.forms import read_form, refuse_other_sites
from reconciler.web.dashboard.plan_page import plan_page
from reconciler.web.dashboard.visits import SECONDS, Visits
from reconciler.web.overview import overview
from reconciler.web.problems import Problem
from reconciler.web.settings import WebSettings

STATIC = Path(__file__).parent / "static"
_OWN_PAGE = re.compile(r"/(plans/[\w.-]+)?")
_SHOWN = 100

router = APIRouter(include_in_schema=False)


class FleetQuery(AskedQuery):
    """What the fleet page shows."""

    q: str = Field(default="", max_length=200)
    cursor: str | None = Field(default=None, max_length=1000)


@router.get("/", name="page_fleet")
async def fleet(request: Request, engine: TheEngine, query: Annotated[FleetQuery, Query()]) -> Response:
    """Chatbots and open plans."""
    actor = await visitor(request)
    if actor is None:
        return _to_sign_in(request)
    queries = engine.store.queries
    wanted = ChatbotFilter(q=query.q or None, visible=actor.sources)
    try:
        chatbots = await queries.chatbots(wanted, limit=_SHOWN, cursor=query.cursor)
    except ValueError:
        return RedirectResponse("/", 303)
    plans = await queries.plans(PlanFilter(status=OPEN, visible=actor.sources), limit=_SHOWN, cursor=None)
    return templates.page(
        "fleet.html",
        actor=actor,
        seen=await overview(engine, actor.sources),
        chatbots=chatbots,
        plans=plans,
        q=query.q,
        next_page=f"/?cursor={quote(chatbots.next_cursor)}&q={quote(query.q)}" if chatbots.next_cursor else None,
    )


@router.get("/plans/{plan_id}", name="page_plan")
async def plan(request: Request, engine: TheEngine, settings: TheSettings, plan_id: Name) -> Response:
    """One plan: what is lost first, then every op, then how to decide."""
    actor = await visitor(request)
    if actor is None:
        return _to_sign_in(request)
    record = await engine.store.queries.plan(plan_id)
    if record is None or not actor.sees(record.source):
        return templates.page("missing.html", 404, actor=actor, what=f"There is no plan {plan_id}.")
    approvals = (await engine.store.queries.approvals_of([record.id])).get(record.id, ())
    name = await name_of(engine, record)

    def render() -> Response:
        return templates.page("plan.html", actor=actor, shown=plan_page(record, approvals, name, settings.public_url))

    # comparing long prompts takes a while: not on the event loop
    return await asyncio.to_thread(render)


@router.get("/login", name="page_login")
async def login_form(next: str = "/") -> Response:  # noqa: A002  the parameter's name in the URL
    """The form that takes a token."""
    return templates.page("login.html", problem=None, next=_own_page(next))


@router.post("/login", name="page_sign_in")
async def login(request: Request, settings: TheSettings) -> Response:
    """Take a token, and give a cookie that stands for it."""
    refuse_other_sites(request, settings)
    form = await read_form(request)
    gate: Gate = request.app.state.gate
    target = _own_page(form.get("next", "/"))
    token = await gate.tokens.find(form.get("token", "").strip().encode())
    if token is None:
        refusal: Problem = gate.failure(request.scope, presented=True)
        return templates.page("login.html", refusal.status_code, problem=refusal.detail, next=target)
    answer = RedirectResponse(target, 303)
    answer.set_cookie(
        cookie_name(settings),
        _visits(request).begin(token),
        max_age=SECONDS,
        path="/",
        secure=settings.secure,
        httponly=True,
        samesite="strict",
    )
    return answer


@router.post("/logout", name="page_sign_out")
async def logout(request: Request, settings: TheSettings) -> Response:
    """Forget the visit."""
    refuse_other_sites(request, settings)
    name = cookie_name(settings)
    _visits(request).end(request.cookies.get(name, ""))
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(name, path="/", secure=settings.secure, httponly=True, samesite="strict")
    return answer


async def visitor(request: Request) -> Actor | None:
    """Who is signed in; nobody once their token was revoked or expired."""
    gate: Gate = request.app.state.gate
    settings: WebSettings = request.app.state.settings
    kept = _visits(request).token(request.cookies.get(cookie_name(settings), ""))
    token = await gate.tokens.still(kept) if kept else None
    return gate.actor(token, request.scope) if token else None


def cookie_name(settings: WebSettings) -> str:
    """The cookie's name; over https one that browsers bind to this very host."""
    return "__Host-reconciler" if settings.secure else "reconciler"


def _visits(request: Request) -> Visits:
    visits: Visits = request.app.state.visits
    return visits


def _to_sign_in(request: Request) -> Response:
    return RedirectResponse(f"/login?next={quote(_own_page(request.url.path))}", 303)


def _own_page(path: str) -> str:
    """Where to go after signing in: never to another site."""
    return path if _OWN_PAGE.fullmatch(path) else "/"
