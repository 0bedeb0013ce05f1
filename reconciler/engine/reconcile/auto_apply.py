"""Auto-apply: approves and queues the plans that the policy applies without a person (guarantee 10)."""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.domain.access import Role
from reconciler.domain.auto_apply_rules import ACTOR, rule_of
from reconciler.domain.entities import Apply, Approval, Plan, SourceRecord, SourceState
from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.policy import AutoApply
from reconciler.domain.status import Reason
from reconciler.engine.apply.request import queue_apply, require_applicable, submit_apply
from reconciler.engine.audit.entries import audit
from reconciler.engine.conditions import ConditionInputs, refresh_plan_conditions, save_chatbot
from reconciler.engine.context import Actor, Engine
from reconciler.engine.decide.approvals import recount, standing_approvals
from reconciler.engine.reconcile.auto_apply_policy import auto_apply_verdict, update_breaker
from reconciler.errors import Conflict
from reconciler.ports import Job, JobKind
from reconciler.storage import UnitOfWork

POLICY = Actor(ACTOR, Role.APPROVER)
"""The policy, as who approves and asks for the apply."""


def schedule_auto_apply(engine: Engine) -> None:
    """Have every source looked at for plans that the policy applies: after whatever may have let one pass."""
    if engine.policy.auto_apply is not AutoApply.NONE:
        engine.dispatcher.submit(Job(JobKind.AUTOMATE))


async def auto_apply_all(engine: Engine) -> None:
    """Approve and queue what the policy applies, source by source."""
    for source in engine.sources:
        await auto_apply(engine, source)


async def auto_apply(engine: Engine, source: str) -> None:
    """Approve and queue the plans of a source that the policy applies, and say of the others why not.

    While a run is under way not all plans of a revision are known: its end looks again.
    """
    if engine.policy.auto_apply is AutoApply.NONE:
        return
    async with engine.store.read() as uow:
        busy = any(run.source == source for run in await uow.runs.running())
    if not busy:
        await apply_selected(engine, await select_plans(engine, source))


@dataclass(frozen=True, slots=True)
class AutoApplySelection:
    """What the policy makes of a source's pending plans.

    Attributes:
        brake: Why nothing of a revision is applied without a person, or None.
        plans: The ids of those that are applied without one.
    """

    brake: str | None = None
    plans: Sequence[str] = ()


def selects_nothing(engine: Engine, record: SourceRecord | None) -> bool:
    """Whether the policy applies nothing of a source by itself, and no brake is left to be released."""
    return engine.policy.auto_apply is AutoApply.NONE and (record is None or record.brake is None)


async def select_plans(engine: Engine, source: str) -> AutoApplySelection:
    """Judge the brake, choose the plans that the policy lets pass, and show at the others why not."""
    async with engine.store.read() as uow:
        record = await uow.sources.get(source)
    if selects_nothing(engine, record):
        return AutoApplySelection()
    try:
        async with engine.store.begin() as uow:
            return await _select(engine, uow, source)
    except Conflict:
        return AutoApplySelection()  # a plan changed meanwhile; the next pass finds the rest


async def _select(engine: Engine, uow: UnitOfWork, source: str) -> AutoApplySelection:
    brake = await update_breaker(engine, uow, source)
    inputs = await ConditionInputs.read(uow)
    plans = [await _refresh_conditions(engine, uow, inputs, plan) for plan in await uow.plans.pending(source)]
    record = inputs.sources.get(source)
    if record is None or record.state is SourceState.UNKNOWN:
        return AutoApplySelection(brake)
    waiting = [plan for plan in plans if plan.reason is Reason.AWAITING_APPROVAL and plan.suspension_id is None]
    return AutoApplySelection(brake, [plan.id for plan in waiting if await _is_ready(engine, uow, inputs, plan)])


async def apply_selected(engine: Engine, choice: AutoApplySelection) -> None:
    """Approve the chosen plans and queue their applies, each only if it still may be."""
    for plan_id in choice.plans:
        try:
            submit_apply(engine, await _approve_and_queue(engine, plan_id))
        except Conflict:
            continue  # stopped or changed meanwhile


async def _is_ready(engine: Engine, uow: UnitOfWork, inputs: ConditionInputs, plan: Plan) -> bool:
    verdict = await auto_apply_verdict(engine, uow, plan, brakes=inputs.brakes)
    return verdict is not None and verdict.cause is None


async def _refresh_conditions(engine: Engine, uow: UnitOfWork, inputs: ConditionInputs, plan: Plan) -> Plan:
    refreshed = await refresh_plan_conditions(engine, uow, inputs, plan)
    chatbot = await uow.chatbots.get(plan.tenant, plan.chatbot_id) if refreshed is not plan else None
    if chatbot is not None:
        await save_chatbot(uow, inputs, chatbot)
    return refreshed


async def _approve_and_queue(engine: Engine, plan_id: str) -> Apply | None:
    async with engine.store.begin() as uow:
        plan = await uow.plans.get(plan_id)
        if plan is None or plan.status is not PlanStatus.PENDING:
            return None
        if not await _is_ready(engine, uow, await ConditionInputs.read(uow), plan):
            return None
        await require_applicable(engine, uow, plan)
        if not any(approval.automatic for approval in await standing_approvals(engine, uow, plan)):
            await _add_approval(engine, uow, plan)
        plan = await recount(engine, uow, POLICY, plan)
        return (await queue_apply(engine, uow, POLICY, plan))[1]


async def _add_approval(engine: Engine, uow: UnitOfWork, plan: Plan) -> None:
    now = await uow.now()
    approval = Approval(
        id=engine.new_id("approval"),
        plan_id=plan.id,
        fingerprint=plan.fingerprint,
        actor=ACTOR,
        token_id=None,
        created_at=now,
        expires_at=now + engine.policy.approval_ttl,
        automatic=True,
        comment=rule_of(engine.policy),
    )
    await uow.approvals.add(approval)
    detail = {
        "approval": approval.id,
        "rule": approval.comment,
        "direction": plan.direction,
        **plan.summary._asdict(),
    }
    await audit(uow, POLICY, "plan.approve", f"plan/{plan.id}", fingerprint=plan.fingerprint, detail=detail)
