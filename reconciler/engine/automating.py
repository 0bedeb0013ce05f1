"""Applies without a person: the policy's own yes to plans that it may apply (rule 10 of the design)."""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.domain.automatic import ACTOR, rule_of
from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.policy import AutoApply
from reconciler.domain.records import Apply, Approval, Plan, Role, SourceState
from reconciler.domain.status import Reason
from reconciler.engine.applying import queue_apply, refuse_if_stopped, submit
from reconciler.engine.approvals import recount, standing_approvals
from reconciler.engine.auditing import audit
from reconciler.engine.braking import judge
from reconciler.engine.context import Actor, Engine
from reconciler.engine.remembering import verdict
from reconciler.engine.standings import Surroundings, restate_plan, save_chatbot
from reconciler.errors import Conflict
from reconciler.ports import Job, JobKind, UnitOfWork

POLICY = Actor(ACTOR, Role.APPROVER)
"""The policy, as who approves and asks for the apply."""


def automate_soon(engine: Engine) -> None:
    """Have every source looked at for plans that the policy applies: after whatever may have let one pass."""
    if engine.policy.auto_apply is not AutoApply.NONE:
        engine.dispatcher.submit(Job(JobKind.AUTOMATE))


async def automate_all(engine: Engine) -> None:
    """Look at every source."""
    for source in engine.sources:
        await automate(engine, source)


async def automate(engine: Engine, source: str) -> None:
    """Approve and queue the plans of a source that the policy applies, and say of the others why not.

    While a run is under way not all plans of a revision are known: its end looks again.
    """
    if engine.policy.auto_apply is AutoApply.NONE:
        return
    async with engine.store.read() as uow:
        busy = any(run.source == source for run in await uow.runs.running())
    if not busy:
        await apply_chosen(engine, await choose(engine, source))


@dataclass(frozen=True, slots=True)
class Choice:
    """What the policy makes of a source's pending plans.

    Attributes:
        brake: Why nothing of a revision is applied without a person, or None.
        plans: The ids of those that are applied without one.
    """

    brake: str | None = None
    plans: Sequence[str] = ()


async def choose(engine: Engine, source: str) -> Choice:
    """Judge the brake, choose the plans that the policy lets pass, and show at the others why not."""
    async with engine.store.read() as uow:
        record = await uow.sources.get(source)
    if engine.policy.auto_apply is AutoApply.NONE and (record is None or record.brake is None):
        return Choice()
    try:
        async with engine.store.begin() as uow:
            return await _choose(engine, uow, source)
    except Conflict:
        return Choice()  # somebody else changed a plan meanwhile; the next look finds the rest


async def _choose(engine: Engine, uow: UnitOfWork, source: str) -> Choice:
    brake = await judge(engine, uow, source)
    given = await Surroundings.read(uow)
    plans = [await _restate(engine, uow, given, plan) for plan in await uow.plans.pending(source)]
    record = given.sources.get(source)
    if record is None or record.state is SourceState.UNKNOWN:
        return Choice(brake)
    waiting = [plan for plan in plans if plan.reason is Reason.AWAITING_APPROVAL and plan.suspension_id is None]
    return Choice(brake, [plan.id for plan in waiting if await _is_ready(engine, uow, given, plan)])


async def apply_chosen(engine: Engine, choice: Choice) -> None:
    """Approve the chosen plans and queue their applies, each only if it still may be."""
    for plan_id in choice.plans:
        try:
            submit(engine, await _approve_and_queue(engine, plan_id))
        except Conflict:
            continue  # stopped or changed meanwhile


async def _is_ready(engine: Engine, uow: UnitOfWork, given: Surroundings, plan: Plan) -> bool:
    seen = await verdict(engine, uow, plan, brakes=given.brakes)
    return seen is not None and seen.cause is None


async def _restate(engine: Engine, uow: UnitOfWork, given: Surroundings, plan: Plan) -> Plan:
    stated = await restate_plan(engine, uow, given, plan)
    chatbot = await uow.chatbots.get(plan.tenant, plan.chatbot_id) if stated is not plan else None
    if chatbot is not None:
        await save_chatbot(uow, given, chatbot)
    return stated


async def _approve_and_queue(engine: Engine, plan_id: str) -> Apply | None:
    async with engine.store.begin() as uow:
        plan = await uow.plans.get(plan_id)
        if plan is None or plan.status is not PlanStatus.PENDING:
            return None
        if not await _is_ready(engine, uow, await Surroundings.read(uow), plan):
            return None
        await refuse_if_stopped(engine, uow, plan)
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
