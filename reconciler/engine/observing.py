"""What becomes of a dry run: baseline, directions, the plan that stands, the chatbot's sync.

Equal proposals keep the open plan and its approvals; another one supersedes it; none at all resolves it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.domain.direction import Baseline, DirectedOp, advance, common, direct
from reconciler.domain.lifecycle import DECIDABLE, PlanStatus
from reconciler.domain.plan import Op, Proposal, propose
from reconciler.domain.policy import requirements
from reconciler.domain.records import Chatbot, GoodDocument, Plan
from reconciler.domain.standing import plan_standing
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.engine.auditing import audit
from reconciler.engine.context import PROGRAM, Engine
from reconciler.engine.standings import Surroundings, is_read_only, move_plan, restate_plan, save_chatbot
from reconciler.errors import (
    BadAnswer,
    ChatbotNotFound,
    QuotaExceeded,
    RequestRefused,
    ScopeMissing,
    TargetError,
    TargetRateLimited,
    TargetUnauthorized,
    TargetUnreachable,
)
from reconciler.ports import UnitOfWork

FAULTS: Sequence[tuple[type[TargetError], Reason]] = (
    (ChatbotNotFound, Reason.CHATBOT_MISSING),
    (QuotaExceeded, Reason.QUOTA_EXCEEDED),
    (TargetRateLimited, Reason.RATE_LIMITED),
    (TargetUnauthorized, Reason.UNAUTHORIZED),
    (ScopeMissing, Reason.SCOPE_MISSING),
    (TargetUnreachable, Reason.TARGET_UNREACHABLE),
    (RequestRefused, Reason.REFUSED_BY_API),
    (BadAnswer, Reason.BAD_ANSWER),
)


@dataclass(frozen=True, slots=True)
class Observation:
    """One dry run of one document.

    Attributes:
        epoch: The chatbot's epoch before the dry run began: an apply since then makes it worthless.
        result: Every op, or why there are none.
    """

    document: GoodDocument
    epoch: int
    result: tuple[Op, ...] | TargetError


@dataclass(frozen=True, slots=True)
class Recorded:
    """What an observation led to."""

    chatbot: Chatbot
    plan_created: bool = False


def fault_of(error: TargetError) -> Reason:
    """The reason that a chatbot shows for an error."""
    return next((reason for kind, reason in FAULTS if isinstance(error, kind)), Reason.BAD_ANSWER)


async def record(engine: Engine, uow: UnitOfWork, given: Surroundings, seen: Observation) -> Recorded | None:
    """Write down an observation; None when the chatbot is not known (any more)."""
    chatbot = await uow.chatbots.get(seen.document.tenant, seen.document.chatbot_id)
    if chatbot is None:
        return None
    if chatbot.epoch != seen.epoch:
        return Recorded(chatbot)
    if isinstance(seen.result, TargetError):
        return await _record_fault(uow, given, chatbot, seen.result)
    return await _record_ops(engine, uow, given, chatbot, seen.document, seen.result)


async def _record_fault(uow: UnitOfWork, given: Surroundings, chatbot: Chatbot, error: TargetError) -> Recorded:
    """Unknown is neither clean nor drifted; only a chatbot that is gone makes its plan stale."""
    fault = fault_of(error)
    if fault is Reason.CHATBOT_MISSING:
        chatbot = await close_open_plan(uow, chatbot, PlanStatus.STALE, Reason.CHATBOT_MISSING)
    chatbot = replace(
        chatbot,
        sync=Sync.UNKNOWN,
        direction=Direction.UNKNOWN,
        fault=fault,
        fault_message=str(error),
        checked_digest=None,
        checked_at=given.now,
    )
    return Recorded(await save_chatbot(uow, given, chatbot))


async def _record_ops(
    engine: Engine,
    uow: UnitOfWork,
    given: Surroundings,
    chatbot: Chatbot,
    document: GoodDocument,
    ops: tuple[Op, ...],
) -> Recorded:
    body = document.body or {}
    baseline = await uow.baselines.get(chatbot.tenant, chatbot.id)
    advanced = advance(baseline, ops, sections=body["spec"], prune=body.get("prune", True), whole=True)
    if advanced != baseline:
        await uow.baselines.put(chatbot.tenant, chatbot.id, advanced)
    proposal = propose(chatbot.tenant, chatbot.id, body, ops)
    chatbot = replace(chatbot, fault=None, fault_message=None, checked_at=given.now, checked_digest=document.digest)
    if proposal is None:
        return await _record_noop(uow, given, chatbot)
    return await _record_proposal(engine, uow, given, chatbot, document, proposal, baseline)


async def _record_noop(uow: UnitOfWork, given: Surroundings, chatbot: Chatbot) -> Recorded:
    chatbot = await close_open_plan(uow, chatbot, PlanStatus.RESOLVED, Reason.RESOLVED)
    chatbot = replace(chatbot, sync=Sync.SYNCED, direction=Direction.IN_SYNC, rejected_fingerprint=None)
    return Recorded(await save_chatbot(uow, given, chatbot))


async def _record_proposal(
    engine: Engine,
    uow: UnitOfWork,
    given: Surroundings,
    chatbot: Chatbot,
    document: GoodDocument,
    proposal: Proposal,
    baseline: Baseline,
) -> Recorded:
    ops = tuple(direct(op, baseline) for op in proposal.ops)
    chatbot = replace(chatbot, sync=Sync.OUT_OF_SYNC, direction=common(op.direction for op in ops))
    plan = await uow.plans.get(chatbot.plan_id) if chatbot.plan_id else None
    if plan is not None and (plan.status not in DECIDABLE or plan.fingerprint == proposal.fingerprint):
        plan = await restate_plan(engine, uow, given, plan)
        return Recorded(await save_chatbot(uow, given, chatbot, plan))
    chatbot = await close_open_plan(uow, chatbot, PlanStatus.SUPERSEDED, Reason.SUPERSEDED)
    if chatbot.rejected_fingerprint == proposal.fingerprint:
        return Recorded(await save_chatbot(uow, given, chatbot))
    plan = new_plan(engine, given, chatbot, document, proposal, ops)
    await uow.plans.add(plan)
    await _audit_new(uow, plan)
    chatbot = replace(chatbot, plan_id=plan.id, rejected_fingerprint=None)
    return Recorded(await save_chatbot(uow, given, chatbot, plan), plan_created=True)


def new_plan(
    engine: Engine,
    given: Surroundings,
    chatbot: Chatbot,
    document: GoodDocument,
    proposal: Proposal,
    ops: Sequence[DirectedOp],
) -> Plan:
    """A pending plan of a proposal."""
    needs = requirements(proposal.ops, proposal.body, engine.policy)
    plan = Plan(
        id=engine.new_id("plan"),
        tenant=chatbot.tenant,
        chatbot_id=chatbot.id,
        source=document.source,
        path=document.path,
        revision=chatbot.revision or "",
        status=PlanStatus.PENDING,
        reason=Reason.AWAITING_APPROVAL,
        message="",
        fingerprint=proposal.fingerprint,
        body=proposal.body,
        ops=tuple(ops),
        summary=proposal.summary,
        direction=common(op.direction for op in ops),
        approvals_required=needs.approvals,
        delete_override=needs.delete_override,
        created_at=given.now,
        expires_at=given.now + engine.policy.plan_ttl,
    )
    reason, message = plan_standing(
        plan,
        read_only=is_read_only(engine, plan.tenant),
        suspension=given.suspension_of(plan.tenant, plan.chatbot_id, plan.source),
    )
    return replace(plan, reason=reason, message=message)


async def _audit_new(uow: UnitOfWork, plan: Plan) -> None:
    detail = {"chatbot": plan.chatbot_id, "tenant": plan.tenant, "revision": plan.revision, **plan.summary._asdict()}
    await audit(uow, PROGRAM, "plan.pending", f"plan/{plan.id}", fingerprint=plan.fingerprint, detail=detail)


async def close_open_plan(uow: UnitOfWork, chatbot: Chatbot, to: PlanStatus, reason: Reason) -> Chatbot:
    """Close the chatbot's open plan, if nothing was sent for it yet, and return the chatbot without it.

    A plan in an apply is left to the apply. A queued apply of a closed plan finds that out by itself.
    """
    plan = await uow.plans.get(chatbot.plan_id) if chatbot.plan_id else None
    if plan is None:
        return replace(chatbot, plan_id=None)
    if plan.status not in DECIDABLE:
        return chatbot
    await move_plan(uow, plan, to, reason=reason)
    return replace(chatbot, plan_id=None)
