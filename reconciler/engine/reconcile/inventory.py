"""Reads WizChat's list of chatbots, and records what it says otherwise than before.

That is names, unmanaged chatbots and those that are gone, and which chatbots may have changed: their `updatedAt` moved.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeVar

from reconciler.domain.entities import Chatbot
from reconciler.domain.status import Reason
from reconciler.engine.conditions import ConditionInputs, save_chatbot, with_conditions
from reconciler.engine.context import Engine, TenantBinding
from reconciler.ports import LiveChatbot, Target
from reconciler.storage import UnitOfWork

T = TypeVar("T")

COMPARED_AT_ONCE: Final = 1_000
"""Lines of a list that the database is asked about by one statement."""

BATCH_SIZE: Final = 200
"""Chatbots that are written down in one transaction."""


@dataclass(frozen=True, slots=True)
class ChatbotList:
    """WizChat's list, once what it says is written down.

    Attributes:
        ids: Every chatbot that it names.
        asked_at: Before it was asked for, by the database's clock.
        answered_at: After it was answered, by the monotonic clock, in seconds.
    """

    ids: frozenset[str]
    asked_at: datetime
    answered_at: float


async def refresh_inventory(engine: Engine, tenant: TenantBinding, target: Target, cause: str) -> ChatbotList:
    """List a tenant's chatbots: names for those whose document states none, the unmanaged ones, and what moved.

    Nothing is written for what the list says as before. While a source of the tenant has never been read, nobody can
    tell which chatbots are unmanaged.

    Args:
        engine: The ports.
        tenant: Whose chatbots.
        target: Its side of WizChat, for whoever makes the call.
        cause: What calls, for the history.

    Raises:
        TargetError: When the list cannot be read.
    """
    async with engine.store.read() as uow:
        asked_at = await uow.now()
    live = {line.id: line for line in await target.chatbots()}
    answered_at = engine.clock.monotonic()
    for ids in _batches(await _changed(engine, tenant.name, live)):
        async with engine.store.begin() as uow:
            uow.history.because(cause)
            await _record_batch(engine, uow, tenant.name, [live[chatbot_id] for chatbot_id in ids])
    async with engine.store.read() as uow:
        gone = await uow.listings.gone(tenant.name, live)
    for ids in _batches(gone):
        async with engine.store.begin() as uow:
            uow.history.because(cause)
            await _record_gone(uow, tenant.name, ids)
    return ChatbotList(frozenset(live), asked_at, answered_at)


async def _changed(engine: Engine, tenant: str, live: Mapping[str, LiveChatbot]) -> Sequence[str]:
    found: list[str] = []
    lines = [(line.id, line.name, line.updated_at) for line in live.values()]
    async with engine.store.read() as uow:
        for part in _batches(lines, COMPARED_AT_ONCE):
            found += await uow.listings.changed(tenant, part)
    return found


def _batches(items: Sequence[T], size: int = BATCH_SIZE) -> Iterator[Sequence[T]]:
    # a list may be long, and nobody can decide anything while it is written down
    return (items[begin : begin + size] for begin in range(0, len(items), size))


async def _record_batch(engine: Engine, uow: UnitOfWork, tenant: str, live: Sequence[LiveChatbot]) -> None:
    inputs = await ConditionInputs.read(uow)
    known = await uow.chatbots.some(tenant, [line.id for line in live])
    all_read = _are_sources_read(engine, inputs, tenant)
    for line in live:
        chatbot = known.get(line.id)
        if chatbot is None and all_read:
            await _add_unmanaged(uow, inputs, tenant, line)
        elif chatbot is not None and _is_named_anew(chatbot, line):
            await save_chatbot(uow, inputs, replace(chatbot, name=line.name))
    await uow.listings.note(tenant, {line.id: line.updated_at for line in live if line.id in known})


def _are_sources_read(engine: Engine, inputs: ConditionInputs, tenant: str) -> bool:
    mine = [inputs.sources.get(source.name) for source in engine.sources.values() if source.tenant == tenant]
    return all(record is not None and record.good_revision is not None for record in mine)


def _is_named_anew(chatbot: Chatbot, line: LiveChatbot) -> bool:
    if chatbot.source is None:
        return chatbot.name != line.name
    return chatbot.name is None and line.name is not None


async def _add_unmanaged(uow: UnitOfWork, inputs: ConditionInputs, tenant: str, line: LiveChatbot) -> None:
    unmanaged = Chatbot(
        tenant=tenant, id=line.id, name=line.name, fault=Reason.UNMANAGED, live_updated_at=line.updated_at
    )
    await uow.chatbots.add(await with_conditions(uow, inputs, unmanaged))


async def _record_gone(uow: UnitOfWork, tenant: str, ids: Sequence[str]) -> None:
    """Forget those of which nothing but the list told, and note of the others that it does not name them any more."""
    known = await uow.chatbots.some(tenant, ids)
    for chatbot in known.values():
        if chatbot.fault is Reason.UNMANAGED:
            await uow.chatbots.remove(chatbot)
    await uow.listings.note(tenant, dict.fromkeys(known))
