"""Reads WizChat's list of chatbots, and records names, unmanaged chatbots, and those that are gone."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from reconciler.domain.entities import Chatbot
from reconciler.domain.status import Reason
from reconciler.engine.conditions import ConditionInputs, save_chatbot, with_conditions
from reconciler.engine.context import Engine, TenantBinding
from reconciler.ports import LiveChatbot, Target
from reconciler.storage import UnitOfWork

T = TypeVar("T")

BATCH_SIZE: Final = 200
"""Chatbots that are written down in one transaction."""


async def refresh_inventory(engine: Engine, tenant: TenantBinding, target: Target, cause: str) -> frozenset[str]:
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
    for some in _batches(live):
        async with engine.store.begin() as uow:
            uow.history.because(cause)
            await _record_batch(engine, uow, tenant.name, some)
    for ids in _batches(gone):
        async with engine.store.begin() as uow:
            uow.history.because(cause)
            for chatbot in (await uow.chatbots.some(tenant.name, ids)).values():
                if _is_gone(chatbot, named):
                    await uow.chatbots.remove(chatbot)
    return named


def _is_gone(chatbot: Chatbot, named: Collection[str]) -> bool:
    return chatbot.fault is Reason.UNMANAGED and chatbot.id not in named


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    # a list may be long, and nobody can decide anything while it is written down
    return (items[begin : begin + BATCH_SIZE] for begin in range(0, len(items), BATCH_SIZE))


async def _record_batch(engine: Engine, uow: UnitOfWork, tenant: str, live: Sequence[LiveChatbot]) -> None:
    inputs = await ConditionInputs.read(uow)
    known = await uow.chatbots.some(tenant, [line.id for line in live])
    all_read = _are_sources_read(engine, inputs, tenant)
    for line in live:
        if all_read or line.id in known:
            await _record_chatbot(uow, inputs, tenant, known.get(line.id), line)


def _are_sources_read(engine: Engine, inputs: ConditionInputs, tenant: str) -> bool:
    mine = [inputs.sources.get(source.name) for source in engine.sources.values() if source.tenant == tenant]
    return all(record is not None and record.good_revision is not None for record in mine)


async def _record_chatbot(
    uow: UnitOfWork, inputs: ConditionInputs, tenant: str, chatbot: Chatbot | None, line: LiveChatbot
) -> None:
    if chatbot is None:
        unmanaged = Chatbot(
            tenant=tenant,
            id=line.id,
            name=line.name,
            fault=Reason.UNMANAGED,
            live_updated_at=line.updated_at,
        )
        await uow.chatbots.add(await with_conditions(uow, inputs, unmanaged))
    elif chatbot.name is None or (chatbot.source is None and chatbot.name != line.name):
        await save_chatbot(uow, inputs, replace(chatbot, name=line.name, live_updated_at=line.updated_at))
