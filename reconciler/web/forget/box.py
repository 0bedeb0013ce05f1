"""The form that forgets a source, tenant or chatbot, for the pages of these."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from reconciler.domain.access import Role
from reconciler.domain.entities import Chatbot
from reconciler.engine.context import Actor, Engine
from reconciler.web.ui.paths import chatbot_path


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetBox:
    """One thing that is gone, what goes with it, and whether a person may have it forgotten.

    Attributes:
        action: Where the form is sent.
        title: What people call it, such as ``the source main``.
        goes: What goes, in words.
        refusal: Why the person may not, or None.
        reason: What is in the field of that name.
        problem: Why what was just sent was refused, or None.
    """

    action: str
    title: str
    goes: Sequence[str] = ()
    refusal: str | None = None
    reason: str = ""
    problem: str | None = None


def source_forget_box(actor: Actor, name: str, chatbots: Sequence[Chatbot]) -> ForgetBox:
    """The form for a source that left the settings, with its chatbots."""
    goes = ["its documents and its suspensions"]
    if plans := _plans(chatbots):
        goes.append(plans)
    if chatbots:
        goes.append(
            f"its hold on {_counted(chatbots, 'chatbot')}: WizChat's next list shows the live ones as Unmanaged, and "
            "the others go"
        )
    return ForgetBox(
        action=f"/sources/{quote(name, safe='')}/forget",
        title=f"the source {name}",
        goes=goes,
        refusal=actor.refusal(Role.ADMIN),
    )


def tenant_forget_box(actor: Actor, name: str, chatbots: Sequence[Chatbot], sources: Sequence[str]) -> ForgetBox:
    """The form for a tenant that left the settings, with its chatbots and sources."""
    goes = [f"{_counted(chatbots, 'chatbot')}, and what both sides last agreed on", "its suspensions"]
    if plans := _plans(chatbots):
        goes.append(plans)
    if sources:
        goes.append(f"the {'source' if len(sources) == 1 else 'sources'} {', '.join(sources)}")
    return ForgetBox(
        action=f"/tenants/{quote(name, safe='')}/forget",
        title=f"the tenant {name}",
        goes=goes,
        refusal=actor.refusal(Role.ADMIN),
    )


def chatbot_forget_box(actor: Actor, tenant: str, chatbot_id: str) -> ForgetBox:
    """The form for a chatbot that no document states; WizChat is asked whether it has it when the form is sent."""
    return ForgetBox(
        action=f"{chatbot_path(tenant, chatbot_id)}/forget",
        title=f"the chatbot {chatbot_id}",
        goes=["what is known of it here, its open plan, and what both sides last agreed on"],
        refusal=actor.refusal(Role.ADMIN),
    )


def _plans(chatbots: Sequence[Chatbot]) -> str | None:
    planned = [chatbot for chatbot in chatbots if chatbot.plan_id is not None]
    return f"{_counted(planned, 'open plan')}, as stale" if planned else None


def _counted(things: Sequence[object], noun: str) -> str:
    return f"{len(things)} {noun}" if len(things) == 1 else f"{len(things)} {noun}s"


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
        names = {tenant.name for tenant in await uow.tenants.all()} | {
            source.tenant for source in await uow.sources.all()
        }
    return [await box_of_tenant(engine, actor, name) for name in sorted(names - engine.tenants.keys())]


async def box_of_tenant(engine: Engine, actor: Actor, name: str) -> ForgetBox:
    """The form for one tenant, with what goes for who may forget it."""
    if actor.refusal(Role.ADMIN) is not None:
        return tenant_forget_box(actor, name, (), ())
    async with engine.store.read() as uow:
        sources = [source.name for source in await uow.sources.all() if source.tenant == name]
        return tenant_forget_box(actor, name, await uow.chatbots.of_tenant(name), sources)
