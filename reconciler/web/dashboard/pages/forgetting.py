"""What the forms that forget what is gone for good are sent to."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from reconciler.domain.records import Chatbot, Role
from reconciler.engine.context import Actor, Engine
from reconciler.engine.forgetting import Forgotten, forget_chatbot, forget_source, forget_tenant
from reconciler.web import templates
from reconciler.web.api.common import TheEngine
from reconciler.web.asks import ForgetAsk, Name
from reconciler.web.dashboard.common import Administering
from reconciler.web.dashboard.forget_box import (
    ForgetBox,
    chatbot_forget_box,
    source_forget_box,
    tenant_forget_box,
)
from reconciler.web.dashboard.forms import Denial, asked, attempt, read_form, stated
from reconciler.web.dashboard.frame import Frame, frame_for
from reconciler.web.problems import Code, Problem

router = APIRouter(include_in_schema=False)

Forget = Callable[[str], Awaitable[Forgotten]]
"""Forgets it, for a reason."""


@dataclass(frozen=True, slots=True)
class ForgetPage:
    """A form that was refused, with what was typed into it.

    Attributes:
        back: The page to go back to.
    """

    frame: Frame
    box: ForgetBox
    back: str


@router.post("/sources/{name}/forget", name="page_source_forget")
async def source_forget(actor: Administering, engine: TheEngine, name: Name, request: Request) -> Response:
    """Forget a source that left the settings."""

    async def box() -> ForgetBox:
        return source_forget_box(actor, name, await chatbots_of_source(engine, actor, name))

    return await _done(request, engine, actor, lambda why: forget_source(engine, actor, name, why), box, "/sources")


@router.post("/tenants/{name}/forget", name="page_tenant_forget")
async def tenant_forget(actor: Administering, engine: TheEngine, name: Name, request: Request) -> Response:
    """Forget a tenant that left the settings."""

    async def box() -> ForgetBox:
        return await box_of_tenant(engine, actor, name)

    return await _done(request, engine, actor, lambda why: forget_tenant(engine, actor, name, why), box, "/sources")


@router.post("/chatbots/{tenant}/{chatbot_id}/forget", name="page_chatbot_forget")
async def chatbot_forget(
    actor: Administering, engine: TheEngine, tenant: Name, chatbot_id: Name, request: Request
) -> Response:
    """Forget a chatbot that no document states and WizChat, which is asked, does not have."""

    async def box() -> ForgetBox:
        return chatbot_forget_box(actor, tenant, chatbot_id)

    return await _done(
        request, engine, actor, lambda why: forget_chatbot(engine, actor, tenant, chatbot_id, why), box, "/"
    )


async def _done(
    request: Request,
    engine: Engine,
    actor: Actor,
    forget: Forget,
    box: Callable[[], Awaitable[ForgetBox]],
    back: str,
) -> Response:
    """Forget what a form asks for; what is refused is said, with what was typed."""
    form = await read_form(request)

    async def act() -> Forgotten:
        actor.require(Role.ADMIN)  # before the form is read: whether it is there is told only to who may forget it
        if form.get("confirm") != "yes":
            raise Problem(Code.INVALID_REQUEST, "check the box that says what goes")
        return await forget(asked(ForgetAsk, stated(form, "reason")).reason)

    done = await attempt(engine, request, act())
    if not isinstance(done, Denial):
        return RedirectResponse(back, 303)
    refused = replace(await box(), problem=str(done), reason=form.get("reason", ""))
    page = ForgetPage(await frame_for(engine, actor, "sources", ()), refused, back)
    return templates.page("forget.html", page, done.status)


async def chatbots_of_source(engine: Engine, actor: Actor, name: str) -> Sequence[Chatbot]:
    """The chatbots that a source had; none for somebody who may not forget it."""
    if actor.refusal(Role.ADMIN) is not None:
        return ()
    async with engine.store.read() as uow:
        return await uow.chatbots.of_source(name)


async def boxes_of_tenants(engine: Engine, actor: Actor) -> Sequence[ForgetBox]:
    """The forms for the tenants that left the settings, for who may forget them."""
    if actor.refusal(Role.ADMIN) is not None:
        return ()
    async with engine.store.read() as uow:
        known = {each.name for each in await uow.tenants.all()} | {each.tenant for each in await uow.sources.all()}
    return [await box_of_tenant(engine, actor, name) for name in sorted(known - engine.tenants.keys())]


async def box_of_tenant(engine: Engine, actor: Actor, name: str) -> ForgetBox:
    """The form for one tenant, with what goes for who may forget it."""
    if actor.refusal(Role.ADMIN) is not None:
        return tenant_forget_box(actor, name, (), ())
    async with engine.store.read() as uow:
        sources = [each.name for each in await uow.sources.all() if each.tenant == name]
        return tenant_forget_box(actor, name, await uow.chatbots.of_tenant(name), sources)
