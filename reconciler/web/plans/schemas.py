"""What the API takes and gives about plans, decisions and applies."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    Field,
)

from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.losses import LossKind
from reconciler.domain.op_outcomes import OpOutcome
from reconciler.domain.plan import Action
from reconciler.domain.status import Direction, Reason
from reconciler.ports import PlanFilter
from reconciler.web.http.schemas import (
    MAX_PAGE,
    Fingerprint,
    Moment,
    Object,
    PageQuery,
    ProblemResponse,
    RequestModel,
    ResponseModel,
    Text,
    Word,
)
from reconciler.web.suspensions.schemas import SuspensionResponse


class SummaryResponse(ResponseModel):
    """Ops counted by action."""

    create: int
    update: int
    delete: int
    noop: int


class ProtectedResponse(ResponseModel):
    """What of a plan the server protects."""

    section: str
    key: str = Field(description="The item's key; in a section without keys, the changed field.")
    pattern: str = Field(description="Of `policy.protected`.")


class RequirementsResponse(ResponseModel):
    """What it takes to approve a plan."""

    approvals: int = Field(description="How many people.")
    delete_override: bool = Field(description="Whether the approval must carry `overrides.deletes` and a reason.")
    delete_reason: str | None = Field(description="Why it must; null when it need not.")
    protected: list[ProtectedResponse] = Field(description="Unless empty, the plan cannot be approved at all.")


class ApprovalResponse(ResponseModel):
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


class PlanResponse(ResponseModel):
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
    suspension: SuspensionResponse | None = Field(
        description="What stops its apply, whatever the reason is; else null."
    )
    fingerprint: str
    prune: bool
    summary: SummaryResponse
    direction: Direction
    requires: RequirementsResponse
    approvals: list[ApprovalResponse]
    created_at: Moment
    expires_at: Moment
    closed_at: Moment | None
    apply_id: str | None
    change: str | None = Field(
        description="What its ops do: the same for the same change on another chatbot. Null for old plans."
    )


class OpResponse(ResponseModel):
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


class LossResponse(ResponseModel):
    """Something that a plan takes away."""

    kind: LossKind = Field(description="In which way.")
    section: str
    key: str | None = Field(description="The item's key; null in a section without keys.")
    field: str | None = Field(description="The field's path within it; null when the whole item is deleted.")
    count: int = Field(description="How much: entries of a list, fields of an object, else 1. The gate adds these up.")
    entries: list[str] = Field(description="What is gone from a list: identities, or short values.")
    message: str


class SinglePlanResponse(PlanResponse):
    """A plan with its ops."""

    losses: list[LossResponse] = Field(description="What it takes away; empty for a plan that only adds or changes.")
    ops: list[OpResponse]


class ApplyResponse(ResponseModel):
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


class HistoryResponse(PlanResponse):
    """A plan of a chatbot's past, and what came of it."""

    apply: ApplyResponse | None


class DecidedResponse(ResponseModel):
    """What came of one item of `POST /plans/decide`."""

    plan_id: str
    fingerprint: str
    plan: PlanResponse | None = Field(description="The plan as it stands now; null with a problem.")
    problem: ProblemResponse | None


class DecisionsResponse(ResponseModel):
    """What came of every item, in the order they were sent."""

    items: list[DecidedResponse]


class OverridesRequest(RequestModel):
    """What an approval lets pass that the policy would not."""

    deletes: Literal[True]
    reason: Text


class ApproveRequest(RequestModel):
    """A yes to the plan with this fingerprint."""

    fingerprint: Fingerprint
    comment: Text | None = None
    overrides: OverridesRequest | None = None
    apply: bool = Field(default=False, description="Start the apply with the approval that completes the plan.")


class RejectRequest(RequestModel):
    """A no to the plan with this fingerprint."""

    fingerprint: Fingerprint
    comment: Text | None = None


class WithdrawRequest(RequestModel):
    """Take back the rejection of the plan with this fingerprint."""

    fingerprint: Fingerprint
    comment: Text | None = None


class ApplyRequest(RequestModel):
    """Execute the approved plan with this fingerprint."""

    fingerprint: Fingerprint


class ItemRequest(RequestModel):
    """One plan of many."""

    plan_id: Word
    fingerprint: Fingerprint


class DecideRequest(RequestModel):
    """One decision about many plans; each is decided by itself."""

    decision: Literal["approve", "reject"]
    items: Annotated[list[ItemRequest], Field(min_length=1, max_length=MAX_PAGE)]
    comment: Text | None = None
    apply: bool = False


class PlanQuery(PageQuery):
    """Which plans; everything given must hold."""

    status: list[PlanStatus] = Field(default=[], description="May be given several times: any of them.")
    chatbot: Word | None = None
    source: Word | None = None
    tenant: Word | None = None
    change: Word | None = Field(default=None, description="The `change` of a plan: those that do the same.")

    def filter(self, visible: tuple[str, ...] | None) -> PlanFilter:
        """As the store takes it."""
        return PlanFilter(
            status=frozenset(self.status) or None,
            tenant=self.tenant,
            chatbot=self.chatbot,
            source=self.source,
            change=self.change,
            visible=visible,
        )
