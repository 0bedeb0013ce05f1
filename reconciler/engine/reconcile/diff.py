"""What becomes of a dry run: baseline, directions, the plan that stands, the chatbot's sync.

Equal proposals keep the open plan and its approvals; another one supersedes it; none at all resolves it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from reconciler.domain.canonical import digest
from reconciler.domain.comparisons import Comparison, is_unexplained
from reconciler.domain.condition_rules import is_held
from reconciler.domain.direction import NO_BASELINE, Baseline, DirectedOp, advance, common, direct, is_same_baseline
from reconciler.domain.entities import Chatbot, Claim, Plan
from reconciler.domain.lifecycle import DECIDABLE, PlanStatus
from reconciler.domain.plan import Op, Proposal, propose
from reconciler.domain.policy import requirements
from reconciler.domain.status import CheckedBy, Direction, Reason, Sync
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
from reconciler.ports import DryRunAnswer
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
        result: Every op, or why there are none; the answer as it came where it is known to say what it said before.
        was_asked: Whether a dry run was asked for, and its result not already known.
        comparison: What it was made for; None after an apply.
        digest: What it gave, as a digest; None where it gave none, or nobody made one.
        answer: What it was answered, as a digest; None likewise.
        is_listed: Whether WizChat's list was read before it by whoever made it.
        notes_unexplained: Whether it is to be noted that a chatbot changed though nothing said so.
    """

    document: Claim
    epoch: int
    result: tuple[Op, ...] | DryRunAnswer | TargetError
    was_asked: bool = True
    comparison: Comparison | None = None
    digest: str | None = None
    answer: str | None = None
    is_listed: bool = False
    notes_unexplained: bool = False

    @property
    def changed_nothing(self) -> bool:
        """Whether it gave what the one before gave, and nothing else changed the chatbot since."""
        return self.digest is not None and self.comparison is not None and self.comparison.last_gave(self.digest)


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
        plan_created: Whether it has another plan than before.
        is_unexplained: Whether it changed at WizChat, and nothing had said so.
    """

    chatbot: Chatbot
    baseline: Baseline | None = None
    plan_created: bool = False
    is_unexplained: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of results that were written down.

    Attributes:
        plans: How many plans were made.
        unexplained: How many chatbots changed at WizChat though nothing had said so.
    """

    plans: int = 0
    unexplained: int = 0

    def __add__(self, other: "Recorded") -> "Recorded":
        return Recorded(self.plans + other.plans, self.unexplained + other.unexplained)


def fault_of(error: TargetError) -> Reason:
    """The reason that a chatbot shows for an error."""
    return next((reason for kind, reason in FAULT_REASONS if isinstance(error, kind)), Reason.BAD_ANSWER)


def _fault(error: TargetError) -> tuple[Reason, str]:
    return fault_of(error), str(error)


async def record_results(engine: Engine, uow: UnitOfWork, *dry_runs: DryRunResult) -> Recorded:
    """Write down observations of one tenant's chatbots, of each chatbot at most one.

    Those that changed nothing cost no more than the note that they were made. Nothing becomes of one whose chatbot is
    not known (any more), was applied to since, or follows another source.

    Raises:
        Conflict: Somebody else changed one of the chatbots or plans meanwhile.
    """
    same = [(one.comparison, one.answer) for one in dry_runs if one.changed_nothing and one.comparison is not None]
    is_listed = all(one.is_listed for one in dry_runs)
    if same and await uow.comparisons.touch(same, await uow.now(), listed=is_listed):
        dry_runs = tuple(one for one in dry_runs if not one.changed_nothing)
    return await _record_changes(engine, uow, await ConditionInputs.read(uow), dry_runs) if dry_runs else Recorded()


async def _record_changes(
    engine: Engine, uow: UnitOfWork, inputs: ConditionInputs, dry_runs: Sequence[DryRunResult]
) -> Recorded:
    tenant = dry_runs[0].document.tenant
    stored = await StoredState.read(uow, tenant, [one.document.chatbot_id for one in dry_runs])
    learned = [found for one in dry_runs if (found := await _updated_by(engine, uow, inputs, stored, one)) is not None]
    await uow.chatbots.save_all([found.chatbot for found in learned])
    changed = {found.chatbot.id: found.baseline for found in learned if found.baseline is not None}
    await uow.baselines.put_all(tenant, changed)
    return Recorded(sum(found.plan_created for found in learned), sum(found.is_unexplained for found in learned))


async def _updated_by(
    engine: Engine, uow: UnitOfWork, inputs: ConditionInputs, stored: StoredState, dry_run: DryRunResult
) -> ChatbotUpdate | None:
    chatbot = stored.chatbots.get(dry_run.document.chatbot_id)
    if chatbot is None or chatbot.epoch != dry_run.epoch or chatbot.source != dry_run.document.source:
        return None
    result = dry_run.result
    if isinstance(result, DryRunAnswer):
        result = await ops_of(engine, result)
    if isinstance(result, TargetError):
        if not dry_run.was_asked and (chatbot.fault, chatbot.fault_message) == _fault(result):
            return None
        return await _updated_by_error(uow, inputs, chatbot, result, was_asked=dry_run.was_asked)
    return await _updated_by_ops(engine, uow, inputs, stored, chatbot, dry_run, result)


async def ops_of(engine: Engine, answer: DryRunAnswer) -> tuple[Op, ...] | TargetError:
    """What an answer says; an error is a result."""
    try:
        return await engine.plan_threads.compute_json(answer.ops, answer.content)
    except TargetError as error:
        return error


async def _updated_by_error(
    uow: UnitOfWork, inputs: ConditionInputs, chatbot: Chatbot, error: TargetError, *, was_asked: bool
) -> ChatbotUpdate:
    """Unknown is neither clean nor drifted; only a chatbot that is gone makes its plan stale."""
    fault, message = _fault(error)
    is_missing = fault is Reason.CHATBOT_MISSING
    if is_missing:
        chatbot = await close_open_plan(uow, chatbot, PlanStatus.STALE, Reason.CHATBOT_MISSING)
    chatbot = replace(
        chatbot,
        sync=Sync.UNKNOWN,
        direction=Direction.UNKNOWN,
        fault=fault,
        fault_message=message,
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
    dry_run: DryRunResult,
    ops: tuple[Op, ...],
) -> ChatbotUpdate:
    document = dry_run.document
    body = document.body or {}
    baseline = stored.baselines.get(chatbot.id, NO_BASELINE)
    shown = await engine.compute(lambda: _shown_by(chatbot, body, ops, baseline), body, ops, baseline)
    checked = replace(
        _compared(chatbot, inputs.now, dry_run),
        fault=None,
        fault_message=None,
        checked_digest=document.digest,
        missing_since=None,
        missing_asked_at=None,
    )
    if shown.proposal is None:
        learned = await _updated_by_noop(uow, inputs, checked)
    else:
        learned = await _updated_by_proposal(engine, uow, inputs, stored, checked, document, shown, shown.proposal)
    # what differs is known for good only once seeing it again changes nothing: directions count from the baseline
    is_settled = shown.proposal is None or (shown.baseline is None and not learned.plan_created)
    unexplained = dry_run.is_listed and _is_unexplained(stored, chatbot, dry_run.comparison, shown)
    is_noted = unexplained and dry_run.notes_unexplained
    return replace(
        learned,
        baseline=shown.baseline,
        chatbot=replace(
            learned.chatbot,
            result_digest=dry_run.digest if is_settled else None,
            result_version=chatbot.version + 1,
            answer_digest=dry_run.answer if is_settled else None,
            unexplained_at=inputs.now if is_noted else chatbot.unexplained_at,
        ),
        is_unexplained=unexplained,
    )


def _compared(chatbot: Chatbot, now: datetime, dry_run: DryRunResult) -> Chatbot:
    """A chatbot that was compared just now, for a reason, after WizChat's list had said something of it or not."""
    comparison = dry_run.comparison
    return replace(
        chatbot,
        checked_at=now,
        checked_by=CheckedBy.APPLY if comparison is None else comparison.checked_by,
        compared_updated_at=comparison.listed if comparison and dry_run.is_listed else chatbot.compared_updated_at,
    )


def _is_unexplained(stored: StoredState, chatbot: Chatbot, comparison: Comparison | None, shown: "_Shown") -> bool:
    """Whether the live side moved since the last comparison, though neither git nor `updatedAt` nor an apply did."""
    if comparison is None or not comparison.is_unmoved or chatbot.result_version != chatbot.version:
        return False
    plan = stored.plan_of(chatbot)
    before = plan.fingerprint if plan is not None else chatbot.rejected_fingerprint
    if chatbot.sync is Sync.UNKNOWN or (chatbot.sync is Sync.OUT_OF_SYNC) != (before is not None):
        return False
    return is_unexplained(before, shown.proposal.fingerprint if shown.proposal else None, shown.direction)


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
