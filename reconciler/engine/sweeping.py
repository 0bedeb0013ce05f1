"""Many dry runs at once, within the tenant's concurrency, written down in small batches as they come in."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.domain.plan import Op
from reconciler.domain.records import Chatbot, GoodDocument
from reconciler.engine.context import Engine, TenantBinding
from reconciler.engine.observing import Observation, Recorded, record
from reconciler.engine.standings import Surroundings
from reconciler.errors import Conflict, QuotaExceeded, TargetError, TargetUnauthorized

BATCH = 100
"""Rows a transaction: enough to make commits cheap, few enough not to keep others waiting."""

HOPELESS = (QuotaExceeded, TargetUnauthorized)
"""What would meet every further call too: the rest of the sweep is not asked."""


@dataclass(slots=True)
class SweepCounts:
    """What a sweep did."""

    dry_runs: int = 0
    plans: int = 0
    errors: int = 0


async def sweep(
    engine: Engine, tenant: TenantBinding, documents: Sequence[GoodDocument], chatbots: Mapping[str, Chatbot]
) -> SweepCounts:
    """Dry-run documents and write down what they show.

    Args:
        engine: The ports.
        tenant: Whose chatbots they are.
        documents: Good documents only.
        chatbots: The chatbots by id, as they were when the sweep began.
    """
    counts = SweepCounts()
    todo = iter(documents)
    done: asyncio.Queue[Observation | None] = asyncio.Queue(maxsize=2 * BATCH)
    async with asyncio.TaskGroup() as group:
        group.create_task(_write_down(engine, done, counts))
        async with asyncio.TaskGroup() as workers:
            stop: list[TargetError] = []
            for _ in range(min(tenant.concurrency, len(documents))):
                workers.create_task(_work(tenant, todo, chatbots, done, stop))
        await done.put(None)
    return counts


async def _work(
    tenant: TenantBinding,
    todo: Iterator[GoodDocument],
    chatbots: Mapping[str, Chatbot],
    done: asyncio.Queue[Observation | None],
    stop: list[TargetError],
) -> None:
    for document in todo:
        chatbot = chatbots.get(document.chatbot_id)
        if chatbot is None:
            continue
        result = stop[0] if stop else await ask(tenant, document)
        if isinstance(result, HOPELESS) and not stop:
            stop.append(result)
        await done.put(Observation(document, chatbot.epoch, result))


async def ask(tenant: TenantBinding, document: GoodDocument) -> tuple[Op, ...] | TargetError:
    """One dry run; an error is a result."""
    try:
        return await tenant.target.dry_run(document.chatbot_id, document.body or {})
    except TargetError as error:
        return error


async def _write_down(engine: Engine, done: asyncio.Queue[Observation | None], counts: SweepCounts) -> None:
    batch: list[Observation] = []
    while (seen := await done.get()) is not None:
        batch.append(seen)
        if len(batch) >= BATCH or done.empty():
            await _commit(engine, batch, counts)
            batch = []
    await _commit(engine, batch, counts)


async def _commit(engine: Engine, batch: Sequence[Observation], counts: SweepCounts) -> None:
    """Write a batch in one transaction; when somebody else was faster for one of them, each in its own."""
    try:
        results = await _record_all(engine, batch)
    except Conflict:
        results = [await _record_alone(engine, seen) for seen in batch]
    for seen, recorded in zip(batch, results, strict=True):
        counts.dry_runs += 1
        counts.errors += isinstance(seen.result, TargetError)
        counts.plans += recorded is not None and recorded.plan_created


async def _record_all(engine: Engine, batch: Sequence[Observation]) -> list[Recorded | None]:
    if not batch:
        return []
    async with engine.store.begin() as uow:
        given = await Surroundings.read(uow)
        return [await record(engine, uow, given, seen) for seen in batch]


async def _record_alone(engine: Engine, seen: Observation) -> Recorded | None:
    """One observation on its own; lost to a faster change, it is worthless and the next run looks again."""
    try:
        return (await _record_all(engine, [seen]))[0]
    except Conflict:
        return None
