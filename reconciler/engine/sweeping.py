"""Many dry runs at once, within the tenant's concurrency, written down in small batches as they come in."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias

from reconciler.domain.plan import Op
from reconciler.domain.records import Chatbot, GoodDocument
from reconciler.engine.context import Engine, TenantBinding
from reconciler.engine.observing import Observation, record
from reconciler.engine.outage import Outage
from reconciler.engine.standings import Surroundings
from reconciler.errors import ChatbotNotFound, Conflict, TargetError
from reconciler.ports import Target
from reconciler.task_groups import task_group

BATCH = 32
"""Rows a transaction: enough to make commits cheap, few enough not to hold up the dry runs that are under way."""

LINGER_S = 0.5
"""How long an observation waits for others to be written down with: a transaction costs more than its rows."""

NotFoundMeaning: TypeAlias = Callable[[TargetError], Awaitable[TargetError]]


@dataclass(frozen=True, slots=True)
class SweepFailure:
    """A document that could not be compared, and why."""

    document: GoodDocument
    error: TargetError


@dataclass(slots=True)
class SweepCounts:
    """What a sweep did.

    Attributes:
        observed: How many chatbots something was learned of, be it that they could not be compared.
        dry_runs: How many dry runs were asked for.
        plans: How many plans were made.
        failures: The documents whose chatbots could not be compared.
    """

    observed: int = 0
    dry_runs: int = 0
    plans: int = 0
    failures: list[SweepFailure] = field(default_factory=list)

    @property
    def errors(self) -> Sequence[TargetError]:
        """Why they could not, one for each."""
        return [failure.error for failure in self.failures]

    @property
    def compared(self) -> int:
        """How many chatbots were compared."""
        return self.observed - len(self.failures)


async def sweep(
    engine: Engine,
    tenant: TenantBinding,
    documents: Sequence[GoodDocument],
    chatbots: Mapping[str, Chatbot],
    *,
    target: Target,
    missing: Mapping[str, TargetError],
    cause: str,
    is_doubtful: bool = False,
    not_found: NotFoundMeaning,
) -> SweepCounts:
    """Dry-run documents and write down what they show.

    Args:
        engine: The ports.
        tenant: Whose chatbots they are.
        documents: Good documents only.
        chatbots: The chatbots by id, as they were when the sweep began.
        target: Its side of WizChat, for whoever makes the calls.
        missing: Chatbot id → that it is missing, of those that are known to be without a dry run.
        cause: What sweeps, for the history.
        is_doubtful: Whether the list of chatbots could not be read: then one document is asked about first, and the
            others only when that can be compared.
        not_found: What it means that a chatbot is not found, as long as no other was answered for.
    """
    counts = SweepCounts()
    todo = iter(documents)
    done: asyncio.Queue[Observation | None] = asyncio.Queue(maxsize=2 * BATCH)
    async with task_group() as group:
        group.create_task(_write_down(engine, cause, done, counts))
        async with task_group() as workers:
            outage = Outage(target.chatbots, list_failed=is_doubtful)
            if is_doubtful:
                await _work(target, islice(todo, 1), chatbots, missing, done, outage, not_found)
            for _ in range(min(tenant.concurrency, len(documents))):
                workers.create_task(_work(target, todo, chatbots, missing, done, outage, not_found))
        await done.put(None)
    return counts


async def _work(
    target: Target,
    todo: Iterator[GoodDocument],
    chatbots: Mapping[str, Chatbot],
    missing: Mapping[str, TargetError],
    done: asyncio.Queue[Observation | None],
    outage: Outage,
    not_found: NotFoundMeaning,
) -> None:
    for document in todo:
        chatbot = chatbots.get(document.chatbot_id)
        if chatbot is None:
            continue
        known = missing.get(document.chatbot_id) or outage.error
        result = known or await ask(target, document)
        if known is None and type(result) is ChatbotNotFound and not outage.is_answered:
            result = await not_found(result)
        if known is None:
            await outage.note(result)
        await done.put(Observation(document, chatbot.epoch, result, was_asked=known is None))


async def ask(target: Target, document: GoodDocument) -> tuple[Op, ...] | TargetError:
    """One dry run; an error is a result."""
    try:
        return await target.dry_run(document.chatbot_id, document.body or {})
    except TargetError as error:
        return error


async def _write_down(engine: Engine, cause: str, done: asyncio.Queue[Observation | None], counts: SweepCounts) -> None:
    while (first := await done.get()) is not None:
        batch = [first]
        is_last = await _gather(done, batch)
        await _commit(engine, cause, batch, counts)
        if is_last:
            return


async def _gather(done: asyncio.Queue[Observation | None], batch: list[Observation]) -> bool:
    """Fill a batch with what comes in soon, and tell whether that was all."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while len(batch) < BATCH:
                seen = await done.get()
                if seen is None:
                    return True
                batch.append(seen)
    return False


async def _commit(engine: Engine, cause: str, batch: Sequence[Observation], counts: SweepCounts) -> None:
    """Write a batch in one transaction; when somebody else was faster for one of them, each in its own."""
    try:
        plans = await _record(engine, cause, batch)
    except Conflict:
        plans = sum([await _record_alone(engine, cause, seen) for seen in batch])
    counts.observed += len(batch)
    counts.dry_runs += sum(seen.was_asked for seen in batch)
    counts.failures += [
        SweepFailure(seen.document, seen.result) for seen in batch if isinstance(seen.result, TargetError)
    ]
    counts.plans += plans


async def _record(engine: Engine, cause: str, batch: Sequence[Observation]) -> int:
    async with engine.store.begin() as uow:
        uow.history.because(cause)
        return await record(engine, uow, await Surroundings.read(uow), *batch)


async def _record_alone(engine: Engine, cause: str, seen: Observation) -> int:
    """One observation on its own; lost to a faster change, it is worthless and the next run looks again."""
    try:
        return await _record(engine, cause, [seen])
    except Conflict:
        return 0
