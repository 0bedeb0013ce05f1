"""People's decisions about plans: approve, revoke, reject, withdraw a rejection, one or many.

An approval belongs to one plan row and to the fingerprint that the person saw (guarantee 1).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.domain.entities import Apply, Approval, Chatbot, Plan
from reconciler.domain.lifecycle import DECIDABLE, PlanStatus
from reconciler.domain.secrets import redacted
from reconciler.domain.status import EXPLANATIONS, Reason
from reconciler.engine.apply.outcome import compare_again
from reconciler.engine.apply.request import (
    get_decidable_plan,
    get_plan_by_fingerprint,
    plan_closed,
    queue_apply,
    require_unprotected,
    submit_apply,
)
from reconciler.engine.audit.entries import audit, record_refusal
from reconciler.engine.conditions import ConditionInputs, current_requirements, save_chatbot, transition_plan
from reconciler.engine.context import Actor, Engine
from reconciler.engine.decide.approvals import recount, standing_approvals
from reconciler.errors import Conflict, Forbidden, NotFound, ReconcilerError
from reconciler.storage import UnitOfWork


@dataclass(frozen=True, slots=True)
class Overrides:
    """What an approval lets pass on purpose.

    Attributes:
        deletes: Whether it lets a plan pass that the delete gate blocks.
        reason: Why; never empty.
    """

    deletes: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """A plan and its approvals after a decision."""

    plan: Plan
    approvals: Sequence[Approval]
    apply: Apply | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A plan, and the fingerprint that was seen."""

    plan_id: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one item of many."""

    item: Item
    decision: Decision | None = None
    error: ReconcilerError | None = None


async def approve(
    engine: Engine,
    actor: Actor,
    plan_id: str,
    fingerprint: str,
    *,
    comment: str | None = None,
    overrides: Overrides | None = None,
    apply: bool = False,
) -> Decision:
    """Say yes to exactly what was seen.

    Args:
        engine: The ports.
        actor: Who; needs the role approver for the plan's source. One person counts once.
        plan_id: The plan.
        fingerprint: What the person saw.
        comment: For the log.
        overrides: Needed where the plan requires the delete override.
        apply: Queue the apply as soon as enough people approved, in the same transaction.

    Returns:
        The plan with its approvals; a repeated call changes nothing.

    Raises:
        NotFound: There is no such plan.
        Forbidden: The actor may not.
        Conflict: ``fingerprint_mismatch``, ``plan_closed``, ``protected``, ``delete_override_required``, or what
            `queue_apply` raises.
    """
    async with engine.store.begin() as uow:
        plan = await get_plan_by_fingerprint(uow, actor, plan_id, fingerprint)
        approvals = list(await uow.approvals.of_plan(plan.id))
        if plan.status not in DECIDABLE:
            return _decision_as_it_stands(plan, approvals, actor)
        await require_unprotected(engine, plan)
        if not any(approval.is_of(actor.name) for approval in await standing_approvals(engine, uow, plan)):
            approvals.append(await _add_approval(engine, uow, actor, plan, comment, overrides))
        plan = await recount(engine, uow, actor, plan)
        queued = None
        if apply and plan.status is PlanStatus.APPROVED:
            plan, queued = await queue_apply(engine, uow, actor, plan)
    submit_apply(engine, queued)
    return Decision(plan, approvals, queued)


async def revoke(engine: Engine, actor: Actor, plan_id: str) -> Decision:
    """Take back one's own approval, and the policy's, before an apply began.

    Returns:
        The plan with its approvals; a repeated call changes nothing.

    Raises:
        NotFound: There is no such plan.
        Conflict: ``plan_closed``, ``apply_in_progress``, or ``conflict`` where there never was one to take back.
    """
    async with engine.store.begin() as uow:
        plan = await get_decidable_plan(uow, actor, plan_id)
        _require_no_apply(plan)
        approvals = list(await uow.approvals.of_plan(plan.id))
        _require_own_approval(plan, approvals, actor)
        for index, approval in enumerate(approvals):
            if _may_take_back(actor, approval) and approval.is_valid:
                approvals[index] = await uow.approvals.save(replace(approval, revoked_at=await uow.now()))
                detail = {"approval": approval.id, "of": approval.actor}
                await audit(uow, actor, "plan.revoke", f"plan/{plan.id}", fingerprint=plan.fingerprint, detail=detail)
        plan = await recount(engine, uow, actor, plan)
    return Decision(plan, approvals)


async def reject(
    engine: Engine, actor: Actor, plan_id: str, fingerprint: str, *, comment: str | None = None
) -> Decision:
    """Say no: the same proposal is not offered again until something else came in between.

    Raises:
        NotFound: There is no such plan.
        Forbidden: The actor may not.
        Conflict: ``fingerprint_mismatch``, ``plan_closed`` or ``apply_in_progress``.
    """
    async with engine.store.begin() as uow:
        plan = await get_plan_by_fingerprint(uow, actor, plan_id, fingerprint)
        approvals = await uow.approvals.of_plan(plan.id)
        if plan.status is PlanStatus.REJECTED:
            return Decision(plan, approvals)
        _require_no_apply(plan)
        detail = {"comment": comment} if comment else None
        await audit(uow, actor, "plan.reject", f"plan/{plan.id}", fingerprint=plan.fingerprint, detail=detail)
        message = f"{EXPLANATIONS[Reason.REJECTED]} ({_comment_signed(actor, comment)})"
        plan = await transition_plan(
            uow, plan, PlanStatus.REJECTED, reason=Reason.REJECTED, message=message, actor=actor
        )
        chatbot = await uow.chatbots.get(plan.tenant, plan.chatbot_id)
        if chatbot is not None and chatbot.plan_id == plan.id:
            chatbot = replace(chatbot, plan_id=None, rejected_fingerprint=plan.fingerprint)
            await save_chatbot(uow, await ConditionInputs.read(uow), chatbot)
    return Decision(plan, approvals)


def holds_back_equal_plans(plan: Plan, chatbot: Chatbot | None) -> bool:
    """Whether a rejected plan is why an equal one is not offered again."""
    return (
        plan.status is PlanStatus.REJECTED
        and chatbot is not None
        and chatbot.plan_id is None
        and chatbot.rejected_fingerprint == plan.fingerprint
    )


async def withdraw_rejection(
    engine: Engine, actor: Actor, plan_id: str, fingerprint: str, *, comment: str | None = None
) -> Decision:
    """Take a rejection back: the plan stays closed, and an equal one is offered at once, without approvals.

    The chatbot is dry-run before this returns. Where that fails, or the document says something else by now, what is
    offered follows from that.

    Args:
        engine: The ports.
        actor: Who; needs the role approver for the plan's source.
        plan_id: The rejected plan.
        fingerprint: What the person saw.
        comment: For the log.

    Returns:
        The rejected plan; the same again, or after something else came in between, changes nothing.

    Raises:
        NotFound: There is no such plan.
        Forbidden: The actor may not.
        Conflict: ``fingerprint_mismatch``, or ``conflict`` where the plan was not rejected.
    """
    async with engine.store.begin() as uow:
        plan = await get_plan_by_fingerprint(uow, actor, plan_id, fingerprint)
        approvals = await uow.approvals.of_plan(plan.id)
        if plan.status is not PlanStatus.REJECTED:
            raise Conflict("conflict", f"plan {plan.id} is {plan.status}: there is no rejection to take back")
        chatbot = await uow.chatbots.get(plan.tenant, plan.chatbot_id)
        if chatbot is None or not holds_back_equal_plans(plan, chatbot):
            return Decision(plan, approvals)
        detail = {"comment": comment} if comment else None
        await audit(uow, actor, "plan.withdraw", f"plan/{plan.id}", fingerprint=plan.fingerprint, detail=detail)
        message = f"{plan.message} The rejection was taken back ({_comment_signed(actor, comment)})."
        plan = await uow.plans.save(replace(plan, message=message))
        await save_chatbot(uow, await ConditionInputs.read(uow), replace(chatbot, rejected_fingerprint=None))
    await compare_again(engine, plan.tenant, plan.chatbot_id, f"plan/{plan.id}")
    return Decision(plan, approvals)


def _comment_signed(actor: Actor, comment: str | None) -> str:
    return f"{actor.name}: {redacted(comment)}" if comment else actor.name


async def decide_all(
    engine: Engine,
    actor: Actor,
    *,
    approving: bool,
    items: Sequence[Item],
    comment: str | None = None,
    apply: bool = False,
) -> Sequence[ItemResult]:
    """Decide about many plans, each in its own transaction with its own audit entry; one refusal stops no other."""
    return [await _decide_one(engine, actor, item, approving=approving, comment=comment, apply=apply) for item in items]


async def _decide_one(
    engine: Engine, actor: Actor, item: Item, *, approving: bool, comment: str | None, apply: bool
) -> ItemResult:
    try:
        if approving:
            decision = await approve(engine, actor, item.plan_id, item.fingerprint, comment=comment, apply=apply)
        else:
            decision = await reject(engine, actor, item.plan_id, item.fingerprint, comment=comment)
    except (Conflict, Forbidden, NotFound) as error:
        action = "plan.approve" if approving else "plan.reject"
        subject = f"plan/{item.plan_id}"
        await record_refusal(engine, actor, action, subject, error, fingerprint=item.fingerprint)
        return ItemResult(item, error=error)
    return ItemResult(item, decision)


def _decision_as_it_stands(plan: Plan, approvals: Sequence[Approval], actor: Actor) -> Decision:
    """The same approval again answers with what became of it; a new one comes too late."""
    approved_by_actor = any(approval.is_of(actor.name) and approval.revoked_at is None for approval in approvals)
    if not approved_by_actor or plan.apply_id is None:
        raise plan_closed(plan)
    return Decision(plan, approvals)


def _require_no_apply(plan: Plan) -> None:
    if plan.status not in DECIDABLE:
        raise plan_closed(plan)
    if plan.apply_id is not None:
        raise Conflict("apply_in_progress", f"plan {plan.id} is queued to be applied: wait for the apply to end")


def _may_take_back(actor: Actor, approval: Approval) -> bool:
    return approval.automatic or approval.is_of(actor.name)


def _require_own_approval(plan: Plan, approvals: Sequence[Approval], actor: Actor) -> None:
    if not any(_may_take_back(actor, approval) and approval.spent_at is None for approval in approvals):
        raise Conflict("conflict", f"plan {plan.id} has no approval of yours: only one's own can be taken back")


async def _add_approval(
    engine: Engine, uow: UnitOfWork, actor: Actor, plan: Plan, comment: str | None, overrides: Overrides | None
) -> Approval:
    deletes = overrides is not None and overrides.deletes
    override_reason = (await current_requirements(engine, plan)).delete_override
    if override_reason is not None and not deletes:
        raise Conflict(
            "delete_override_required",
            f"the plan needs overrides.deletes with a reason, because {override_reason}",
        )
    now = await uow.now()
    approval = Approval(
        id=engine.new_id("approval"),
        plan_id=plan.id,
        fingerprint=plan.fingerprint,
        actor=actor.name,
        token_id=actor.token_id,
        created_at=now,
        expires_at=now + engine.policy.approval_ttl,
        comment=comment,
        deletes=deletes,
        reason=overrides.reason if overrides else None,
    )
    await uow.approvals.add(approval)
    detail = {
        "approval": approval.id,
        "comment": comment,
        "deletes": deletes,
        "reason": approval.reason,
        "because": override_reason,
    }
    await audit(uow, actor, "plan.approve", f"plan/{plan.id}", fingerprint=plan.fingerprint, detail=detail)
    return approval
