"""Scans for drift: dry runs within the tenant's concurrency, stored in small batches as they come in."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.domain.comparisons import Comparison
from reconciler.domain.entities import Claim
from reconciler.domain.plan import Op
from reconciler.engine.conditions import ConditionInputs
from reconciler.engine.context import Engine, TenantBinding
from reconciler.engine.outage import Outage
from reconciler.engine.reconcile.diff import DryRunResult, record_results
from reconciler.errors import ChatbotNotFound, Conflict, TargetError
from reconciler.ports import Target
from reconciler.task_groups import task_group

BATCH_SIZE = 32
"""Rows a transaction: enough to make commits cheap, few enough not to hold up the dry runs that are under way."""

LINGER_S = 0.5
"""How long an observation waits for others to be written down with: a transaction costs more than its rows."""

NotFoundMeaning: TypeAlias = Callable[[TargetError], Awaitable[TargetError]]


@dataclass(frozen=True, slots=True)
class ScanFailure:
    """A chatbot that could not be compared, the path of its document, and why."""

    chatbot_id: str
    path: str
    error: TargetError


@dataclass(slots=True)
class ScanResult:
    """What a scan did.

    Attributes:
        observed: How many chatbots something was learned of, be it that they could not be compared.
        dry_runs: How many dry runs were asked for.
        plans: How many plans were made.
        failures: The chatbots that could not be compared.
    """

    observed: int = 0
    dry_runs: int = 0
    plans: int = 0
    failures: list[ScanFailure] = field(default_factory=list)

    @property
    def errors(self) -> Sequence[TargetError]:
        """Why they could not, one for each."""
        return [failure.error for failure in self.failures]

    @property
    def compared(self) -> int:
        """How many chatbots were compared."""
        return self.observed - len(self.failures)


async def scan_for_drift(
    engine: Engine,
    tenant: TenantBinding,
    pages: AsyncIterator[Sequence[Comparison]],
    *,
    target: Target,
    missing: Mapping[str, TargetError],
    cause: str,
    is_doubtful: bool = False,
    not_found: NotFoundMeaning,
) -> ScanResult:
    """Dry-run documents and write down what they show.

    Args:
        engine: The ports.
        tenant: Whose chatbots they are.
        pages: What is to be compared. A page is read while the one before is worked off, so that no call waits for it.
        target: Its side of WizChat, for whoever makes the calls.
        missing: Chatbot id → that it is missing, of those that are known to be without a dry run.
        cause: What scans, for the history.
        is_doubtful: Whether the list of chatbots could not be read: then one document is asked about first, and the
            others only when that can be compared.
        not_found: What it means that a chatbot is not found, as long as no other was answered for.
    """
    counts = ScanResult()
    todo: asyncio.Queue[Comparison | None] = asyncio.Queue(maxsize=2 * BATCH_SIZE)
    done: asyncio.Queue[DryRunResult | None] = asyncio.Queue(maxsize=2 * BATCH_SIZE)
    outage = Outage(target.chatbots, list_failed=is_doubtful)
    async with task_group() as group:
        group.create_task(_store_results(engine, cause, done, counts))
        async with task_group() as workers:
            workers.create_task(_hand_out(pages, todo))
            if is_doubtful:
                await _work_off(target, todo, missing, done, outage, not_found, at_most=1)
            for _ in range(tenant.concurrency):
                workers.create_task(_work_off(target, todo, missing, done, outage, not_found))
        await done.put(None)
    return counts


async def _hand_out(pages: AsyncIterator[Sequence[Comparison]], todo: asyncio.Queue[Comparison | None]) -> None:
    """Put everything into the queue of the workers, and then the end."""
    async for page in pages:
        for comparison in page:
            await todo.put(comparison)
    await todo.put(None)


async def _work_off(
    target: Target,
    todo: asyncio.Queue[Comparison | None],
    missing: Mapping[str, TargetError],
    done: asyncio.Queue[DryRunResult | None],
    outage: Outage,
    not_found: NotFoundMeaning,
    *,
    at_most: int | None = None,
) -> None:
    while at_most != 0:
        comparison = await todo.get()
        if comparison is None:
            todo.put_nowait(None)  # for the other workers
            return
        document = comparison.document
        known = missing.get(document.chatbot_id) or outage.error
        result = known or await dry_run(target, document)
        if known is None:
            if type(result) is ChatbotNotFound and not outage.is_answered:
                result = await not_found(result)
            await outage.note(result)
        await done.put(DryRunResult(document, comparison.epoch, result, was_asked=known is None))
        at_most = None if at_most is None else at_most - 1


async def dry_run(target: Target, document: Claim) -> tuple[Op, ...] | TargetError:
    """One dry run; an error is a result."""
    try:
        return await target.dry_run(document.chatbot_id, document.body or {})
    except TargetError as error:
        return error


async def _store_results(
    engine: Engine, cause: str, done: asyncio.Queue[DryRunResult | None], counts: ScanResult
) -> None:
    while (first := await done.get()) is not None:
        batch = [first]
        is_last = await _fill_batch(done, batch)
        await _store_batch(engine, cause, batch, counts)
        if is_last:
            return


async def _fill_batch(done: asyncio.Queue[DryRunResult | None], batch: list[DryRunResult]) -> bool:
    """Fill a batch with what comes in soon, and tell whether that was all."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while len(batch) < BATCH_SIZE:
                seen = await done.get()
                if seen is None:
                    return True
                batch.append(seen)
    return False


async def _store_batch(engine: Engine, cause: str, batch: Sequence[DryRunResult], counts: ScanResult) -> None:
    """Write a batch in one transaction; when somebody else was faster for one of them, each in its own."""
    try:
        plans = await _store(engine, cause, batch)
    except Conflict:
        plans = sum([await _store_alone(engine, cause, seen) for seen in batch])
    counts.observed += len(batch)
    counts.dry_runs += sum(seen.was_asked for seen in batch)
    counts.failures += [
        ScanFailure(seen.document.chatbot_id, seen.document.path, seen.result)
        for seen in batch
        if isinstance(seen.result, TargetError)
    ]
    counts.plans += plans


async def _store(engine: Engine, cause: str, batch: Sequence[DryRunResult]) -> int:
    async with engine.store.begin() as uow:
        uow.history.because(cause)
        return await record_results(engine, uow, await ConditionInputs.read(uow), *batch)


async def _store_alone(engine: Engine, cause: str, dry_run: DryRunResult) -> int:
    """One observation on its own; lost to a faster change, it is worthless and the next run looks again."""
    try:
        return await _store(engine, cause, [dry_run])
    except Conflict:
        return 0
