"""The pages that forget sources, tenants and chatbots that are gone."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from reconciler.domain.access import Role
from reconciler.engine.context import Actor, Engine
from reconciler.engine.forget import Forgotten, forget_chatbot, forget_source, forget_tenant
from reconciler.web.auth.audit_policies import Audited
from reconciler.web.auth.dependencies import AdminPage, TheEngine
from reconciler.web.forget.box import (
    ForgetBox,
    box_of_tenant,
    chatbot_forget_box,
    chatbots_of_source,
    source_forget_box,
)
from reconciler.web.forget.schemas import ForgetRequest
from reconciler.web.http.problems import Code, Problem
from reconciler.web.http.schemas import Name
from reconciler.web.ui import templates
from reconciler.web.ui.forms import FormAction, fields_named, parse_form, read_form
from reconciler.web.ui.layout import Layout, layout_for

router = APIRouter(include_in_schema=False)

Forget = Callable[[str], Awaitable[Forgotten]]
"""Forgets it, for a reason."""


@dataclass(frozen=True, slots=True)
class ForgetPage:
    """A form that was refused, with what was typed into it.

    Attributes:
        back: The page to go back to.
    """

    frame: Layout
    box: ForgetBox
    back: str


@router.post(
    "/sources/{name}/forget",
    name="page_source_forget",
    dependencies=[Depends(Audited("source.forget", "source/{name}"))],
)
async def source_forget(actor: AdminPage, engine: TheEngine, name: Name, request: Request) -> Response:
    """Forget a source that left the settings."""

    async def box() -> ForgetBox:
        return source_forget_box(actor, name, await chatbots_of_source(engine, actor, name))

    return await _done(
        request, engine, actor, lambda reason: forget_source(engine, actor, name, reason), box, "/sources"
    )


@router.post(
    "/tenants/{name}/forget",
    name="page_tenant_forget",
    dependencies=[Depends(Audited("tenant.forget", "tenant/{name}"))],
)
async def tenant_forget(actor: AdminPage, engine: TheEngine, name: Name, request: Request) -> Response:
    """Forget a tenant that left the settings."""

    async def box() -> ForgetBox:
        return await box_of_tenant(engine, actor, name)

    return await _done(
        request, engine, actor, lambda reason: forget_tenant(engine, actor, name, reason), box, "/sources"
    )


@router.post(
    "/chatbots/{tenant}/{chatbot_id}/forget",
    name="page_chatbot_forget",
    dependencies=[Depends(Audited("chatbot.forget", "chatbot/{chatbot_id}"))],
)
async def chatbot_forget(
    actor: AdminPage, engine: TheEngine, tenant: Name, chatbot_id: Name, request: Request
) -> Response:
    """Forget a chatbot that no document states and WizChat, which is asked, does not have."""

    async def box() -> ForgetBox:
        return chatbot_forget_box(actor, tenant, chatbot_id)

    return await _done(
        request, engine, actor, lambda reason: forget_chatbot(engine, actor, tenant, chatbot_id, reason), box, "/"
    )


async def _done(
    request: Request,
    engine: Engine,
    actor: Actor,
    forget: Forget,
    box: Callable[[], Awaitable[ForgetBox]],
    back: str,
) -> Response:
    """Forget what a form names, or show the form again with the refusal and what was typed."""
    form = await read_form(request)
    async with FormAction(engine, request) as action:
        actor.require(Role.ADMIN)  # before the form is read: only people who may forget it may learn whether it exists
        if form.get("confirm") != "yes":
            raise Problem(Code.INVALID_REQUEST, "check the box that says what goes")
        await forget(parse_form(request, ForgetRequest, fields_named(form, "reason")).reason)
        return RedirectResponse(back, 303)
    refused = replace(await box(), problem=str(action.refusal), reason=form.get("reason", ""))
    page = ForgetPage(await layout_for(engine, actor, "sources", ()), refused, back)
    return templates.page("forget/forget.html", page, action.refusal.status)
