"""Records as answers: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Any, TypeVar

from reconciler.domain.diagnostics import Diagnostic
from reconciler.domain.direction import DirectedOp
from reconciler.domain.entities import Apply, Approval, AuditEntry, Chatbot, Plan, Run, SourceRecord, Suspension
from reconciler.domain.lifecycle import OPEN
from reconciler.domain.losses import losses
from reconciler.domain.op_outcomes import OpOutcome, op_outcomes
from reconciler.domain.policy import Policy
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.domain.tenant import TenantRecord
from reconciler.domain.write_key import WriteKey, write_key_sentence
from reconciler.ports import Budget, FleetCounts
from reconciler.render.plan_json import loss_json
from reconciler.web.audit.schemas import AuditResponse
from reconciler.web.chatbots.past_plans import PastPlan
from reconciler.web.chatbots.schemas import ChatbotResponse
from reconciler.web.fleet.fleet_status import FleetStatus
from reconciler.web.fleet.schemas import (
    BudgetResponse,
    ChatbotCountsResponse,
    MissingRightResponse,
    OpenPlansResponse,
    StatusResponse,
    TenantResponse,
    WriteKeyResponse,
)
from reconciler.web.plans.rendering import holding_up
from reconciler.web.plans.schemas import (
    ApplyResponse,
    ApprovalResponse,
    HistoryResponse,
    LossResponse,
    OpResponse,
    PlanResponse,
    ProtectedResponse,
    RequirementsResponse,
    SinglePlanResponse,
    SummaryResponse,
)
from reconciler.web.runs.schemas import CountsResponse, DiagnosticResponse, RunResponse, UncomparedResponse
from reconciler.web.sources.conditions import source_conditions
from reconciler.web.sources.schemas import AcceptedResponse, SourceConditionResponse, SourceResponse
from reconciler.web.suspensions.schemas import SuspensionCountsResponse, SuspensionResponse

T = TypeVar("T", bound=StrEnum)


def plan(record: Plan, approvals: Sequence[Approval], policy: Policy, stops: Mapping[str, Suspension]) -> PlanResponse:
    """A plan in a list; `stops` has the suspensions by their ids."""
    return PlanResponse(**_plan(record, approvals, policy, stops))


def single_plan(
    record: Plan,
    approvals: Sequence[Approval],
    policy: Policy,
    stops: Mapping[str, Suspension],
    done: Apply | None = None,
) -> SinglePlanResponse:
    """A plan with its ops, and what its latest apply made of each; `stops` has the suspensions by their ids."""
    outcomes = op_outcomes(record.bare_ops, done)
    return SinglePlanResponse(
        **_plan(record, approvals, policy, stops),
        losses=[LossResponse(**loss_json(loss)) for loss in losses(record.bare_ops)],
        ops=[op(item, outcome) for item, outcome in zip(record.ops, outcomes, strict=True)],
    )


def history(past: PastPlan, policy: Policy, stops: Mapping[str, Suspension]) -> HistoryResponse:
    """A plan and what came of it; `stops` has the suspensions by their ids."""
    done = apply(past.apply) if past.apply else None
    return HistoryResponse(**_plan(past.plan, past.approvals, policy, stops), apply=done)


def _plan(
    record: Plan, approvals: Sequence[Approval], policy: Policy, stops: Mapping[str, Suspension]
) -> dict[str, Any]:
    return {
        "id": record.id,
        "chatbot_id": record.chatbot_id,
        "tenant": record.tenant,
        "source": record.source,
        "path": record.path,
        "revision": record.revision,
        "status": record.status,
        "reason": record.reason,
        "message": record.message,
        "suspension": _stop(record, stops),
        "fingerprint": record.fingerprint,
        "prune": record.prune,
        "summary": SummaryResponse(**record.summary._asdict()),
        "direction": record.direction,
        "requires": RequirementsResponse(
            approvals=record.approvals_required,
            delete_override=record.delete_override is not None,
            delete_reason=record.delete_override,
            protected=_protected(record, policy),
        ),
        "approvals": [approval(item) for item in approvals],
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "closed_at": record.closed_at,
        "apply_id": record.apply_id,
        "change": record.change or None,
    }


def _protected(record: Plan, policy: Policy) -> list[ProtectedResponse]:
    return [
        ProtectedResponse(section=item.place.section, key=item.place.key, pattern=str(item.protection))
        for item in holding_up(record, policy)
    ]


def op(directed: DirectedOp, outcome: OpOutcome | None) -> OpResponse:
    """One line of a plan."""
    return OpResponse(
        section=directed.op.section,
        action=directed.op.action,
        key=directed.op.key,
        before=directed.op.before,
        after=directed.op.after,
        changed_fields=list(directed.op.changed_fields),
        direction=directed.direction,
        fields=directed.fields,
        outcome=outcome,
    )


def approval(record: Approval) -> ApprovalResponse:
    """A yes."""
    return ApprovalResponse(
        id=record.id,
        actor=record.actor,
        fingerprint=record.fingerprint,
        comment=record.comment,
        deletes=record.deletes,
        reason=record.reason,
        automatic=record.automatic,
        created_at=record.created_at,
        expires_at=record.expires_at,
        revoked_at=record.revoked_at,
        spent_at=record.spent_at,
    )


def apply(record: Apply) -> ApplyResponse:
    """An attempt."""
    return ApplyResponse(
        id=record.id,
        plan_id=record.plan_id,
        chatbot_id=record.chatbot_id,
        tenant=record.tenant,
        fingerprint=record.fingerprint,
        status=record.status,
        reason=record.reason,
        message=record.message,
        requested_by=record.requested_by,
        created_at=record.created_at,
        started_at=record.started_at,
        intent_at=record.intent_at,
        finished_at=record.finished_at,
        applied=list(record.applied),
        failed=record.failed,
        window_ms=record.window_ms,
    )


def chatbot(record: Chatbot, stops: Mapping[str, Suspension]) -> ChatbotResponse:
    """A chatbot's standing; `stops` has the suspensions by their ids."""
    return ChatbotResponse(
        id=record.id,
        name=record.name,
        tenant=record.tenant,
        source=record.source,
        path=record.path,
        labels=record.labels,
        sync=record.sync,
        direction=record.direction,
        reason=record.reason,
        message=record.message,
        suspension=_stop(record, stops),
        plan_id=record.plan_id,
        revision=record.revision,
        last_applied_revision=record.last_applied_revision,
        checked_at=record.checked_at,
        drifted_at=record.drifted_at,
    )


def run(record: Run) -> RunResponse:
    """A pass over a source; what its findings say of other sources is told by `Run.seen_by`."""
    return RunResponse(
        id=record.id,
        source=record.source,
        trigger=record.trigger,
        full=record.full,
        revision=record.revision,
        seen_revision=record.seen_revision,
        status=record.status,
        message=record.message,
        created_at=record.created_at,
        started_at=record.started_at,
        finished_at=record.finished_at,
        counts=CountsResponse(**asdict(record.counts)),
        diagnostics=[_diagnostic(diagnostic) for diagnostic in record.diagnostics],
        uncompared=[UncomparedResponse(**asdict(item)) for item in record.uncompared],
    )


def _diagnostic(found: Diagnostic) -> DiagnosticResponse:
    return DiagnosticResponse(
        severity=found.severity,
        path=found.path,
        line=found.line,
        column=found.column,
        pointer=found.pointer,
        message=found.message,
        suggestion=found.suggestion,
    )


def source(record: SourceRecord, stop: Suspension | None, told: Run | None) -> SourceResponse:
    """A source as it was last seen, what stops the applies of all of it, and what a run tells of its documents."""
    return SourceResponse(**_source(record, stop, told))


def accepted(
    record: SourceRecord, stop: Suspension | None, told: Run | None, orphaned: Sequence[str]
) -> AcceptedResponse:
    """A source whose revision was accepted, and what that orphans."""
    return AcceptedResponse(**_source(record, stop, told), orphaned=list(orphaned))


def _source(record: SourceRecord, stop: Suspension | None, told: Run | None) -> dict[str, Any]:
    return {
        "name": record.name,
        "tenant": record.tenant,
        "url": record.url,
        "branch": record.branch,
        "state": record.state,
        "cause": record.cause,
        "message": record.message,
        "suspension": suspension(stop) if stop else None,
        "good_revision": record.good_revision,
        "seen_revision": record.seen_revision,
        "last_run_id": record.last_run_id,
        "next_run_at": record.next_run_at,
        "git_checked_at": record.git_checked_at,
        "drift_checked_at": record.drift_checked_at,
        "compared_at": record.compared_at,
        "brake": record.brake,
        "conditions": [SourceConditionResponse(**asdict(condition)) for condition in source_conditions(told)],
    }


def _stop(record: Chatbot | Plan, stops: Mapping[str, Suspension]) -> SuspensionResponse | None:
    stop = stops.get(record.suspension_id) if record.suspension_id else None
    return suspension(stop) if stop else None


def suspension(record: Suspension) -> SuspensionResponse:
    """A stop."""
    return SuspensionResponse(
        id=record.id,
        scope=record.scope,
        reason=record.reason,
        actor=record.actor,
        created_at=record.created_at,
        until=record.until,
        ended_at=record.ended_at,
        ended_by=record.ended_by,
        reminded_at=record.reminded_at,
    )


def audit_entry(record: AuditEntry) -> AuditResponse:
    """A decision."""
    return AuditResponse(
        seq=record.seq,
        at=record.at,
        actor=record.actor,
        action=record.action,
        subject=record.subject,
        fingerprint=record.fingerprint,
        detail=record.detail,
        prev_hash=record.prev_hash,
        hash=record.hash,
    )


def status(fleet: FleetStatus, told: Mapping[str, Run], version: str) -> StatusResponse:
    """The fleet at a glance, with what runs tell of the documents of each source."""
    return StatusResponse(
        version=version,
        chatbots=_chatbot_counts(fleet.counts),
        open_plans=_open_plans(fleet.counts),
        sources=[source(item, fleet.suspended_sources.get(item.name), told.get(item.name)) for item in fleet.sources],
        last_runs=[run(item) for _, item in sorted(fleet.runs.items())],
        budgets=[_budget(tenant, item) for tenant, item in fleet.budgets.items()],
        tenants=[tenant(item) for item in fleet.tenants],
        suspensions=_suspensions(fleet.suspensions),
        warnings=list(fleet.warnings),
    )


def tenant(record: TenantRecord) -> TenantResponse:
    """A tenant as it was last seen."""
    return TenantResponse(
        name=record.name,
        state=record.state,
        cause=record.cause,
        since=record.since,
        write_key=_write_key(record.name, record.write_key) if record.write_key else None,
    )


def _write_key(tenant: str, key: WriteKey) -> WriteKeyResponse:
    return WriteKeyResponse(
        state=key.state,
        since=key.since,
        message=write_key_sentence(tenant, key),
        missing=[
            MissingRightResponse(
                scope=right.scope,
                sections=list(right.sections),
                chatbot_id=right.chatbot_id,
                since=right.since,
                message=right.sentence(tenant),
            )
            for right in key.missing
        ],
    )


def _suspensions(standing: Sequence[Suspension]) -> SuspensionCountsResponse:
    oldest = min(standing, key=lambda suspension: suspension.created_at, default=None)
    return SuspensionCountsResponse(total=len(standing), oldest=suspension(oldest) if oldest else None)


def _chatbot_counts(counts: FleetCounts) -> ChatbotCountsResponse:
    return ChatbotCountsResponse(
        total=sum(counts.sync.values()),
        unmanaged=counts.reason.get(Reason.UNMANAGED, 0),
        orphaned=counts.reason.get(Reason.ORPHANED, 0),
        sync=_with_zeros(Sync, counts.sync),
        direction=_with_zeros(Direction, counts.direction),
        reason={reason: counts.reason[reason] for reason in Reason if counts.reason.get(reason)},
    )


def _open_plans(counts: FleetCounts) -> OpenPlansResponse:
    numbers = {status: counts.open_plans.get(status, 0) for status in sorted(OPEN)}
    return OpenPlansResponse(total=sum(numbers.values()), status=numbers)


def _with_zeros(words: type[T], counts: Mapping[T, int]) -> dict[T, int]:
    return {word: counts.get(word, 0) for word in words}


def _budget(tenant: str, budget: Budget) -> BudgetResponse:
    return BudgetResponse(
        tenant=tenant,
        requests_per_minute=budget.requests_per_minute,
        daily_budget=budget.daily_budget,
        used_today=budget.used_today,
        whole=budget.is_whole,
        blocked_until=budget.blocked_until,
    )
