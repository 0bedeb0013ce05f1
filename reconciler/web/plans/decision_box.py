"""View model of the decisions that a person may make about a plan, and why others are not possible."""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.domain.access import Role
from reconciler.domain.entities import Approval, Plan
from reconciler.domain.identity import person_key
from reconciler.domain.lifecycle import DECIDABLE, PlanStatus
from reconciler.domain.policy import ProtectedItem
from reconciler.domain.sentences import listed
from reconciler.domain.tenant import TenantRecord
from reconciler.domain.write_key import WriteKeyState
from reconciler.engine.apply.request import require_applicable
from reconciler.engine.conditions import current_requirements, currently_protected, is_read_only
from reconciler.engine.context import Actor, Engine
from reconciler.engine.decide.approvals import weigh_approvals
from reconciler.engine.decide.decisions import holds_back_equal_plans
from reconciler.errors import Conflict


@dataclass(frozen=True, slots=True)
class WeighedApproval:
    """An approval, and why it is not valid; None where it is."""

    approval: Approval
    fall: str | None


@dataclass(frozen=True, slots=True)
class DecisionRules:
    """What the use cases would say now of a decision about a plan.

    Attributes:
        role: Why the person may not decide at all, or None.
        stop: Why nothing of the plan may be written now, or None.
        approvals: All of them, oldest first.
        needed: How many people must approve it.
        override: Why an approval must carry the delete override, or None.
        protected: The protections that prevent approving it.
        holds_back: Whether its rejection is why an equal plan is not offered again.
        unproven: Whether no apply with the tenant's write key was carried out yet.
    """

    role: str | None
    stop: str | None
    approvals: Sequence[WeighedApproval]
    needed: int
    override: str | None
    protected: Sequence[ProtectedItem]
    holds_back: bool = False
    unproven: bool = False


@dataclass(frozen=True, slots=True)
class DecisionOption:
    """A button.

    Attributes:
        call: What it posts to, below the plan's path.
        title: What it says.
        kind: ``primary``, ``danger`` or nothing.
        applies: Whether the apply follows at once.
        refusal: Why it is disabled, or None.
    """

    call: str
    title: str
    kind: str = ""
    applies: bool = False
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class TypedDecision:
    """What was typed into a form that was refused."""

    comment: str = ""
    deletes: bool = False
    reason: str = ""


NOTHING_TYPED = TypedDecision()


@dataclass(frozen=True, slots=True)
class DecisionBox:
    """The box in which a plan is decided on.

    Attributes:
        needed: How many people must approve it.
        approved_by: How many people have approved it validly.
        automatic: Whether the policy approved it, which is enough.
        approvals: All approvals, valid or not.
        override: Why an approval must carry the delete override, or None.
        refusal: Why the person may decide nothing here, or None.
        protected: The protections that prevent approving it.
        choices: What they may do.
        unproven: Whether nobody knows yet that the tenant's write key may write.
    """

    needed: int
    approved_by: int
    automatic: bool
    approvals: Sequence[WeighedApproval]
    override: str | None
    refusal: str | None
    protected: Sequence[ProtectedItem]
    choices: Sequence[DecisionOption]
    unproven: bool

    @property
    def missing(self) -> int:
        """How many approvals it still needs."""
        return 0 if self.automatic else max(0, self.needed - self.approved_by)


async def decision_rules(engine: Engine, actor: Actor | None, plan: Plan) -> DecisionRules:
    """Ask the use cases, without deciding anything.

    Args:
        engine: The ports.
        actor: Who looks; None for somebody without an account.
        plan: The plan.
    """
    async with engine.store.read() as uow:
        chatbot = await uow.chatbots.get(plan.tenant, plan.chatbot_id)
        needs = await current_requirements(engine, plan)
        weighed = [_weighed(plan, *approval) for approval in await weigh_approvals(engine, uow, plan, plan.apply_id)]
        try:
            await require_applicable(engine, uow, plan)
            stop = None
        except Conflict as refused:
            stop = str(refused)
        tenant = await uow.tenants.get(plan.tenant)
    return DecisionRules(
        role=_refusal_of(actor, plan),
        stop=stop,
        approvals=weighed,
        needed=needs.approvals,
        override=needs.delete_override,
        protected=await currently_protected(engine, plan),
        holds_back=holds_back_equal_plans(plan, chatbot),
        unproven=_is_unproven(engine, plan.tenant, tenant),
    )


def _is_unproven(engine: Engine, name: str, tenant: TenantRecord | None) -> bool:
    key = tenant.write_key if tenant else None
    return not is_read_only(engine, name) and (key is None or key.state in {None, WriteKeyState.ACCEPTED})


def _weighed(plan: Plan, approval: Approval, fall: str | None) -> WeighedApproval:
    """Of a closed plan's approvals only those that were revoked say so: what lapsed later no longer matters."""
    is_shown = plan.is_open or approval.revoked_at is not None
    return WeighedApproval(approval, fall if is_shown else None)


def _refusal_of(actor: Actor | None, plan: Plan) -> str | None:
    if actor is None:
        return "Nobody can decide by a link."
    return actor.refusal(Role.APPROVER, plan.source)


def decision_box(plan: Plan, actor: Actor | None, rules: DecisionRules) -> DecisionBox:
    """The box for a person."""
    valid = [approval.approval for approval in rules.approvals if approval.fall is None]
    people = {person_key(approval.actor) for approval in valid if not approval.automatic}
    refusal = rules.role if rules.holds_back else _closed(plan) or rules.role
    return DecisionBox(
        needed=rules.needed,
        approved_by=len(people),
        automatic=any(approval.automatic for approval in valid),
        approvals=rules.approvals,
        override=rules.override,
        refusal=refusal,
        protected=rules.protected if plan.is_open else (),
        choices=() if refusal or actor is None else _choices(plan, actor, rules, valid),
        unproven=rules.unproven and plan.is_open,
    )


def _closed(plan: Plan) -> str | None:
    """Why nobody can decide about the plan any more."""
    if plan.status not in DECIDABLE:
        return "Nothing can be decided about this plan any more."
    if plan.apply_id is not None:
        return "Its apply is queued: wait for it to end."
    return None


def _choices(plan: Plan, actor: Actor, rules: DecisionRules, valid: Sequence[Approval]) -> Sequence[DecisionOption]:
    if rules.holds_back:
        return [DecisionOption("withdraw", "Take back the rejection")]
    approved_by_actor = any(approval.is_of(actor.name) for approval in valid)
    choices: list[DecisionOption] = []
    if plan.status is PlanStatus.PENDING:
        choices += _approving(rules, valid, approved_by_actor=approved_by_actor)
    else:
        choices.append(DecisionOption("apply", "Apply", "primary", applies=True, refusal=rules.stop))
    choices.append(DecisionOption("reject", "Reject", "danger"))
    if approved_by_actor:
        choices.append(DecisionOption("revoke", "Take back my approval"))
    elif any(approval.automatic for approval in valid):
        choices.append(DecisionOption("revoke", "Take back the policy's approval"))
    return choices


def _approving(rules: DecisionRules, valid: Sequence[Approval], *, approved_by_actor: bool) -> Sequence[DecisionOption]:
    """An approval completes the plan, and lets the apply follow, or others are still needed after it."""
    protected = listed(list(map(str, rules.protected)))
    refusal = f"policy.protected covers {protected}" if protected else None
    if approved_by_actor:
        refusal = "You have approved it; another person must, too."
    missing = rules.needed - len({person_key(approval.actor) for approval in valid})
    if missing > 1 or approved_by_actor:
        return [DecisionOption("approve", "Approve", "primary", refusal=refusal)]
    return [
        DecisionOption("approve", "Approve and apply", "primary", applies=True, refusal=refusal or rules.stop),
        DecisionOption("approve", "Approve only", refusal=refusal),
    ]
