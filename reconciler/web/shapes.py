"""The shapes of the answers, as OpenAPI describes them. Absent values are null, never missing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from reconciler.domain.diagnostics import Severity
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.losses import LossKind
from reconciler.domain.op_outcomes import OpOutcome
from reconciler.domain.plan import Action
from reconciler.domain.records import RunStatus, SourceState, Trigger
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.domain.tenant import TenantState
from reconciler.domain.write_key import WriteKeyState

T = TypeVar("T")


def rfc3339(moment: datetime) -> str:
    """A moment as RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[
    datetime, PlainSerializer(rfc3339, return_type=str), WithJsonSchema({"type": "string", "format": "date-time"})
]
Object = Mapping[str, Any]


class Shape(BaseModel):
    """The base of all answers."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class ListShape(Shape, Generic[T]):
    """A part of a list, and the cursor of the next part."""

    items: list[T]
    next_cursor: str | None = Field(description="Send it as `cursor` to get the next part; null at the end.")


class ProblemShape(Shape):
    """A problem document (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Where the code is described.")
    title: str
    status: int
    detail: str = Field(description="What is wrong here, and what to do.")
    code: str = Field(description="Stable: what a program decides by.")


class SuspensionShape(Shape):
    """Applies stopped by a person."""

    id: str
    scope: str
    reason: str
    actor: str
    created_at: Moment
    until: Moment | None
    ended_at: Moment | None
    ended_by: str | None
    reminded_at: Moment | None = Field(description="When people were last reminded that it still stands.")


class SummaryShape(Shape):
    """Ops counted by action."""

    create: int
    update: int
    delete: int
    noop: int


class ProtectedShape(Shape):
    """What of a plan the server protects."""

    section: str
    key: str = Field(description="The item's key; in a section without keys, the changed field.")
    pattern: str = Field(description="Of `policy.protected`.")


class RequirementsShape(Shape):
    """What it takes to approve a plan."""

    approvals: int = Field(description="How many people.")
    delete_override: bool = Field(description="Whether the approval must carry `overrides.deletes` and a reason.")
    delete_reason: str | None = Field(description="Why it must; null when it need not.")
    protected: list[ProtectedShape] = Field(description="Unless empty, the plan cannot be approved at all.")


class ApprovalShape(Shape):
    """A yes to one plan."""

    id: str
    actor: str
    fingerprint: str
    comment: str | None
    deletes: bool = Field(description="Whether it carries the delete override.")
    reason: str | None = Field(description="Why, for an override.")
    automatic: bool = Field(description="Whether the policy gave it, and no person.")
    created_at: Moment
    expires_at: Moment | None = Field(description="Until when it stands.")
    revoked_at: Moment | None
    spent_at: Moment | None = Field(description="When an apply used it up.")


class PlanShape(Shape):
    """A stored dry run waiting for a decision."""

    id: str
    chatbot_id: str
    tenant: str
    source: str
    path: str
    revision: str
    status: PlanStatus
    reason: Reason
    message: str
    suspension: SuspensionShape | None = Field(description="What stops its apply, whatever the reason is; else null.")
    fingerprint: str
    prune: bool
    summary: SummaryShape
    direction: Direction
    requires: RequirementsShape
    approvals: list[ApprovalShape]
    created_at: Moment
    expires_at: Moment
    closed_at: Moment | None
    apply_id: str | None
    change: str | None = Field(
        description="What its ops do: the same for the same change on another chatbot. Null for old plans."
    )


class OpShape(Shape):
    """One line of a plan."""

    section: str
    action: Action
    key: str | None
    before: Object | None = Field(description="The live value; for an update only what changes, flat by field name.")
    after: Object | None = Field(description="The desired value, likewise.")
    changed_fields: list[str]
    direction: Direction
    fields: Mapping[str, Direction] = Field(description="For updates, which side moved for each field.")
    outcome: OpOutcome | None = Field(
        description="What became of it, where an apply was stopped halfway: `Done`, `Failed`, `NotTried` after the one "
        "that failed, or `NotDone` as a read-back found it. Else null."
    )


class LossShape(Shape):
    """Something that a plan takes away."""

    kind: LossKind = Field(description="In which way.")
    section: str
    key: str | None = Field(description="The item's key; null in a section without keys.")
    field: str | None = Field(description="The field's path within it; null when the whole item is deleted.")
    count: int = Field(description="How much: entries of a list, fields of an object, else 1. The gate adds these up.")
    entries: list[str] = Field(description="What is gone from a list: identities, or short values.")
    message: str


class SinglePlanShape(PlanShape):
    """A plan with its ops."""

    losses: list[LossShape] = Field(description="What it takes away; empty for a plan that only adds or changes.")
    ops: list[OpShape]


class ApplyShape(Shape):
    """One attempt to execute an approved plan."""

    id: str
    plan_id: str
    chatbot_id: str
    tenant: str
    fingerprint: str
    status: ApplyStatus
    reason: Reason | None
    message: str | None
    requested_by: str
    created_at: Moment
    started_at: Moment | None
    intent_at: Moment | None = Field(description="Null means that nothing can have been sent.")
    finished_at: Moment | None = Field(description="Set at every end.")
    applied: list[Object] = Field(description="The ops that WizChat says it executed, or that a read-back proved.")
    failed: Object | None = Field(description="The op that stopped it, as WizChat says.")
    window_ms: int | None = Field(description="How old the last dry run was when the request was sent.")


class HistoryShape(PlanShape):
    """A plan of a chatbot's past, and what came of it."""

    apply: ApplyShape | None


class ChatbotShape(Shape):
    """A chatbot's standing."""

    id: str
    name: str | None
    tenant: str
    source: str | None = Field(description="Null while no document claims it.")
    path: str | None
    labels: Mapping[str, str]
    sync: Sync
    direction: Direction
    reason: Reason
    message: str
    suspension: SuspensionShape | None = Field(description="What stops its applies, whatever the reason is; else null.")
    plan_id: str | None = Field(description="The open plan.")
    revision: str | None
    last_applied_revision: str | None
    checked_at: Moment | None
    drifted_at: Moment | None = Field(description="Since when it is OutOfSync; null while it is not.")


class CountsShape(Shape):
    """What a run did."""

    documents: int
    parsed: int
    dry_runs: int
    skipped: int
    plans: int
    errors: int
    uncompared: int = Field(description="Chatbots that could not be compared with the live side.")


class DiagnosticShape(Shape):
    """A finding in a document."""

    severity: Severity
    path: str | None
    line: int | None
    column: int | None
    pointer: str | None
    message: str
    suggestion: str | None


class UncomparedShape(Shape):
    """A chatbot that a run could not compare."""

    chatbot_id: str
    path: str = Field(description="Of its document.")
    reason: Reason
    message: str


class RunShape(Shape):
    """One pass over a source."""

    id: str
    source: str
    trigger: Trigger
    full: bool
    revision: str | None = Field(description="The revision that stood at its end; of a failed run the last good one.")
    seen_revision: str | None = Field(description="The revision that git named in it; null while none was read.")
    status: RunStatus
    message: str | None
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    counts: CountsShape
    diagnostics: list[DiagnosticShape]
    uncompared: list[UncomparedShape] = Field(
        description="What it could not compare, by id: the first 100; `counts.uncompared` counts all."
    )


class SourceConditionShape(Shape):
    """What is found in the documents of a source's last good revision, of one severity."""

    severity: Severity
    count: int
    message: str = Field(description="The first of them, with its place.")
    run_id: str = Field(description="The run whose `diagnostics` are all of them.")


class SourceShape(Shape):
    """A source as it was last seen."""

    name: str
    tenant: str
    url: str = Field(description="Without credentials.")
    branch: str | None = Field(description="Null means the remote's HEAD.")
    state: SourceState
    cause: str | None
    message: str | None
    suspension: SuspensionShape | None = Field(
        description="What stops the applies of all of it, also while it is Unknown; else null."
    )
    good_revision: str | None = Field(description="The last revision that was read and trusted.")
    seen_revision: str | None = Field(description="The last revision that the remote named.")
    last_run_id: str | None
    next_run_at: Moment | None
    git_checked_at: Moment | None
    drift_checked_at: Moment | None = Field(description="When the live side was last to be compared as a whole.")
    compared_at: Moment | None = Field(description="When that last gave anything.")
    brake: str | None = Field(description="Why nothing of a revision is applied without a person; else null.")
    conditions: list[SourceConditionShape] = Field(
        description="What stands wrong in its documents, errors first; empty while nothing is known to."
    )


class AcceptedShape(SourceShape):
    """A source whose revision was accepted."""

    orphaned: list[str] = Field(
        description="Chatbots whose document is gone at that revision; nothing is done to them."
    )


class ForgottenShape(Shape):
    """What was forgotten."""

    subject: str = Field(description="`source/NAME`, `tenant/NAME` or `chatbot/ID`.")
    chatbots: list[str] = Field(description="The chatbots that nobody has any more.")


class AuditShape(Shape):
    """One decision."""

    seq: int
    at: Moment
    actor: str
    action: str
    subject: str
    fingerprint: str | None
    detail: Object
    prev_hash: str
    hash: str


class BudgetShape(Shape):
    """What is left of a tenant's call budget."""

    tenant: str
    requests_per_minute: int
    daily_budget: int | None
    used_today: int
    whole: bool = Field(
        description="Whether `used_today` counts every call of the tenant; for somebody who may not see all of its "
        "sources it counts the comparisons of those that they may."
    )
    blocked_until: Moment | None


class MissingRightShape(Shape):
    """Something that applies were refused for, as the write key may not do it."""

    scope: str | None = Field(description="Null where WizChat named none, or refused the chatbot.")
    sections: list[str] = Field(description="What may not be written without it.")
    chatbot_id: str | None = Field(description="The chatbot that the key may not use; null for a scope.")
    since: Moment
    message: str = Field(description="What is missing and what to do.")


class WriteKeyShape(Shape):
    """A write key, as reads and applies with it were last answered."""

    state: WriteKeyState | None = Field(
        description="Null while nothing was asked yet. Whether an Accepted one may write is known only at the first "
        "apply."
    )
    since: Moment | None = Field(description="Since when it is in this state.")
    message: str = Field(description="What is known and what to do.")
    missing: list[MissingRightShape] = Field(description="Until an apply shows otherwise, or the key is another one.")


class TenantShape(Shape):
    """Whether a tenant's WizChat can be used, as its calls were last answered."""

    name: str
    state: TenantState | None = Field(description="Null while nothing was asked yet.")
    cause: str | None = Field(description="What is wrong and what to do; null while Ready.")
    since: Moment | None = Field(description="Since when it is in this state.")
    write_key: WriteKeyShape | None = Field(description="Null for a tenant without one, which is read-only.")


class ChatbotCountsShape(Shape):
    """Chatbots, counted."""

    total: int
    unmanaged: int = Field(description="Live, but no document claims them.")
    orphaned: int = Field(description="Their document was removed.")
    sync: Mapping[Sync, int]
    direction: Mapping[Direction, int]
    reason: Mapping[Reason, int] = Field(description="Suspended ones count at their reason, and at `Suspended`.")


class OpenPlansShape(Shape):
    """Open plans, counted."""

    total: int
    status: Mapping[PlanStatus, int]


class SuspensionCountsShape(Shape):
    """What is suspended now."""

    total: int
    oldest: SuspensionShape | None = Field(description="Null when nothing is suspended.")


class StatusShape(Shape):
    """The fleet at a glance."""

    version: str
    chatbots: ChatbotCountsShape
    open_plans: OpenPlansShape
    sources: list[SourceShape]
    last_runs: list[RunShape] = Field(description="Of each source its last one.")
    budgets: list[BudgetShape]
    tenants: list[TenantShape]
    suspensions: SuspensionCountsShape
    warnings: list[str] = Field(description="Which sources of a tenant may claim each other's chatbots.")


class DecidedShape(Shape):
    """What came of one item of `POST /plans/decide`."""

    plan_id: str
    fingerprint: str
    plan: PlanShape | None = Field(description="The plan as it stands now; null with a problem.")
    problem: ProblemShape | None


class DecisionsShape(Shape):
    """What came of every item, in the order they were sent."""

    items: list[DecidedShape]


class DeliveryShape(Shape):
    """What came of a webhook."""

    accepted: bool = Field(description="Whether the source is looked at because of it.")
    message: str
    run_id: str | None


class HealthShape(Shape):
    """Whether the service can do its work."""

    status: str
