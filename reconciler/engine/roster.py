"""Calling the roll: which chatbots there are at WizChat, what they are called, and which nobody manages."""

from dataclasses import replace

from reconciler.domain.records import Chatbot
from reconciler.domain.status import EXPLANATIONS, Reason
from reconciler.engine.context import Engine, TenantBinding
from reconciler.engine.standings import Surroundings, save_chatbot
from reconciler.ports import LiveChatbot, Target, UnitOfWork


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
    async with engine.store.begin() as uow:
        uow.history.because(cause)
        given = await Surroundings.read(uow)
        known = {chatbot.id: chatbot for chatbot in await uow.chatbots.of_tenant(tenant.name)}
        if not _all_read(engine, given, tenant.name):
            live = [line for line in live if line.id in known]
        for line in live:
            await _meet(uow, given, tenant.name, known.get(line.id), line)
        for chatbot in known.values():
            if chatbot.fault is Reason.UNMANAGED and chatbot.id not in named:
                await uow.chatbots.remove(chatbot)
    return named


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
            reason=Reason.UNMANAGED,
            message=EXPLANATIONS[Reason.UNMANAGED],
            live_updated_at=line.updated_at,
        )
        await uow.chatbots.add(unmanaged)
    elif chatbot.name is None or (chatbot.source is None and chatbot.name != line.name):
        await save_chatbot(uow, given, replace(chatbot, name=line.name, live_updated_at=line.updated_at))
