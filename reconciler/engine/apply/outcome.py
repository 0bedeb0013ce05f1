"""Writes the outcome of an apply: apply, plan, chatbot and audit entry in one transaction, under the lease's fence."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from reconciler.domain.canonical import digest
from reconciler.domain.direction import Baseline, advance, settle
from reconciler.domain.entities import Apply, Chatbot, Lease, Plan
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.plan import Op, body_for
from reconciler.domain.sentences import ended
from reconciler.domain.status import OF_DOCUMENTS, Direction, Reason, Sync
from reconciler.engine.audit.entries import audit
from reconciler.engine.conditions import ConditionInputs, refresh_plan_conditions, save_chatbot, transition_plan
from reconciler.engine.conflicts import retry_on_conflict
from reconciler.engine.context import PROGRAM, Engine
from reconciler.engine.decide.approvals import are_enough, audit_expired, standing_approvals
from reconciler.engine.reconcile.diff import DryRunResult, record_results
from reconciler.engine.reconcile.drift_scan import dry_run
from reconciler.engine.tenant_state import record_call
from reconciler.errors import TargetError
from reconciler.ports import APPLYING
from reconciler.storage import UnitOfWork

log = logging.getLogger(__name__)


class LeaseLost(Exception):
    """Nothing may be written any more under this lease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyEnd:
    """How an apply ended.

    Attributes:
        status: One of the plan's outcomes, or OutcomeUnknown.
        applied: What WizChat says it executed.
        failed: The op that stopped it.
        ops: Every op of the dry run that proved the end, where one did.
    """

    status: ApplyStatus
    reason: Reason
    message: str
    applied: tuple[Mapping[str, Any], ...] = ()
    failed: Mapping[str, Any] | None = None
    ops: tuple[Op, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", ended(self.message))


async def check_fence(uow: UnitOfWork, lease: Lease) -> None:
    """Compare the fence: a state change under a lost lease is none.

    Raises:
        LeaseLost: Somebody else holds the chatbot by now.
    """
    if not await uow.leases.holds(lease):
        raise LeaseLost(f"the lease of {lease.chatbot_id} was lost")


async def finish_apply(engine: Engine, lease: Lease, apply_id: str, end: ApplyEnd) -> Apply:
    """Write down how an apply ended, after its intent, and return it as it now is.

    Raises:
        LeaseLost: Somebody else holds the chatbot by now.
    """
    apply, plan = await retry_on_conflict(lambda: _finish(engine, lease, apply_id, end))
    if apply.finished_at is not None and not _is_all_noop(end):
        await compare_again(engine, plan.tenant, plan.chatbot_id, _history_cause(apply_id))
    return apply


async def _finish(engine: Engine, lease: Lease, apply_id: str, end: ApplyEnd) -> tuple[Apply, Plan]:
    async with engine.store.begin() as uow:
        uow.history.because(_history_cause(apply_id))
        await check_fence(uow, lease)
        apply, plan, chatbot = await apply_in_context(uow, apply_id)
        unknown = end.status is ApplyStatus.OUTCOME_UNKNOWN
        plan = await transition_plan(uow, plan, PlanStatus(end.status.value), reason=end.reason, message=end.message)
        apply = await uow.applies.save(
            replace(
                apply,
                status=end.status,
                finished_at=None if unknown else await uow.now(),
                applied=end.applied,
                failed=end.failed,
                reason=end.reason,
                message=end.message,
            )
        )
        await _audit_end(uow, apply, plan, end)
        await _update_chatbot(engine, uow, chatbot, plan, end, closed=not unknown)
        return apply, plan


def _is_all_noop(end: ApplyEnd) -> bool:
    """Whether the chatbot is proven to be as its document says; ops beside the plan are a new plan."""
    return end.status is ApplyStatus.APPLIED and all(op.is_noop for op in end.ops or ())


async def _update_chatbot(
    engine: Engine, uow: UnitOfWork, chatbot: Chatbot, plan: Plan, end: ApplyEnd, *, closed: bool
) -> None:
    inputs = await ConditionInputs.read(uow)
    if end.ops is not None:
        baseline = await uow.baselines.get(plan.tenant, plan.chatbot_id)
        shown = partial(_shown_by, chatbot, plan, end.status, end.ops, baseline)
        chatbot, advanced = await engine.compute(shown, plan.body, end.ops, baseline)
        await uow.baselines.put(plan.tenant, plan.chatbot_id, advanced)
    if closed:
        chatbot = replace(chatbot, epoch=chatbot.epoch + 1, plan_id=None)
    if end.status is ApplyStatus.APPLIED:
        chatbot = replace(chatbot, last_applied_revision=plan.revision)
    if _is_all_noop(end) and chatbot.fault not in OF_DOCUMENTS:
        chatbot = replace(
            chatbot,
            sync=Sync.SYNCED,
            direction=Direction.IN_SYNC,
            fault=None,
            fault_message=None,
            checked_at=inputs.now,
            synced_at=inputs.now,
            synced_revision=plan.revision,
        )
    await save_chatbot(uow, inputs, chatbot, None if closed else plan)


def _shown_by(
    chatbot: Chatbot, plan: Plan, status: ApplyStatus, ops: tuple[Op, ...], baseline: Baseline
) -> tuple[Chatbot, Baseline]:
    """What the dry run that proved an end makes of the chatbot and of what both sides agree on."""
    advanced = advance(baseline, ops, sections=plan.body["spec"], prune=plan.prune, whole=False)
    if status is not ApplyStatus.APPLIED_NOT_CONVERGED:
        return chatbot, advanced
    return _count_unconverged(chatbot, plan, ops), settle(advanced, plan.bare_ops, ops)


def _count_unconverged(chatbot: Chatbot, plan: Plan, ops: Sequence[Op]) -> Chatbot:
    """A chatbot that remembers what it did not store as it was sent, and how often in a row."""
    remaining = digest(body_for(plan.body, [op for op in ops if not op.is_noop]))
    before = chatbot.unconverged_ends if chatbot.unconverged_body == remaining else 0
    return replace(chatbot, unconverged_body=remaining, unconverged_ends=before + 1)


async def _audit_end(uow: UnitOfWork, apply: Apply, plan: Plan, end: ApplyEnd) -> None:
    detail = {
        "plan": plan.id,
        "chatbot": plan.chatbot_id,
        "tenant": plan.tenant,
        "status": end.status,
        "reason": end.reason,
        "message": end.message,
        "window_ms": apply.window_ms,
    }
    shown = ("chatbot", "tenant", "status", "window_ms")
    facts = {"apply": apply.id, **{name: detail[name] for name in shown}}
    log.info("apply ended" if end.status is not ApplyStatus.OUTCOME_UNKNOWN else "apply unknown", extra=facts)
    action = f"apply.{end.status.value.lower()}"
    await audit(uow, PROGRAM, action, f"apply/{apply.id}", fingerprint=plan.fingerprint, detail=detail)


async def end_without_write(
    engine: Engine,
    lease: Lease,
    apply_id: str,
    end: ApplyEnd,
    *,
    to: PlanStatus | None = None,
) -> None:
    """End an apply before its intent: nothing was sent, and the plan may be applied again, or moves to ``to``.

    Raises:
        LeaseLost: Somebody else holds the chatbot by now.
    """
    plan = await retry_on_conflict(lambda: _give_up(engine, lease, apply_id, end, to))
    if to is not PlanStatus.PENDING:
        await compare_again(engine, plan.tenant, plan.chatbot_id, _history_cause(apply_id))


async def _give_up(engine: Engine, lease: Lease, apply_id: str, end: ApplyEnd, to: PlanStatus | None) -> Plan:
    async with engine.store.begin() as uow:
        uow.history.because(_history_cause(apply_id))
        await check_fence(uow, lease)
        apply, plan, chatbot = await apply_in_context(uow, apply_id)
        await uow.applies.save(
            replace(apply, status=end.status, finished_at=await uow.now(), reason=end.reason, message=end.message)
        )
        await _audit_end(uow, apply, plan, end)
        await _put_back(engine, uow, chatbot, plan, end, to)
        return plan


async def _put_back(
    engine: Engine, uow: UnitOfWork, chatbot: Chatbot, plan: Plan, end: ApplyEnd, to: PlanStatus | None
) -> None:
    """Free the plan for another apply, or move it on, unless something else closed it meanwhile."""
    inputs = await ConditionInputs.read(uow)
    if plan.status is PlanStatus.APPROVED:
        plan = await uow.plans.save(replace(plan, apply_id=None if to is not PlanStatus.STALE else plan.apply_id))
        if to is PlanStatus.PENDING:
            await audit_expired(uow, plan)
        if to is not None:
            plan = await transition_plan(uow, plan, to, reason=end.reason, message=end.message)
        elif not await _still_enough(engine, uow, plan):
            # such as the policy's own approval, which does not outlive an apply that ended otherwise than Applied
            plan = await transition_plan(uow, plan, PlanStatus.PENDING, reason=Reason.AWAITING_APPROVAL)
        plan = await refresh_plan_conditions(engine, uow, inputs, plan)
    is_current = chatbot.plan_id == plan.id
    chatbot = replace(
        chatbot,
        epoch=chatbot.epoch + 1,
        plan_id=None if is_current and not plan.is_open else chatbot.plan_id,
    )
    await save_chatbot(uow, inputs, chatbot)


async def _still_enough(engine: Engine, uow: UnitOfWork, plan: Plan) -> bool:
    return await are_enough(engine, plan, await standing_approvals(engine, uow, plan))


async def apply_in_context(uow: UnitOfWork, apply_id: str) -> tuple[Apply, Plan, Chatbot]:
    """The apply, its plan and its chatbot as they are now; rows that are never removed while an apply runs."""
    apply = await uow.applies.get(apply_id)
    plan = await uow.plans.get(apply.plan_id) if apply else None
    chatbot = await uow.chatbots.get(plan.tenant, plan.chatbot_id) if plan else None
    if apply is None or plan is None or chatbot is None:
        raise LookupError(f"apply {apply_id} lost its plan or its chatbot")
    return apply, plan, chatbot


def _history_cause(apply_id: str) -> str:
    return f"apply/{apply_id}"


async def compare_again(engine: Engine, tenant: str, chatbot_id: str, cause: str) -> None:
    """Dry-run a chatbot at once, so that its next plan exists; the history names the cause."""
    async with engine.store.read() as uow:
        chatbot = await uow.chatbots.get(tenant, chatbot_id)
        source = chatbot.source if chatbot else None
        document = await uow.documents.get(source, chatbot_id) if source else None
    if chatbot is None or document is None or document.body is None:
        return
    result = await dry_run(engine, engine.tenants[tenant].target.spending(APPLYING), document)
    if isinstance(result, TargetError):
        result = await record_call(engine, tenant, result)
    dry_run_result = DryRunResult(document, chatbot.epoch, result)
    await retry_on_conflict(lambda: _record_again(engine, dry_run_result, cause))


async def _record_again(engine: Engine, dry_run: DryRunResult, cause: str) -> None:
    async with engine.store.begin() as uow:
        uow.history.because(cause)
        await record_results(engine, uow, dry_run)
