"""Scans for drift: dry runs within the tenant's concurrency, stored in small batches as they come in."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Final, TypeAlias

from reconciler.domain.canonical import EncodedBody
from reconciler.domain.comparisons import RESOLUTION, Comparison, answer_digest, result_digest
from reconciler.domain.entities import Claim
from reconciler.domain.plan import Op
from reconciler.engine.context import Engine, TenantBinding
from reconciler.engine.outage import Outage
from reconciler.engine.reconcile.diff import DryRunResult, Recorded, ops_of, record_results
from reconciler.engine.reconcile.inventory import ChatbotList
from reconciler.errors import ChatbotNotFound, Conflict, TargetError
from reconciler.ports import DryRunAnswer, Target
from reconciler.task_groups import task_group

BATCH_SIZE = 32
"""Rows a transaction: enough to make commits cheap, few enough not to hold up the dry runs that are under way."""

LINGER_S = 0.5
"""How long an observation waits for others to be written down with: a transaction costs more than its rows."""

_PROGRAM: Final = version("wizchat-reconciler")

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
        unmoved: How many chatbots were compared of which nothing said that they changed.
        unexplained: How many of these did all the same.
        failures: The chatbots that could not be compared.
    """

    observed: int = 0
    dry_runs: int = 0
    plans: int = 0
    unmoved: int = 0
    unexplained: int = 0
    failures: list[ScanFailure] = field(default_factory=list)

    @property
    def errors(self) -> Sequence[TargetError]:
        """Why they could not, one for each."""
        return [failure.error for failure in self.failures]

    @property
    def compared(self) -> int:
        """How many chatbots were compared."""
        return self.observed - len(self.failures)

    def add(self, batch: Sequence[DryRunResult], recorded: Recorded) -> None:
        """Count results that were written down."""
        self.observed += len(batch)
        self.dry_runs += sum(one.was_asked for one in batch)
        self.plans += recorded.plans
        self.unmoved += sum(one.comparison is not None and one.comparison.is_unmoved for one in batch)
        self.unexplained += recorded.unexplained
        self.failures += [
            ScanFailure(one.document.chatbot_id, one.document.path, one.result)
            for one in batch
            if isinstance(one.result, TargetError)
        ]


@dataclass(frozen=True, slots=True)
class Scan:
    """What the dry runs of one scan have in common.

    Attributes:
        engine: The ports.
        tenant: Whose chatbots they are.
        target: Its side of WizChat, for whoever makes the calls.
        cause: What scans, for the history.
        missing: Chatbot id → that it is missing, of those that are known to be without a dry run.
        not_found: What it means that a chatbot is not found, as long as no other was answered for.
        outage: What the answers so far say of further ones.
        policy: The digest of the policy, on which the consequences of a dry run depend.
        counts: What was done.
        listed: WizChat's list, where it was read before.
        notes_unexplained: Whether chatbots that changed though nothing said so are to be noted.
    """

    engine: Engine
    tenant: TenantBinding
    target: Target
    cause: str
    missing: Mapping[str, TargetError]
    not_found: NotFoundMeaning
    outage: Outage
    policy: str
    counts: ScanResult = field(default_factory=ScanResult)
    listed: ChatbotList | None = None
    notes_unexplained: bool = False

    async def run(self, pages: AsyncIterator[Sequence[Comparison]], *, is_doubtful: bool = False) -> None:
        """Dry-run documents, and write down what they show.

        Args:
            pages: What is to be compared. A page is read while the one before is worked off, so that no call waits.
            is_doubtful: Whether WizChat may not be usable at all: then one document is asked about first, and the
                others only when that can be compared.
        """
        todo: asyncio.Queue[Comparison | None] = asyncio.Queue(maxsize=2 * BATCH_SIZE)
        done: asyncio.Queue[DryRunResult | None] = asyncio.Queue(maxsize=2 * BATCH_SIZE)
        async with task_group() as group:
            group.create_task(self._store_results(done))
            async with task_group() as workers:
                workers.create_task(_hand_out(pages, todo))
                if is_doubtful:
                    await self._work_off(todo, done, at_most=1)
                for _ in range(self.tenant.concurrency):
                    workers.create_task(self._work_off(todo, done))
            await done.put(None)

    async def _work_off(
        self,
        todo: asyncio.Queue[Comparison | None],
        done: asyncio.Queue[DryRunResult | None],
        *,
        at_most: int | None = None,
    ) -> None:
        while at_most != 0:
            comparison = await todo.get()
            if comparison is None:
                todo.put_nowait(None)  # for the other workers
                return
            await done.put(await self._compare(comparison))
            at_most = None if at_most is None else at_most - 1

    async def _compare(self, comparison: Comparison) -> DryRunResult:
        document = comparison.document
        known = self.missing.get(document.chatbot_id) or self.outage.error
        if known is None:
            await self._until_unambiguous(comparison)
        answer = known or await _answer(self.target, document.chatbot_id, comparison.body)
        if known is None and type(answer) is ChatbotNotFound and not self.outage.is_answered:
            answer = await self.not_found(answer)
        dry_run = DryRunResult(
            document,
            comparison.epoch,
            answer,
            was_asked=known is None,
            comparison=comparison,
            is_listed=self.listed is not None,
            notes_unexplained=self.notes_unexplained,
        )
        if not isinstance(answer, TargetError):
            dry_run = await self._read(dry_run, comparison, answer)
        if known is None:
            await self.outage.note(dry_run.result)
        return dry_run

    async def _read(self, dry_run: DryRunResult, comparison: Comparison, answer: DryRunAnswer) -> DryRunResult:
        """Go through an answer, unless it is the one of the last comparison, whose result is known."""
        document = comparison.document
        came = answer_digest(_PROGRAM, self.policy, document.digest, answer.content)
        if (before := comparison.gave_by_answer(came)) is not None:
            return replace(dry_run, digest=before, answer=came)

        def read() -> DryRunResult:
            ops = answer.ops()
            gave = result_digest(self.policy, document.digest, ops)
            return replace(dry_run, result=ops, digest=gave, answer=came)

        try:
            return await self.engine.plan_threads.compute_json(read, answer.content)
        except TargetError as error:
            return replace(dry_run, result=error)

    async def _until_unambiguous(self, comparison: Comparison) -> None:
        """Wait where an edit could come after the dry run with the `updatedAt` that the list gave before it."""
        if self.listed is not None and comparison.is_ambiguous(self.listed.asked_at):
            passed = self.engine.clock.monotonic() - self.listed.answered_at
            await self.engine.clock.sleep(RESOLUTION.total_seconds() - passed)

    async def _store_results(self, done: asyncio.Queue[DryRunResult | None]) -> None:
        while (first := await done.get()) is not None:
            batch = [first]
            is_last = await _fill_batch(done, batch)
            self.counts.add(batch, await self._store_batch(batch))
            if is_last:
                return

    async def _store_batch(self, batch: Sequence[DryRunResult]) -> Recorded:
        """Write a batch in one transaction; when somebody else was faster for one of them, each in its own."""
        try:
            return await self._store(batch)
        except Conflict:
            return sum([await self._store_alone(one) for one in batch], start=Recorded())

    async def _store(self, batch: Sequence[DryRunResult]) -> Recorded:
        async with self.engine.store.begin() as uow:
            uow.history.because(self.cause)
            return await record_results(self.engine, uow, *batch)

    async def _store_alone(self, one: DryRunResult) -> Recorded:
        """One observation on its own; lost to a faster change, it is worthless and the next run looks again."""
        try:
            return await self._store([one])
        except Conflict:
            return Recorded()


async def _hand_out(pages: AsyncIterator[Sequence[Comparison]], todo: asyncio.Queue[Comparison | None]) -> None:
    """Put everything into the queue of the workers, and then the end."""
    async for page in pages:
        for comparison in page:
            await todo.put(comparison)
    await todo.put(None)


async def dry_run(engine: Engine, target: Target, document: Claim) -> tuple[Op, ...] | TargetError:
    """One dry run; an error is a result."""
    body = await engine.compute(lambda: EncodedBody.of(document.body or {}), document.body)
    answer = await _answer(target, document.chatbot_id, body)
    return answer if isinstance(answer, TargetError) else await ops_of(engine, answer)


async def _answer(target: Target, chatbot_id: str, body: EncodedBody) -> DryRunAnswer | TargetError:
    """What one dry run is answered; an error is a result."""
    try:
        return await target.dry_run_answer(chatbot_id, body)
    except TargetError as error:
        return error


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
