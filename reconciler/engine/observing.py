"""What becomes of a dry run: baseline, directions, the plan that stands, the chatbot's sync.

Equal proposals keep the open plan and its approvals; another one supersedes it; none at all resolves it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from reconciler.domain.canonical import digest
from reconciler.domain.direction import NO_BASELINE, Baseline, DirectedOp, advance, common, direct, is_same_baseline
from reconciler.domain.lifecycle import DECIDABLE, PlanStatus
from reconciler.domain.plan import Op, Proposal, propose
from reconciler.domain.policy import requirements
from reconciler.domain.records import Chatbot, GoodDocument, Plan
from reconciler.domain.standing import is_held
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.engine.auditing import audit
from reconciler.engine.context import PROGRAM, Engine
from reconciler.engine.standings import Surroundings, move_plan, restate_plan, stated, stated_plan
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
        was_asked: Whether a dry run was asked for, and its result not already known.
    """

    document: GoodDocument
    epoch: int
    result: tuple[Op, ...] | TargetError
    was_asked: bool = True


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored about the chatbots that observations are about, read by a few statements for all of them."""

    chatbots: Mapping[str, Chatbot]
    baselines: Mapping[str, Baseline]
    plans: Mapping[str, Plan]

    @classmethod
    async def read(cls, uow: UnitOfWork, tenant: str, chatbot_ids: Sequence[str]) -> "Known":
        """Read it."""
        chatbots = await uow.chatbots.some(tenant, chatbot_ids)
        plans = await uow.plans.some([chatbot.plan_id for chatbot in chatbots.values() if chatbot.plan_id])
        return cls(chatbots, await uow.baselines.some(tenant, chatbot_ids), plans)

    def plan_of(self, chatbot: Chatbot) -> Plan | None:
        """The chatbot's open plan."""
        return self.plans.get(chatbot.plan_id) if chatbot.plan_id else None


@dataclass(frozen=True, slots=True)
class Learned:
    """What an observation makes of a chatbot, to be saved.

    Attributes:
        baseline: The new one, where it changed.
    """

    chatbot: Chatbot
    baseline: Baseline | None = None
    plan_created: bool = False


def fault_of(error: TargetError) -> Reason:
    """The reason that a chatbot shows for an error."""
    return next((reason for kind, reason in FAULTS if isinstance(error, kind)), Reason.BAD_ANSWER)


async def record(engine: Engine, uow: UnitOfWork, given: Surroundings, *seen: Observation) -> int:
    """Write down observations of one tenant's chatbots, of each chatbot at most one.

    Nothing becomes of one whose chatbot is not known (any more), was applied to since, or follows another source.

    Returns:
        How many plans were made.

    Raises:
        Conflict: Somebody else changed one of the chatbots or plans meanwhile.
    """
    tenant = seen[0].document.tenant
    known = await Known.read(uow, tenant, [one.document.chatbot_id for one in seen])
    learned = [found for one in seen if (found := await _learn(engine, uow, given, known, one)) is not None]
    await uow.chatbots.save_all([found.chatbot for found in learned])
    changed = {found.chatbot.id: found.baseline for found in learned if found.baseline is not None}
    await uow.baselines.put_all(tenant, changed)
    return sum(found.plan_created for found in learned)


async def _learn(
    engine: Engine, uow: UnitOfWork, given: Surroundings, known: Known, seen: Observation
) -> Learned | None:
    chatbot = known.chatbots.get(seen.document.chatbot_id)
    if chatbot is None or chatbot.epoch != seen.epoch or chatbot.source != seen.document.source:
        return None
    if isinstance(seen.result, TargetError):
        return await _learn_fault(uow, given, chatbot, seen.result, was_asked=seen.was_asked)
    return await _learn_ops(engine, uow, given, known, chatbot, seen.document, seen.result)


async def _learn_fault(
    uow: UnitOfWork, given: Surroundings, chatbot: Chatbot, error: TargetError, *, was_asked: bool
) -> Learned:
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
        checked_at=given.now,
        missing_since=(chatbot.missing_since or given.now) if is_missing else None,
        missing_asked_at=(given.now if was_asked else chatbot.missing_asked_at) if is_missing else None,
    )
    return Learned(await stated(uow, given, chatbot))


async def _learn_ops(
    engine: Engine,
    uow: UnitOfWork,
    given: Surroundings,
    known: Known,
    chatbot: Chatbot,
    document: GoodDocument,
    ops: tuple[Op, ...],
) -> Learned:
    body = document.body or {}
    baseline = known.baselines.get(chatbot.id, NO_BASELINE)
    seen = await engine.compute(lambda: _shown_by(chatbot, body, ops, baseline), body, ops, baseline)
    checked = replace(
        chatbot,
        fault=None,
        fault_message=None,
        checked_at=given.now,
        checked_digest=document.digest,
        missing_since=None,
        missing_asked_at=None,
    )
    if seen.proposal is None:
        learned = await _learn_noop(uow, given, checked)
    else:
        learned = await _learn_proposal(engine, uow, given, known, checked, document, seen, seen.proposal)
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


async def _learn_noop(uow: UnitOfWork, given: Surroundings, chatbot: Chatbot) -> Learned:
    chatbot = await close_open_plan(uow, chatbot, PlanStatus.RESOLVED, Reason.RESOLVED)
    chatbot = replace(
        chatbot,
        sync=Sync.SYNCED,
        direction=Direction.IN_SYNC,
        synced_at=given.now,
        synced_revision=chatbot.revision,
        rejected_fingerprint=None,
        unconverged_body=None,
        unconverged_ends=0,
    )
    return Learned(await stated(uow, given, chatbot))


async def _learn_proposal(
    engine: Engine,
    uow: UnitOfWork,
    given: Surroundings,
    known: Known,
    chatbot: Chatbot,
    document: GoodDocument,
    shown: _Shown,
    proposal: Proposal,
) -> Learned:
    chatbot = replace(chatbot, sync=Sync.OUT_OF_SYNC, direction=shown.direction)
    plan = known.plan_of(chatbot)
    if plan is not None and (plan.status not in DECIDABLE or plan.fingerprint == proposal.fingerprint):
        plan = await restate_plan(engine, uow, given, plan)
        return Learned(await stated(uow, given, chatbot, plan))
    chatbot = await close_open_plan(uow, chatbot, PlanStatus.SUPERSEDED, Reason.SUPERSEDED)
    if chatbot.unconverged_body is not None and chatbot.unconverged_body != await engine.compute(
        lambda: digest(proposal.body), proposal.body
    ):
        chatbot = replace(chatbot, unconverged_body=None, unconverged_ends=0)
    if chatbot.rejected_fingerprint == proposal.fingerprint or is_held(chatbot):
        return Learned(await stated(uow, given, chatbot))
    made = partial(new_plan, engine, given, chatbot, document, proposal, shown.ops)
    plan = await stated_plan(engine, uow, given, await engine.compute(made, proposal))
    await uow.plans.add(plan)
    await _audit_new(uow, plan)
    chatbot = replace(chatbot, plan_id=plan.id, rejected_fingerprint=None)
    return Learned(await stated(uow, given, chatbot, plan), plan_created=True)


def new_plan(
    engine: Engine,
    given: Surroundings,
    chatbot: Chatbot,
    document: GoodDocument,
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
        created_at=given.now,
        expires_at=given.now + engine.policy.plan_ttl,
        change=proposal.change,
        losses=needs.losses,
        stored_otherwise=chatbot.unconverged_ends > 0 and all(op.direction is Direction.GIT_AHEAD for op in ops),
    )


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
