"""What becomes of a dry run: baseline, directions, the plan that stands, the chatbot's sync.

Equal proposals keep the open plan and its approvals; another one supersedes it; none at all resolves it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from reconciler.domain.canonical import digest
from reconciler.domain.condition_rules import is_held
from reconciler.domain.direction import NO_BASELINE, Baseline, DirectedOp, advance, common, direct, is_same_baseline
from reconciler.domain.entities import Chatbot, Claim, Plan
from reconciler.domain.lifecycle import DECIDABLE, PlanStatus
from reconciler.domain.plan import Op, Proposal, propose
from reconciler.domain.policy import requirements
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.engine.audit.entries import audit
from reconciler.engine.conditions import (
    ConditionInputs,
    plan_with_conditions,
    refresh_plan_conditions,
    transition_plan,
    with_conditions,
)
from reconciler.engine.context import PROGRAM, Engine
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
from reconciler.storage import UnitOfWork

FAULT_REASONS: Sequence[tuple[type[TargetError], Reason]] = (
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
class DryRunResult:
    """One dry run of one document.

    Attributes:
        epoch: The chatbot's epoch before the dry run began: an apply since then makes it worthless.
        result: Every op, or why there are none.
        was_asked: Whether a dry run was asked for, and its result not already known.
    """

    document: Claim
    epoch: int
    result: tuple[Op, ...] | TargetError
    was_asked: bool = True


@dataclass(frozen=True, slots=True)
class StoredState:
    """What is stored about the chatbots that observations are about, read by a few statements for all of them."""

    chatbots: Mapping[str, Chatbot]
    baselines: Mapping[str, Baseline]
    plans: Mapping[str, Plan]

    @classmethod
    async def read(cls, uow: UnitOfWork, tenant: str, chatbot_ids: Sequence[str]) -> "StoredState":
        """Read what is stored about these chatbots."""
        chatbots = await uow.chatbots.some(tenant, chatbot_ids)
        plans = await uow.plans.some([chatbot.plan_id for chatbot in chatbots.values() if chatbot.plan_id])
        return cls(chatbots, await uow.baselines.some(tenant, chatbot_ids), plans)

    def plan_of(self, chatbot: Chatbot) -> Plan | None:
        """The chatbot's open plan."""
        return self.plans.get(chatbot.plan_id) if chatbot.plan_id else None


@dataclass(frozen=True, slots=True)
class ChatbotUpdate:
    """What an observation makes of a chatbot, to be saved.

    Attributes:
        baseline: The new one, where it changed.
    """

    chatbot: Chatbot
    baseline: Baseline | None = None
    plan_created: bool = False


def fault_of(error: TargetError) -> Reason:
    """The reason that a chatbot shows for an error."""
    return next((reason for kind, reason in FAULT_REASONS if isinstance(error, kind)), Reason.BAD_ANSWER)


async def record_results(engine: Engine, uow: UnitOfWork, inputs: ConditionInputs, *dry_run: DryRunResult) -> int:
    """Write down observations of one tenant's chatbots, of each chatbot at most one.

    Nothing becomes of one whose chatbot is not known (any more), was applied to since, or follows another source.

    Returns:
        How many plans were made.

    Raises:
        Conflict: Somebody else changed one of the chatbots or plans meanwhile.
    """
    tenant = dry_run[0].document.tenant
    stored = await StoredState.read(uow, tenant, [one.document.chatbot_id for one in dry_run])
    learned = [found for one in dry_run if (found := await _updated_by(engine, uow, inputs, stored, one)) is not None]
    await uow.chatbots.save_all([found.chatbot for found in learned])
    changed = {found.chatbot.id: found.baseline for found in learned if found.baseline is not None}
    await uow.baselines.put_all(tenant, changed)
    return sum(found.plan_created for found in learned)


async def _updated_by(
    engine: Engine, uow: UnitOfWork, inputs: ConditionInputs, stored: StoredState, dry_run: DryRunResult
) -> ChatbotUpdate | None:
    chatbot = stored.chatbots.get(dry_run.document.chatbot_id)
    if chatbot is None or chatbot.epoch != dry_run.epoch or chatbot.source != dry_run.document.source:
        return None
    if isinstance(dry_run.result, TargetError):
        return await _updated_by_error(uow, inputs, chatbot, dry_run.result, was_asked=dry_run.was_asked)
    return await _updated_by_ops(engine, uow, inputs, stored, chatbot, dry_run.document, dry_run.result)


async def _updated_by_error(
    uow: UnitOfWork, inputs: ConditionInputs, chatbot: Chatbot, error: TargetError, *, was_asked: bool
) -> ChatbotUpdate:
    """Unknown is neither clean nor drifted; only a chatbot that is gone makes its plan stale."""
    fault = fault_of(error)
    is_missing = fault is Reason.CHATBOT_MISSING
    if is_missing:
        chatbot = await close_open_plan(uow, chatbot, PlanStatus.STALE, Reason.CHATBOT_MISSING)
    chatbot = replace(
        chatbot,
        sync=Sync.UNKNOWN,
        direction=Direction.UNKNOWN,
        fault=fault,
        fault_message=str(error),
        checked_digest=None,
        checked_at=inputs.now,
        missing_since=(chatbot.missing_since or inputs.now) if is_missing else None,
        missing_asked_at=(inputs.now if was_asked else chatbot.missing_asked_at) if is_missing else None,
    )
    return ChatbotUpdate(await with_conditions(uow, inputs, chatbot))


async def _updated_by_ops(
    engine: Engine,
    uow: UnitOfWork,
    inputs: ConditionInputs,
    stored: StoredState,
    chatbot: Chatbot,
    document: Claim,
    ops: tuple[Op, ...],
) -> ChatbotUpdate:
    body = document.body or {}
    baseline = stored.baselines.get(chatbot.id, NO_BASELINE)
    seen = await engine.compute(lambda: _shown_by(chatbot, body, ops, baseline), body, ops, baseline)
    checked = replace(
        chatbot,
        fault=None,
        fault_message=None,
        checked_at=inputs.now,
        checked_digest=document.digest,
        missing_since=None,
        missing_asked_at=None,
    )
    if seen.proposal is None:
        learned = await _updated_by_noop(uow, inputs, checked)
    else:
        learned = await _updated_by_proposal(engine, uow, inputs, stored, checked, document, seen, seen.proposal)
    return replace(learned, baseline=seen.baseline)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a dry run shows.

    Attributes:
        baseline: The new one, where it changed.
        ops: Those of the proposal, each with the side that moved.
        direction: The side that moved for all of them together.
    """

    baseline: Baseline | None
    proposal: Proposal | None = None
    ops: tuple[DirectedOp, ...] = ()
    direction: Direction = Direction.IN_SYNC


def _shown_by(chatbot: Chatbot, body: Mapping[str, Any], ops: tuple[Op, ...], baseline: Baseline) -> _Shown:
    advanced = advance(baseline, ops, sections=body["spec"], prune=body.get("prune", True), whole=True)
    changed = None if is_same_baseline(advanced, baseline) else advanced
    proposal = propose(chatbot.tenant, chatbot.id, body, ops)
    if proposal is None:
        return _Shown(changed)
    directed = tuple(direct(op, baseline) for op in proposal.ops)
    return _Shown(changed, proposal, directed, common(op.direction for op in directed))


async def _updated_by_noop(uow: UnitOfWork, inputs: ConditionInputs, chatbot: Chatbot) -> ChatbotUpdate:
    chatbot = await close_open_plan(uow, chatbot, PlanStatus.RESOLVED, Reason.RESOLVED)
    chatbot = replace(
        chatbot,
        sync=Sync.SYNCED,
        direction=Direction.IN_SYNC,
        synced_at=inputs.now,
        synced_revision=chatbot.revision,
        rejected_fingerprint=None,
        unconverged_body=None,
        unconverged_ends=0,
    )
    return ChatbotUpdate(await with_conditions(uow, inputs, chatbot))


async def _updated_by_proposal(
    engine: Engine,
    uow: UnitOfWork,
    inputs: ConditionInputs,
    stored: StoredState,
    chatbot: Chatbot,
    document: Claim,
    shown: _Shown,
    proposal: Proposal,
) -> ChatbotUpdate:
    chatbot = replace(chatbot, sync=Sync.OUT_OF_SYNC, direction=shown.direction)
    plan = stored.plan_of(chatbot)
    if plan is not None and (plan.status not in DECIDABLE or plan.fingerprint == proposal.fingerprint):
        plan = await refresh_plan_conditions(engine, uow, inputs, plan)
        return ChatbotUpdate(await with_conditions(uow, inputs, chatbot, plan))
    chatbot = await close_open_plan(uow, chatbot, PlanStatus.SUPERSEDED, Reason.SUPERSEDED)
    if chatbot.unconverged_body is not None and chatbot.unconverged_body != await engine.compute(
        lambda: digest(proposal.body), proposal.body
    ):
        chatbot = replace(chatbot, unconverged_body=None, unconverged_ends=0)
    if chatbot.rejected_fingerprint == proposal.fingerprint or is_held(chatbot):
        return ChatbotUpdate(await with_conditions(uow, inputs, chatbot))
    made = partial(new_plan, engine, inputs, chatbot, document, proposal, shown.ops)
    plan = await plan_with_conditions(engine, uow, inputs, await engine.compute(made, proposal))
    await uow.plans.add(plan)
    await _audit_new_plan(uow, plan)
    chatbot = replace(chatbot, plan_id=plan.id, rejected_fingerprint=None)
    return ChatbotUpdate(await with_conditions(uow, inputs, chatbot, plan), plan_created=True)


def new_plan(
    engine: Engine,
    inputs: ConditionInputs,
    chatbot: Chatbot,
    document: Claim,
    proposal: Proposal,
    ops: Sequence[DirectedOp],
) -> Plan:
    """A pending plan of a proposal; what it shows is yet to be stated."""
    needs = requirements(proposal.ops, proposal.body, engine.policy)
    return Plan(
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
        created_at=inputs.now,
        expires_at=inputs.now + engine.policy.plan_ttl,
        change=proposal.change,
        losses=needs.losses,
        stored_otherwise=chatbot.unconverged_ends > 0 and all(op.direction is Direction.GIT_AHEAD for op in ops),
    )


async def _audit_new_plan(uow: UnitOfWork, plan: Plan) -> None:
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
    await transition_plan(uow, plan, to, reason=reason)
    return replace(chatbot, plan_id=None)
