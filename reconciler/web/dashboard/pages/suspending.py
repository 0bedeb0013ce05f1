"""What the forms that suspend and resume are sent to."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from reconciler.engine.context import Actor, Engine
from reconciler.web import stopping, templates
from reconciler.web.api.common import TheEngine
from reconciler.web.asks import ResumeAsk, SuspendAsk
from reconciler.web.dashboard.common import Operating
from reconciler.web.dashboard.forms import Form, asked, attempt, from_field, read_form, stated
from reconciler.web.dashboard.frame import Frame, frame_for
from reconciler.web.dashboard.suspend_box import SuspendBox
from reconciler.web.login.pages import own_page
from reconciler.web.overview import standing_suspensions

router = APIRouter(include_in_schema=False)


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
        fields = {**stated(form, "scope", "reason"), "until": from_field(form.get("until", ""))}
        await stopping.suspend(request, engine, actor, asked(SuspendAsk, fields))

    return await _done(request, engine, actor, "Suspend", act)


@router.post("/resume", name="page_resume")
async def resume(actor: Operating, engine: TheEngine, request: Request) -> Response:
    """Let the applies of a scope go on."""

    async def act(form: Form) -> None:
        await stopping.resume(request, engine, actor, asked(ResumeAsk, stated(form, "scope")))

    return await _done(request, engine, actor, "Resume", act)


async def _done(
    request: Request, engine: Engine, actor: Actor, title: str, act: Callable[[Form], Awaitable[None]]
) -> Response:
    """Do what a form asks for, and go back to its page; what is refused is said, with what was typed."""
    form = await read_form(request)
    denial = await attempt(engine, request, act(form))
    if denial is None:
        return RedirectResponse(own_page(form.get("back", "/")), 303)
    page = SuspendPage(await frame_for(engine, actor), title, await _box(engine, actor, form, str(denial)))
    return templates.page("suspend.html", page, denial.status)


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
