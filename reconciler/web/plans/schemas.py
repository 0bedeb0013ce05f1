"""Request and response models of plans, decisions and applies."""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field

from reconciler.domain.direction import DirectedOp
from reconciler.domain.entities import Apply, Approval, Plan
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.listing import PlanFilter
from reconciler.domain.losses import LossKind, losses
from reconciler.domain.op_outcomes import OpOutcome, op_outcomes
from reconciler.domain.plan import Action
from reconciler.domain.policy import Policy
from reconciler.domain.status import Direction, Reason
from reconciler.domain.suspensions import Suspension
from reconciler.render.plan_json import loss_json
from reconciler.web.chatbots.past_plans import PastPlan
from reconciler.web.http.schemas import (
    MAX_PAGE,
    Fingerprint,
    Moment,
    Object,
    PageQuery,
    ProblemResponse,
    Query,
    RequestModel,
    ResponseModel,
    Text,
    Word,
)
from reconciler.web.plans.rendering import holding_up
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

    @classmethod
    def of_plan(cls, plan: Plan, policy: Policy) -> Self:
        """What the policy asks of a plan today."""
        return cls(
            approvals=plan.approvals_required,
            delete_override=plan.delete_override is not None,
            delete_reason=plan.delete_override,
            protected=[
                ProtectedResponse(section=item.place.section, key=item.place.key, pattern=str(item.protection))
                for item in holding_up(plan, policy)
            ],
        )


class ApprovalResponse(ResponseModel):
    """An approval of one plan."""

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

    @classmethod
    def of_plan(
        cls,
        plan: Plan,
        approvals: Sequence[Approval],
        policy: Policy,
        suspensions: Mapping[str, Suspension],
        **fields: object,
    ) -> Self:
        """Make the answer from a plan.

        Args:
            plan: The plan.
            approvals: All of them, oldest first.
            policy: What it takes to approve it.
            suspensions: By id; the one that stops the plan's apply is among them.
            fields: What a larger answer has besides.
        """
        return cls.of(
            plan,
            suspension=suspensions.get(plan.suspension_id or ""),
            requires=RequirementsResponse.of_plan(plan, policy),
            approvals=approvals,
            change=plan.change or None,
            **fields,
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

    @classmethod
    def of_op(cls, directed: DirectedOp, outcome: OpOutcome | None) -> Self:
        """Make the answer from an op, the side that moved, and what became of it."""
        return cls.of(directed.op, direction=directed.direction, fields=directed.fields, outcome=outcome)


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

    @classmethod
    def of_plan_and_apply(
        cls,
        plan: Plan,
        approvals: Sequence[Approval],
        policy: Policy,
        suspensions: Mapping[str, Suspension],
        apply: Apply | None = None,
    ) -> Self:
        """Make the answer from a plan and its latest apply; further arguments as for `of_plan`."""
        outcomes = op_outcomes(plan.bare_ops, apply)
        return cls.of_plan(
            plan,
            approvals,
            policy,
            suspensions,
            losses=[loss_json(loss) for loss in losses(plan.bare_ops)],
            ops=[OpResponse.of_op(op, outcome) for op, outcome in zip(plan.ops, outcomes, strict=True)],
        )


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

    @classmethod
    def of_past(cls, past: PastPlan, policy: Policy, suspensions: Mapping[str, Suspension]) -> Self:
        """Make the answer from a plan and what came of it; further arguments as for `of_plan`."""
        return cls.of_plan(past.plan, past.approvals, policy, suspensions, apply=past.apply)


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


class PlanFilterQuery(Query):
    """Which plans, by the API and on the page of plans; everything given must hold."""

    chatbot: Word | None = None
    source: Word | None = None
    tenant: Word | None = None
    change: Word | None = Field(default=None, description="The `change` of a plan: those that do the same.")

    def filter(self, status: Collection[PlanStatus] | None, visible: Collection[str] | None) -> PlanFilter:
        """As the store takes it.

        Args:
            status: Any of these; None means all.
            visible: The sources that may be seen; None means all.
        """
        return self.as_filter(PlanFilter, status=status, visible=visible)


class PlanQuery(PlanFilterQuery, PageQuery):
    """A part of the list of plans."""

    status: list[PlanStatus] = Field(default=[], description="May be given several times: any of them.")
