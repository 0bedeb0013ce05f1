"""The apply: exactly what was approved, once, proven.

The steps, each of which may end it (guarantees 1, 3, 4 and 7):

1. take the chatbot's lease;
2. re-check: permission and approvals, git, and a dry run of the very body to be sent;
3. commit the intent, which spends the approvals;
4. send, on a connection of its own;
5. classify the answer: not sent is tried again from step 2; unclear is read back, and never sent again;
6. verify by a dry run, and write down the end of apply, plan and chatbot in one transaction.

This is the only module that is given the ports that hold write keys.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

from reconciler.domain.apply_answers import ApplyAnswer, ApplyAnswered, ApplyRefused, ApplyUnclear, NotSent, undone
from reconciler.domain.canonical import canonical_bytes
from reconciler.domain.entities import Apply, Lease, Plan
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.plan import Action, Op, OpTarget
from reconciler.domain.policy import APPLY_DEADLINE
from reconciler.domain.sentences import joined, listed
from reconciler.domain.status import EXPLANATIONS, Reason
from reconciler.domain.write_key import concerns_key
from reconciler.engine.apply.outcome import (
    ApplyEnd,
    LeaseLost,
    apply_in_context,
    check_fence,
    end_without_write,
    finish_apply,
)
from reconciler.engine.apply.preflight import (
    ApplyBlocked,
    ApprovalsLapsed,
    PlanOutdated,
    SharedFetch,
    check_document,
    check_ops,
    check_permission,
    spend_approvals,
)
from reconciler.engine.audit.entries import audit
from reconciler.engine.conditions import ConditionInputs, save_chatbot, transition_plan
from reconciler.engine.context import PROGRAM, Engine
from reconciler.engine.reconcile.auto_apply import schedule_auto_apply
from reconciler.engine.reconcile.diff import fault_of
from reconciler.engine.tenant_state import record_apply, record_write_key, recording_key_refusals
from reconciler.errors import StoreError, TargetError
from reconciler.ports import APPLYING, RECHECKING, Job, JobKind, Spender, Writer

ATTEMPTS = 3
"""How often an apply is tried whose request was provably not sent."""
BACKOFF = 1.0
"""Seconds before the second attempt; doubled before the third."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """How leases run, and the request of an apply within one.

    Attributes:
        ttl: How long a lease lasts without being renewed; longer than the deadline of an apply.
        heartbeat: Seconds between two renewals.
        deadline: How long the request may take.
    """

    ttl: timedelta = timedelta(seconds=15)
    heartbeat: float = 5.0
    deadline: timedelta = APPLY_DEADLINE


LEASE_TIMES = LeaseTimes()


@dataclass(slots=True)
class ApplyExecutor:
    """Runs applies.

    Attributes:
        engine: The ports.
        writers: Tenant → the port that holds its write key.
        holder: Who this process is, in leases.
        times: How its leases run.
    """

    engine: Engine
    writers: Mapping[str, Writer]
    holder: str
    times: LeaseTimes = LEASE_TIMES
    looks: SharedFetch = field(init=False)
    _busy: set[tuple[str, str]] = field(default_factory=set)
    _in_the_way: dict[tuple[str, str], tuple[Lease, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.looks = SharedFetch(self.engine)

    async def run(self, apply_id: str) -> None:
        """Do a queued apply; anything else, and one whose chatbot is leased elsewhere, is left alone."""
        async with self.engine.store.read() as uow:
            apply = await uow.applies.get(apply_id)
        if apply is None or apply.status is not ApplyStatus.QUEUED:
            return
        async with self.lease(apply.tenant, apply.chatbot_id) as lease:
            if lease is None:
                return
            try:
                unknown_yet = await self._attempt(apply, lease)
            except LeaseLost as lost:
                log.warning("apply left to its new holder", extra={"apply": apply.id, "cause": str(lost)})
                return
        if unknown_yet:  # only now, as the recovery needs the lease
            self.engine.dispatcher.submit(Job(JobKind.RECOVER))
        schedule_auto_apply(self.engine)

    async def check_write_key(self, tenant: str) -> None:
        """Ask with a tenant's write key for what every key may read, and write down whether WizChat takes it."""
        writer = self.writers.get(tenant)
        if writer is None:
            return
        error: TargetError | None = None
        try:
            await writer.check_key()
        except TargetError as raised:
            error = raised
        await record_write_key(self.engine, tenant, writer.key_id, error)

    @asynccontextmanager
    async def lease(self, tenant: str, chatbot_id: str) -> AsyncIterator[Lease | None]:
        """Hold a chatbot's lease, renewed while the block runs; None when somebody else holds it.

        The store knows processes only, and gives one its own lease again: what works on the chatbot within this
        process already is somebody else as well.
        """
        if (tenant, chatbot_id) in self._busy:
            yield None
            return
        self._busy.add((tenant, chatbot_id))
        try:
            async with self._lease(tenant, chatbot_id) as lease:
                yield lease
        finally:
            self._busy.discard((tenant, chatbot_id))

    @asynccontextmanager
    async def _lease(self, tenant: str, chatbot_id: str) -> AsyncIterator[Lease | None]:
        lease = await self._take(tenant, chatbot_id)
        if lease is None:
            yield None
            return
        heartbeat = asyncio.create_task(self._keep(lease))
        try:
            yield lease
        finally:
            heartbeat.cancel()
            await asyncio.wait([heartbeat])
            async with self.engine.store.begin() as uow:
                await uow.leases.drop(lease)

    async def _take(self, tenant: str, chatbot_id: str) -> Lease | None:
        """Take a lease, or note which one prevents it.

        One that was not renewed for its whole length is abandoned, by the monotonic clock: the wall clock may have been
        set back far behind its end.
        """
        met, since = self._in_the_way.pop((tenant, chatbot_id), (None, 0.0))
        now = self.engine.clock.monotonic()
        abandoned = met if now - since >= self.times.ttl.total_seconds() else None
        async with self.engine.store.begin() as uow:
            lease = await uow.leases.take(tenant, chatbot_id, self.holder, self.times.ttl, abandoned=abandoned)
            other = await uow.leases.live(tenant, chatbot_id) if lease is None else None
        if other is not None:
            self._in_the_way[tenant, chatbot_id] = other, since if other == met else now
        return lease

    async def _keep(self, lease: Lease) -> None:
        """Renew a lease until it is lost; that shows at the next state change, which compares the fence."""
        renewed: Lease | None = lease
        while renewed is not None:
            await self.engine.clock.sleep(self.times.heartbeat)
            try:
                async with self.engine.store.begin() as uow:
                    renewed = await uow.leases.renew(lease, self.times.ttl)
            except StoreError as error:
                log.warning("lease not renewed", extra={"chatbot": lease.chatbot_id, "cause": str(error)})

    async def _attempt(self, apply: Apply, lease: Lease) -> bool:
        """Execute the steps, and return whether the outcome is still unknown."""
        try:
            plan = await self._start(apply)
            began = await self._recheck(plan)
            await self._intend(apply, lease)
        except ApplyBlocked as stop:
            end = ApplyEnd(status=ApplyStatus.FAILED, reason=stop.reason, message=str(stop))
            await end_without_write(self.engine, lease, apply.id, end)
        except PlanOutdated as stop:
            end = ApplyEnd(
                status=ApplyStatus.STALE, reason=Reason.STALE, message=joined([EXPLANATIONS[Reason.STALE], str(stop)])
            )
            await end_without_write(self.engine, lease, apply.id, end, to=PlanStatus.STALE)
        except ApprovalsLapsed as fell:
            message = joined(["An approval no longer stands: approve the plan again.", str(fell)])
            end = ApplyEnd(status=ApplyStatus.FAILED, reason=Reason.AWAITING_APPROVAL, message=message)
            await end_without_write(self.engine, lease, apply.id, end, to=PlanStatus.PENDING)
        else:
            return await self._execute(apply, plan, lease, began)
        return False

    async def _start(self, apply: Apply) -> Plan:
        async with self.engine.store.begin() as uow:
            current, plan, _ = await apply_in_context(uow, apply.id)
            if plan.status is not PlanStatus.APPROVED:
                raise PlanOutdated(f"the plan is {plan.status}: {plan.message}")
            await check_permission(self.engine, uow, plan, apply.id)
            await uow.applies.save(replace(current, started_at=await uow.now()))
            return plan

    async def _recheck(self, plan: Plan) -> float:
        """Look at git, then at the live side.

        Returns:
            When the dry run began, by the monotonic clock: from there on the API guards nothing.
        """
        await check_document(self.engine, self.looks, plan)
        began = self.engine.clock.monotonic()
        try:
            ops = await self._dry_run(plan, RECHECKING)
        except TargetError as error:
            raise ApplyBlocked(fault_of(error), str(error)) from error
        await check_ops(self.engine, plan, ops)
        return began

    async def _dry_run(self, plan: Plan, spender: Spender) -> tuple[Op, ...]:
        target = self.engine.tenants[plan.tenant].target.spending(spender)
        async with recording_key_refusals(self.engine, plan.tenant):
            return await target.dry_run(plan.chatbot_id, plan.body)

    async def _intend(self, apply: Apply, lease: Lease) -> None:
        """Commit durably that a request is about to be sent: from here on it may have been."""
        async with self.engine.store.begin() as uow:
            await check_fence(uow, lease)
            current, plan, chatbot = await apply_in_context(uow, apply.id)
            if plan.status is not PlanStatus.APPROVED:
                raise PlanOutdated(f"the plan is {plan.status}: {plan.message}")
            approvals = await check_permission(self.engine, uow, plan, apply.id)
            await spend_approvals(uow, approvals, apply.id)
            plan = await transition_plan(uow, plan, PlanStatus.APPLYING, reason=Reason.APPLYING, apply_id=apply.id)
            intent = replace(current, status=ApplyStatus.APPLYING, intent_at=await uow.now())
            await uow.applies.save(intent)
            detail = {"plan": plan.id, "approvals": [approval.id for approval in approvals]}
            await audit(uow, PROGRAM, "apply.intent", f"apply/{apply.id}", fingerprint=plan.fingerprint, detail=detail)
            chatbot = replace(chatbot, epoch=chatbot.epoch + 1)
            await save_chatbot(uow, await ConditionInputs.read(uow), chatbot, plan)

    async def _execute(self, apply: Apply, plan: Plan, lease: Lease, began: float) -> bool:
        try:
            answer = await self._send(apply, plan, lease, began)
        except (ApplyBlocked, PlanOutdated, ApprovalsLapsed) as stop:
            message = f"Nothing was sent: the connection was refused, and meanwhile {str(stop) or 'an approval fell'}."
            end = ApplyEnd(status=ApplyStatus.FAILED, reason=Reason.NOT_APPLIED, message=message)
            await finish_apply(self.engine, lease, apply.id, end)
        else:
            end = await self._judge(plan, answer)
            await finish_apply(self.engine, lease, apply.id, end)
            await self._note(plan, answer)
        return end.status is ApplyStatus.OUTCOME_UNKNOWN

    async def _send(self, apply: Apply, plan: Plan, lease: Lease, began: float) -> ApplyAnswer:
        """Send the approved bytes; again only what was provably not sent, each time with the whole re-check."""
        answer: ApplyAnswer = NotSent("")
        body = await self.engine.compute(lambda: canonical_bytes(plan.body), plan.body)
        for attempt in range(ATTEMPTS):
            if attempt:
                await self.engine.clock.sleep(BACKOFF * 2 ** (attempt - 1))
                began = await self._recheck_after_intent(apply, plan)
            await self._open_window(apply, lease, began)
            answer = await self.writers[plan.tenant].apply(plan.chatbot_id, body)
            if not isinstance(answer, NotSent):
                break
        return answer

    async def _recheck_after_intent(self, apply: Apply, plan: Plan) -> float:
        async with self.engine.store.read() as uow:
            await check_permission(self.engine, uow, plan, apply.id)
        return await self._recheck(plan)

    async def _open_window(self, apply: Apply, lease: Lease, began: float) -> None:
        """Start the lease anew, so that the whole deadline of the request lies within it, and measure the window.

        The intent counts from here: a request that is sent again settles later than the one that never left.
        """
        renewed = self.engine.clock.monotonic()
        window = round((renewed - began) * 1000)
        async with self.engine.store.begin() as uow:
            if await uow.leases.renew(lease, self.times.ttl) is None:
                raise LeaseLost(f"the lease of {lease.chatbot_id} was lost")
            current, _, _ = await apply_in_context(uow, apply.id)
            await uow.applies.save(replace(current, window_ms=window, intent_at=await uow.now()))
        spare = self.times.ttl - self.times.deadline
        if self.engine.clock.monotonic() - renewed > spare.total_seconds():
            raise LeaseLost(f"the lease of {lease.chatbot_id} may end before the request would")

    async def _note(self, plan: Plan, answer: ApplyAnswer) -> None:
        """Record what the answer shows about the write key, and check the key where it was the reason."""
        await record_apply(self.engine, plan, self.writers[plan.tenant].key_id, answer)
        if concerns_key(answer):
            await self.check_write_key(plan.tenant)

    async def _judge(self, plan: Plan, answer: ApplyAnswer) -> ApplyEnd:
        match answer:
            case NotSent(cause):
                message = f"Nothing was sent in {ATTEMPTS} attempts: {cause}"
                return ApplyEnd(status=ApplyStatus.FAILED, reason=Reason.TARGET_UNREACHABLE, message=message)
            case ApplyRefused(code, message):
                return ApplyEnd(status=ApplyStatus.FAILED, reason=Reason.REFUSED_BY_API, message=f"{code}: {message}")
            case ApplyUnclear(cause):
                return unknown(cause)
            case ApplyAnswered(applied, None):
                return await self._verify(plan, applied)
            case ApplyAnswered(applied, failed):
                return _stopped(applied, failed or {})

    async def _verify(self, plan: Plan, applied: tuple[Mapping[str, object], ...]) -> ApplyEnd:
        """Prove by a dry run that every approved op is done (guarantee 7)."""
        try:
            ops = await self._dry_run(plan, APPLYING)
        except TargetError as error:
            return unknown(f"WizChat answered, but the verification could not be read: {error}")
        not_done = await self.engine.compute(lambda: undone(plan.bare_ops, ops), plan.ops, ops)
        if not_done:
            return not_converged(applied, ops, not_done)
        return succeeded(applied, ops)


def succeeded(applied: tuple[Mapping[str, object], ...], ops: tuple[Op, ...]) -> ApplyEnd:
    """The outcome of an apply that a dry run proved."""
    return ApplyEnd(
        status=ApplyStatus.APPLIED,
        reason=Reason.APPLIED,
        message=EXPLANATIONS[Reason.APPLIED],
        applied=applied,
        ops=ops,
    )


def not_converged(
    applied: tuple[Mapping[str, object], ...], ops: Sequence[Op], not_done: Sequence[OpTarget]
) -> ApplyEnd:
    """Answered as applied, but a dry run still differs; the paths are named."""
    changed = {op.place: op.changed_fields for op in ops}
    paths = [f"{place} {field}" for place in not_done for field in (changed.get(place) or ("",))]
    return ApplyEnd(
        status=ApplyStatus.APPLIED_NOT_CONVERGED,
        reason=Reason.NOT_CONVERGED,
        message=f"{EXPLANATIONS[Reason.NOT_CONVERGED]} ({listed([path.strip() for path in paths], '; ')})",
        applied=applied,
        ops=tuple(ops),
    )


def unknown(cause: str) -> ApplyEnd:
    """The write may or may not have taken effect, now or later."""
    return ApplyEnd(
        status=ApplyStatus.OUTCOME_UNKNOWN,
        reason=Reason.OUTCOME_UNKNOWN,
        message=f"{EXPLANATIONS[Reason.OUTCOME_UNKNOWN]} ({cause})",
    )


def _op_name(op: object) -> str:
    match op:
        case {"section": str(section), "key": str(key)}:
            return str(OpTarget(section, key))
        case {"section": str(section)}:
            return section
        case _:
            return "an op that it does not name"


def _stopped(applied: tuple[Mapping[str, object], ...], failed: Mapping[str, object]) -> ApplyEnd:
    """A 422: an op failed and the rest was not tried."""
    done = any(item.get("action") != Action.NOOP and not item.get("noop") for item in applied)
    message = f"WizChat stopped at {_op_name(failed.get('op'))}: {failed.get('message') or failed.get('code')}"
    return ApplyEnd(
        status=ApplyStatus.PARTIALLY_APPLIED if done else ApplyStatus.FAILED,
        reason=Reason.PARTIALLY_APPLIED if done else Reason.REFUSED_BY_API,
        message=message,
        applied=applied,
        failed=failed,
    )
