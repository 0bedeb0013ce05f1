"""Calling the roll: which chatbots there are at WizChat, what they are called, and which nobody manages."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from reconciler.domain.records import Chatbot
from reconciler.domain.status import Reason
from reconciler.engine.context import Engine, TenantBinding
from reconciler.engine.standings import Surroundings, save_chatbot, stated
from reconciler.ports import LiveChatbot, Target, UnitOfWork

T = TypeVar("T")

AT_ONCE: Final = 200
"""Chatbots that are written down in one transaction."""


async def call_the_roll(engine: Engine, tenant: TenantBinding, target: Target, cause: str) -> frozenset[str]:
    """List a tenant's chatbots: names for those whose document states none, and the unmanaged ones.

    While a source of the tenant has never been read, nobody can tell which chatbots are unmanaged.

    Args:
        engine: The ports.
        tenant: Whose chatbots.
        target: Its side of WizChat, for whoever makes the call.
        cause: What calls, for the history.

    Returns:
        The ids of every chatbot that the list names.

    Raises:
        TargetError: When the list cannot be read.
    """
    live = await target.chatbots()
    named = frozenset(line.id for line in live)
    async with engine.store.read() as uow:
        gone = [chatbot.id for chatbot in await uow.chatbots.of_tenant(tenant.name) if _is_gone(chatbot, named)]
    for some in _parts(live):
        async with engine.store.begin() as uow:
            uow.history.because(cause)
            await _meet_some(engine, uow, tenant.name, some)
    for ids in _parts(gone):
        async with engine.store.begin() as uow:
            uow.history.because(cause)
            for chatbot in (await uow.chatbots.some(tenant.name, ids)).values():
                if _is_gone(chatbot, named):
                    await uow.chatbots.remove(chatbot)
    return named


def _is_gone(chatbot: Chatbot, named: Collection[str]) -> bool:
    return chatbot.fault is Reason.UNMANAGED and chatbot.id not in named


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    # a list may be long, and nobody can decide anything while it is written down
    return (items[begin : begin + AT_ONCE] for begin in range(0, len(items), AT_ONCE))


async def _meet_some(engine: Engine, uow: UnitOfWork, tenant: str, live: Sequence[LiveChatbot]) -> None:
    given = await Surroundings.read(uow)
    known = await uow.chatbots.some(tenant, [line.id for line in live])
    all_read = _all_read(engine, given, tenant)
    for line in live:
        if all_read or line.id in known:
            await _meet(uow, given, tenant, known.get(line.id), line)


def _all_read(engine: Engine, given: Surroundings, tenant: str) -> bool:
    mine = [given.sources.get(source.name) for source in engine.sources.values() if source.tenant == tenant]
    return all(record is not None and record.good_revision is not None for record in mine)


async def _meet(uow: UnitOfWork, given: Surroundings, tenant: str, chatbot: Chatbot | None, line: LiveChatbot) -> None:
    if chatbot is None:
        unmanaged = Chatbot(
            tenant=tenant,
            id=line.id,
            name=line.name,
            fault=Reason.UNMANAGED,
            live_updated_at=line.updated_at,
        )
        await uow.chatbots.add(await stated(uow, given, unmanaged))
    elif chatbot.name is None or (chatbot.source is None and chatbot.name != line.name):
        await save_chatbot(uow, given, replace(chatbot, name=line.name, live_updated_at=line.updated_at))
