"""What the forms that suspend and resume are sent to."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from reconciler.engine.context import Actor, Engine
from reconciler.errors import Conflict, Forbidden, NotFound
from reconciler.web import stopping, templates
from reconciler.web.api.common import TheEngine
from reconciler.web.asks import ResumeAsk, SuspendAsk
from reconciler.web.dashboard.common import Operating
from reconciler.web.dashboard.forms import asked, read_form
from reconciler.web.dashboard.frame import Frame, frame_for
from reconciler.web.dashboard.suspend_box import SuspendBox, from_field
from reconciler.web.errors import refusal
from reconciler.web.login.pages import own_page
from reconciler.web.overview import standing_suspensions
from reconciler.web.problems import Problem

router = APIRouter(include_in_schema=False)

Form = dict[str, str]


@dataclass(frozen=True, slots=True)
class SuspendPage:
    """A form that was refused, with what was typed into it.

    Attributes:
        title: What was to be done.
    """

    frame: Frame
    title: str
    box: SuspendBox


@router.post("/suspend", name="page_suspend")
async def suspend(actor: Operating, engine: TheEngine, request: Request) -> Response:
    """Stop the applies of a scope."""

    async def act(form: Form) -> None:
        fields = {**_only(form, "scope", "reason"), "until": from_field(form.get("until", ""))}
        await stopping.suspend(request, engine, actor, asked(SuspendAsk, fields))

    return await _done(request, engine, actor, "Suspend", act)


@router.post("/resume", name="page_resume")
async def resume(actor: Operating, engine: TheEngine, request: Request) -> Response:
    """Let the applies of a scope go on."""

    async def act(form: Form) -> None:
        await stopping.resume(request, engine, actor, asked(ResumeAsk, _only(form, "scope")))

    return await _done(request, engine, actor, "Resume", act)


def _only(form: Form, *names: str) -> Form:
    return {name: form[name] for name in names if form.get(name, "").strip()}


async def _done(
    request: Request, engine: Engine, actor: Actor, title: str, act: Callable[[Form], Awaitable[None]]
) -> Response:
    """Do what a form asks for, and go back to its page; what is refused is said, with what was typed."""
    form = await read_form(request)
    try:
        await act(form)
    except (Conflict, Forbidden, NotFound, Problem) as error:
        body = await refusal(engine, request, error)
    else:
        return RedirectResponse(own_page(form.get("back", "/")), 303)
    problem = f"{body['title']}: {body['detail']}"
    page = SuspendPage(await frame_for(engine, actor), title, await _box(engine, actor, form, problem))
    return templates.page("suspend.html", page, body["status"])


async def _box(engine: Engine, actor: Actor, form: Form, problem: str) -> SuspendBox:
    scope = form.get("scope", "")
    standing = await standing_suspensions(engine, actor.sources)
    return SuspendBox(
        scope=scope,
        what=scope or "nothing",
        back=own_page(form.get("back", "/")),
        standing=next((each for each in standing if each.scope == scope), None),
        reason=form.get("reason", ""),
        until=form.get("until", ""),
        problem=problem,
    )
