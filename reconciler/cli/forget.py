"""`reconciler source`, `tenant` and `chatbot`: list them, and forget what is gone for good."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from reconciler.cli import output
from reconciler.cli.administration import administering, administration
from reconciler.domain.entities import Chatbot, SourceRecord
from reconciler.domain.escaping import escaped
from reconciler.domain.suspensions import ScopeKind, shown_source, suspended_sources
from reconciler.errors import Conflict, NotFound

if TYPE_CHECKING:
    from reconciler.engine.context import Actor, Engine
    from reconciler.engine.forget import Forgotten
    from reconciler.storage import UnitOfWork

sources = typer.Typer(no_args_is_help=True)
tenants = typer.Typer(no_args_is_help=True)
chatbots = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="As the settings called it.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The chatbot's id.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why, for the audit log.")]
OfTenant = Annotated[
    str | None, typer.Option("--tenant", metavar="NAME", help="Its tenant, when several have a chatbot of this id.")
]
R = TypeVar("R")
Forget = Callable[["Engine", "Actor"], Awaitable["Forgotten"]]


@sources.command(name="list")
def list_sources() -> None:
    """List the sources that are known; those that the service last started without can be forgotten."""
    lines, warnings = asyncio.run(_sources())
    output.show("".join(lines))
    for warning in warnings:
        output.warn(warning)


@sources.command(name="forget")
def forget_a_source(name: Name, reason: Reason) -> None:
    """Forget a source that left the settings: its chatbots become unmanaged, nothing is done at WizChat."""
    from reconciler.engine.forget import forget_source  # noqa: PLC0415  loads the database, which other commands do without

    _forget("source.forget", f"source/{name}", lambda engine, actor: forget_source(engine, actor, name, reason))


@tenants.command(name="list")
def list_tenants() -> None:
    """List the tenants of which chatbots are known; those that the settings do not name can be forgotten."""
    output.show("".join(asyncio.run(_read(_tenant_lines))))


@tenants.command(name="forget")
def forget_a_tenant(name: Name, reason: Reason) -> None:
    """Forget a tenant that left the settings, with its chatbots and sources; nothing is done at WizChat."""
    from reconciler.engine.forget import forget_tenant  # noqa: PLC0415  loads the database, which other commands do without

    _forget("tenant.forget", f"tenant/{name}", lambda engine, actor: forget_tenant(engine, actor, name, reason))


@chatbots.command(name="list")
def list_chatbots() -> None:
    """List the chatbots that no document states: those that WizChat does not have either can be forgotten."""
    output.show("".join(map(_chatbot_line, asyncio.run(_read(_unstated)))))


@chatbots.command(name="forget")
def forget_a_chatbot(chatbot_id: Id, reason: Reason, tenant: OfTenant = None) -> None:
    """Forget a chatbot that no document states and that WizChat, which is asked, does not have."""
    from reconciler.engine.forget import forget_chatbot  # noqa: PLC0415  loads the database, which other commands do without

    async def forget(engine: "Engine", actor: "Actor") -> "Forgotten":
        return await forget_chatbot(engine, actor, await _tenant_of(engine, chatbot_id, tenant), chatbot_id, reason)

    _forget("chatbot.forget", f"chatbot/{chatbot_id}", forget)


def _forget(action: str, subject: str, forget: Forget) -> None:
    async def run() -> "Forgotten":
        async with administering(action, subject) as (engine, actor):
            return await forget(engine, actor)

    forgotten = asyncio.run(run())
    count = len(forgotten.chatbots)
    suffix = f", with {count} {'chatbot' if count == 1 else 'chatbots'}" if action != "chatbot.forget" else ""
    output.show(f"{escaped(forgotten.subject)} is forgotten{suffix}\n")


async def _read(read: Callable[["Engine", "UnitOfWork"], Awaitable[Sequence[R]]]) -> Sequence[R]:
    async with administration() as (engine, _), engine.store.read() as uow:
        return await read(engine, uow)


async def _sources() -> tuple[Sequence[str], Sequence[str]]:
    """The known sources, and which of those in the settings may claim each other's chatbots."""
    async with administration() as (engine, _), engine.store.read() as uow:
        records, now = await uow.sources.all(), await uow.now()
        suspensions = [suspension for suspension in await uow.suspensions.active() if suspension.is_active(now)]
        suspended = suspended_sources(records, suspensions)
        lines = [_source_line(shown_source(record, suspended.get(record.name))) for record in records]
        return lines, engine.open_claims()


def _source_line(record: SourceRecord) -> str:
    from reconciler.engine.forget import is_gone  # noqa: PLC0415  loads the database, which other commands do without

    cause = f" ({record.cause})" if record.cause else ""
    state = "no longer configured" if is_gone(record) else f"{record.state}{cause}"
    branch = record.branch or "HEAD"
    return f"{escaped(record.name)}  {escaped(record.tenant)}  {escaped(record.url)}  {escaped(branch)}  {state}\n"


async def _tenant_lines(engine: "Engine", uow: "UnitOfWork") -> Sequence[str]:
    counts = Counter(chatbot.tenant for chatbot in await uow.chatbots.in_scope(ScopeKind.ALL, ""))
    names = sorted(counts.keys() | engine.tenants.keys() | {record.tenant for record in await uow.sources.all()})
    return [
        f"{escaped(name)}  {counts[name]} chatbots  {'configured' if name in engine.tenants else 'not configured'}\n"
        for name in names
    ]


async def _unstated(_: "Engine", uow: "UnitOfWork") -> Sequence[Chatbot]:
    from reconciler.engine.forget import is_gone  # noqa: PLC0415  loads the database, which other commands do without

    claimed = {
        (document.tenant, document.chatbot_id)
        for record in await uow.sources.all()
        if not is_gone(record)
        for document in await uow.documents.outlines(record.name)
    }
    return [
        chatbot
        for chatbot in await uow.chatbots.in_scope(ScopeKind.ALL, "")
        if (chatbot.tenant, chatbot.id) not in claimed
    ]


def _chatbot_line(chatbot: Chatbot) -> str:
    return f"{escaped(chatbot.id)}  {escaped(chatbot.tenant)}  {chatbot.reason}  {escaped(chatbot.name or '')}\n"


async def _tenant_of(engine: "Engine", chatbot_id: str, tenant: str | None) -> str:
    tenants = [chatbot.tenant for chatbot in await engine.store.queries.chatbots_with([chatbot_id])]
    matching = [item for item in tenants if tenant in (None, item)]
    if not matching:
        raise NotFound(f"there is no chatbot {chatbot_id!r}: see `reconciler chatbot list`")
    if len(matching) > 1:
        raise Conflict("ambiguous_chatbot", f"several tenants have it: say which with --tenant: {', '.join(matching)}")
    return matching[0]
