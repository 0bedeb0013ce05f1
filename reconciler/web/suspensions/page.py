"""The pages that suspend and resume."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from reconciler.engine.context import Actor, Engine
from reconciler.web.auth.audit_policies import Audited
from reconciler.web.auth.dependencies import OperatorPage, TheEngine
from reconciler.web.auth.visibility import standing_suspensions
from reconciler.web.suspensions import actions
from reconciler.web.suspensions.box import SuspendBox
from reconciler.web.suspensions.schemas import ResumeRequest, SuspendRequest
from reconciler.web.ui import templates
from reconciler.web.ui.forms import Form, FormAction, fields_named, from_datetime_field, parse_form, read_form
from reconciler.web.ui.layout import Layout, layout_for
from reconciler.web.ui.paths import own_page

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class SuspendPage:
    """A form that was refused, with what was typed into it.

    Attributes:
        title: What was to be done.
    """

    frame: Layout
    title: str
    box: SuspendBox


@router.post("/suspend", name="page_suspend", dependencies=[Depends(Audited("suspend", "{scope}"))])
async def suspend(actor: OperatorPage, engine: TheEngine, request: Request) -> Response:
    """Stop the applies of a scope."""

    async def act(form: Form) -> None:
        fields = {**fields_named(form, "scope", "reason"), "until": from_datetime_field(form.get("until", ""))}
        await actions.suspend(engine, actor, parse_form(request, SuspendRequest, fields))

    return await _done(request, engine, actor, "Suspend", act)


@router.post("/resume", name="page_resume", dependencies=[Depends(Audited("resume", "{scope}"))])
async def resume(actor: OperatorPage, engine: TheEngine, request: Request) -> Response:
    """Let the applies of a scope go on."""

    async def act(form: Form) -> None:
        await actions.resume(engine, actor, parse_form(request, ResumeRequest, fields_named(form, "scope")))

    return await _done(request, engine, actor, "Resume", act)


async def _done(
    request: Request, engine: Engine, actor: Actor, title: str, act: Callable[[Form], Awaitable[None]]
) -> Response:
    """Carry out a form and go back to its page, or show the form again with the refusal and what was typed."""
    form = await read_form(request)
    async with FormAction(engine, request) as action:
        await act(form)
        return RedirectResponse(own_page(form.get("back", "/")), 303)
    box = await _box(engine, actor, form, str(action.refusal))
    page = SuspendPage(await layout_for(engine, actor), title, box)
    return templates.page("suspensions/suspend.html", page, action.refusal.status)


async def _box(engine: Engine, actor: Actor, form: Form, problem: str) -> SuspendBox:
    scope = form.get("scope", "")
    standing = await standing_suspensions(engine, actor.sources)
    return SuspendBox(
        scope=scope,
        title=scope or "nothing",
        back=own_page(form.get("back", "/")),
        standing=next((suspension for suspension in standing if suspension.scope == scope), None),
        reason=form.get("reason", ""),
        until=form.get("until", ""),
        problem=problem,
    )
