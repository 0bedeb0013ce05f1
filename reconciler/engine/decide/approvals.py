"""Which approvals of a plan are still valid, and what follows for the plan (guarantee 1)."""

from collections.abc import Sequence
from datetime import datetime

from reconciler.domain.access import Person, Role
from reconciler.domain.clock_tolerance import is_ahead
from reconciler.domain.entities import Approval, Plan
from reconciler.domain.identity import person_key
from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.status import Reason
from reconciler.engine.audit.entries import audit
from reconciler.engine.conditions import (
    ConditionInputs,
    current_requirements,
    currently_protected,
    refresh_plan_conditions,
    save_chatbot,
    transition_plan,
)
from reconciler.engine.context import PROGRAM, Actor, Engine
from reconciler.engine.reconcile.auto_apply_policy import auto_apply_verdict
from reconciler.storage import UnitOfWork


async def standing_approvals(
    engine: Engine, uow: UnitOfWork, plan: Plan, apply_id: str | None = None
) -> list[Approval]:
    """The approvals of a plan that are valid at this moment, also those that this apply spent itself."""
    weighed = await weigh_approvals(engine, uow, plan, apply_id)
    return [approval for approval, cause in weighed if cause is None]


async def weigh_approvals(
    engine: Engine, uow: UnitOfWork, plan: Plan, apply_id: str | None = None
) -> Sequence[tuple[Approval, str | None]]:
    """Every approval of a plan, with why it is not valid, or None where it is.

    One falls when it is taken back, spent on another apply or expired, when its token is revoked or expired, when its
    person is barred, when what the token or the person's groups give them no longer suffices, when the policy asks for
    an override that it lacks, or when the policy that gave it would no longer.
    """
    now = await uow.now()
    return [
        (approval, await _lapse_of(engine, uow, approval, plan, now, apply_id))
        for approval in await uow.approvals.of_plan(plan.id)
    ]


async def _lapse_of(  # noqa: PLR0911  one return per cause
    engine: Engine, uow: UnitOfWork, approval: Approval, plan: Plan, now: datetime, apply_id: str | None
) -> str | None:
    if approval.revoked_at is not None:
        return "was taken back"
    if approval.spent_by not in (None, apply_id):
        return "was spent on another apply"
    if approval.fingerprint != plan.fingerprint:
        return "is for another fingerprint"
    if is_expired(approval, now):
        return "expired"
    if approval.automatic:
        verdict = await auto_apply_verdict(engine, uow, plan, own_apply=apply_id or plan.apply_id)
        return "is no longer what the policy says" if verdict is None else verdict.refusal or verdict.brake
    if not approval.deletes and (await current_requirements(engine, plan)).delete_override is not None:
        return "lacks overrides.deletes"
    if not await _may_still(engine, uow, approval, plan, now):
        return "is of somebody who may no longer approve it"
    return None


def is_expired(approval: Approval, now: datetime) -> bool:
    """Whether its time has run out, or never came: given while the clock was ahead, it would be valid for too long."""
    return approval.expires_at is not None and (approval.expires_at <= now or is_ahead(approval.created_at, now))


async def _may_still(engine: Engine, uow: UnitOfWork, approval: Approval, plan: Plan, now: datetime) -> bool:
    people = await uow.people.called(approval.actor)
    if any(person.barred_at is not None for person in people):
        return False
    if approval.token_id is None:
        return any(person.name == approval.actor and _is_approver(engine, person, plan) for person in people)
    token = await uow.tokens.get(approval.token_id)
    return (
        token is not None
        and token.is_valid(now)
        and token.role.includes(Role.APPROVER)
        and (token.sources is None or plan.source in token.sources)
    )


def _is_approver(engine: Engine, person: Person, plan: Plan) -> bool:
    role = engine.grants.role_in(person.groups, plan.source)
    return role is not None and role.includes(Role.APPROVER)


async def are_enough(engine: Engine, plan: Plan, valid: Sequence[Approval]) -> bool:
    """Whether these approvals let a plan be applied. Of a person all count once; the policy's counts for all."""
    if await currently_protected(engine, plan):
        return False
    if any(approval.automatic for approval in valid):
        return True
    needed = await current_requirements(engine, plan)
    return len({person_key(approval.actor) for approval in valid}) >= needed.approvals


async def recount(engine: Engine, uow: UnitOfWork, actor: Actor, plan: Plan) -> Plan:
    """Make a plan that can be decided on Approved exactly while enough approvals are valid."""
    weighed = await weigh_approvals(engine, uow, plan)
    enough = await are_enough(engine, plan, [approval for approval, cause in weighed if cause is None])
    if enough == (plan.status is PlanStatus.APPROVED):
        return plan
    if plan.apply_id is not None:
        return plan  # its apply looks at the approvals itself, and frees the plan when they do not suffice
    if not enough:
        await audit_expired(uow, plan)
    status, reason = (
        (PlanStatus.APPROVED, Reason.APPROVED) if enough else (PlanStatus.PENDING, Reason.AWAITING_APPROVAL)
    )
    plan = await transition_plan(uow, plan, status, reason=reason, actor=actor)
    inputs = await ConditionInputs.read(uow)
    plan = await refresh_plan_conditions(engine, uow, inputs, plan)
    chatbot = await uow.chatbots.get(plan.tenant, plan.chatbot_id)
    if chatbot is not None:
        await save_chatbot(uow, inputs, chatbot, plan)
    return plan


async def audit_expired(uow: UnitOfWork, plan: Plan) -> None:
    """Leave a row for each approval whose time ran out, when the plan falls with it."""
    now = await uow.now()
    for approval in await uow.approvals.of_plan(plan.id):
        if approval.is_valid and is_expired(approval, now):
            until = approval.expires_at.isoformat() if approval.expires_at else None
            detail = {"approval": approval.id, "actor": approval.actor, "expires_at": until}
            subject = f"plan/{plan.id}"
            await audit(uow, PROGRAM, "approval.expire", subject, fingerprint=plan.fingerprint, detail=detail)


async def settle_approved_plans(engine: Engine, uow: UnitOfWork, *, of_token: str | None = None) -> None:
    """Move plans back to Pending whose approvals no longer suffice; a queued apply finds that out by itself.

    Args:
        engine: The ports.
        uow: The transaction.
        of_token: Only those with an approval of this token.
    """
    for plan in await uow.plans.approved():
        tokens = {approval.token_id for approval in await uow.approvals.of_plan(plan.id)}
        if of_token is None or of_token in tokens:
            await recount(engine, uow, PROGRAM, plan)


async def settle_approvals(engine: Engine) -> None:
    """At every tick: see which plans fell back, and write only where one did."""
    async with engine.store.read() as uow:
        plans = await uow.plans.approved()
        fallen = [
            plan for plan in plans if not await are_enough(engine, plan, await standing_approvals(engine, uow, plan))
        ]
    if fallen:
        async with engine.store.begin() as uow:
            await settle_approved_plans(engine, uow)
