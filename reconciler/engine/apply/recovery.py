"""Recovers applies that a restart or a lost answer left unfinished (guarantee 4).

Queued applies run again with all checks. An Applying without a live lease lost its process: its outcome is unknown.
An unknown outcome is read back and decided, never sent again: at once when every approved op is done, otherwise only
after `apply_settle`, because a late write may still land.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from reconciler.domain.apply_answers import ReadBack, read_back, undone
from reconciler.domain.entities import Apply, Lease, Plan
from reconciler.domain.lifecycle import ApplyStatus
from reconciler.domain.op_outcomes import op_outcome_counts
from reconciler.domain.plan import Op
from reconciler.domain.sentences import joined
from reconciler.domain.status import EXPLANATIONS, Reason
from reconciler.engine.apply.executor import ApplyExecutor, succeeded, unknown
from reconciler.engine.apply.outcome import ApplyEnd, LeaseLost, apply_in_context, finish_apply
from reconciler.engine.context import Engine
from reconciler.engine.reconcile.auto_apply import schedule_auto_apply
from reconciler.engine.tenant_state import recording_key_refusals
from reconciler.errors import TargetError
from reconciler.ports import APPLYING, Job, JobKind

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Recovery:
    """Settles what is unfinished; run at the start and every few seconds.

    Attributes:
        applier: Runs applies, and holds the leases.
        first_seen: Apply id and intent → when this process first met them, by the monotonic clock.
    """

    engine: Engine
    applier: ApplyExecutor
    first_seen: dict[tuple[str, datetime], float] = field(default_factory=dict)

    async def run(self) -> None:
        """Recover every unfinished apply once."""
        async with self.engine.store.read() as uow:
            unfinished = await uow.applies.unfinished()
        met = [(apply.id, apply.intent_at) for apply in unfinished if apply.intent_at is not None]
        self.first_seen = {item: self.first_seen.get(item, self.engine.clock.monotonic()) for item in met}
        for apply in unfinished:
            try:
                await self._recover(apply)
            except Exception:
                # one that cannot be settled, as when its tenant left the settings, must not keep the others waiting
                log.exception("recovery failed", extra={"apply": apply.id})

    async def _recover(self, apply: Apply) -> None:
        if apply.status is ApplyStatus.QUEUED:
            self.engine.dispatcher.submit(Job(JobKind.APPLY, apply.id))
            return
        async with self.applier.lease(apply.tenant, apply.chatbot_id) as lease:
            if lease is None:
                return
            try:
                await self._settle(apply.id, lease)
            except LeaseLost as lost:
                log.warning("recovery left to the new holder", extra={"apply": apply.id, "cause": str(lost)})
        schedule_auto_apply(self.engine)

    async def _settle(self, apply_id: str, lease: Lease) -> None:
        async with self.engine.store.read() as uow:
            apply, plan, _ = await apply_in_context(uow, apply_id)
        if apply.finished_at is not None:
            return  # it ended while its lease was waited for
        if apply.status is ApplyStatus.APPLYING:
            apply = await finish_apply(self.engine, lease, apply_id, unknown("the process that sent it is gone"))
        settled = await self._is_settled(apply)
        try:
            async with recording_key_refusals(self.engine, plan.tenant):
                target = self.engine.tenants[plan.tenant].target.spending(APPLYING)
                ops = await target.dry_run(plan.chatbot_id, plan.body)
        except TargetError as error:
            log.warning("read-back failed", extra={"apply": apply_id, "cause": str(error)})
            return
        end = await self.engine.compute(lambda: outcome_of_dry_run(plan, ops, settled=settled), plan.ops, ops)
        if end is not None:
            await finish_apply(self.engine, lease, apply_id, replace(end, message=_with_cause(end, apply)))

    async def _is_settled(self, apply: Apply) -> bool:
        """Whether a late write can no longer land: by the database's clock, and by this process's own patience.

        An intent that lies ahead was written before the clock was set back: then only elapsed time counts.
        """
        settle = self.engine.policy.apply_settle
        async with self.engine.store.read() as uow:
            since_intent = await uow.now() - (apply.intent_at or apply.created_at)
        now = self.engine.clock.monotonic()
        patience = now - (self.first_seen.get((apply.id, apply.intent_at), now) if apply.intent_at else now)
        return not timedelta() <= since_intent < settle and patience >= settle.total_seconds()


def _with_cause(end: ApplyEnd, apply: Apply) -> str:
    """The message of an end that was read back, with why it was unknown before."""
    message = (apply.message or "").removeprefix(EXPLANATIONS[Reason.OUTCOME_UNKNOWN]).strip()
    cause = message.removeprefix("(").removesuffix(")")
    return (
        joined([end.message, f"It was read back, because its outcome was unknown: {cause}"]) if cause else end.message
    )


def outcome_of_dry_run(plan: Plan, ops: Sequence[Op], *, settled: bool) -> ApplyEnd | None:
    """What a dry run of the plan's body proves about its apply; None while that is not settled."""
    outcome = read_back(plan.bare_ops, ops)
    if outcome is ReadBack.ALL_DONE:
        return succeeded((), tuple(ops))
    if not settled:
        return None
    match outcome:
        case ReadBack.NOTHING_DONE:
            status, reason = ApplyStatus.FAILED, Reason.NOT_APPLIED
        case ReadBack.PART_DONE:
            status, reason = ApplyStatus.PARTIALLY_APPLIED, Reason.PARTIALLY_APPLIED
        case ReadBack.UNDETERMINED:
            status, reason = ApplyStatus.FAILED, Reason.UNDETERMINED
    not_done = set(undone(plan.bare_ops, ops)) if outcome is ReadBack.PART_DONE else None
    done = () if not_done is None else tuple(op_outcome_counts(op) for op in plan.bare_ops if op.place not in not_done)
    return ApplyEnd(status=status, reason=reason, message=EXPLANATIONS[reason], applied=done, ops=tuple(ops))
