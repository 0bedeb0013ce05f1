"""The rules by which the policy applies a plan without a person (guarantee 10). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.domain.entities import Plan
from reconciler.domain.losses import counted, losses, summary
from reconciler.domain.plan import Action, Op
from reconciler.domain.policy import AutoApply, Policy, protected_items, requirements
from reconciler.domain.status import Direction

SWITCH = "auto_apply"
"""Names the switch that says since when the setting has its value."""

ACTOR = "policy:auto_apply"
"""Who approves, in approvals and the audit log."""

_VERBS = {Action.CREATE: "creates", Action.UPDATE: "updates"}
_LEVELS: Mapping[AutoApply, frozenset[Action]] = {
    AutoApply.NONE: frozenset(),
    AutoApply.ADDITIVE: frozenset({Action.CREATE}),
    AutoApply.NO_DELETE: frozenset({Action.CREATE, Action.UPDATE}),
    AutoApply.FULL: frozenset({Action.CREATE, Action.UPDATE}),
}
"""What each level lets pass as far as nothing is lost by it. Only the widest one also lets something be lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A setting of which it matters since when it has its value.

    Attributes:
        since: When the service first ran with this value.
    """

    name: str
    value: str
    since: datetime
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoApplyHistory:
    """What is remembered that an automatic apply depends on.

    Attributes:
        since: Since when the setting has its present value; None when the service does not run with it.
        synced_at: When the chatbot was last seen as its document says.
        not_applied: Whether an apply of this chatbot and fingerprint did not end Applied.
        refused: Whether a person rejected this fingerprint for this chatbot, or took an approval of it back.
    """

    since: datetime | None = None
    synced_at: datetime | None = None
    not_applied: bool = False
    refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoApplyVerdict:
    """What the policy says about applying a plan without a person.

    Attributes:
        refusal: Why a person has to decide, or None.
        brake: Why nothing of the revision is applied without a person, or None.
        wait: What has to be known first, or None.
    """

    refusal: str | None = None
    brake: str | None = None
    wait: str | None = None

    @property
    def allows(self) -> bool:
        """Whether the policy still approves."""
        return self.refusal is None and self.brake is None

    @property
    def cause(self) -> str | None:
        """Why the plan is not applied by itself now."""
        return self.refusal or self.brake or self.wait


def switch_value(policy: Policy) -> str:
    """The setting as its switch keeps it: any other value begins anew."""
    return f"{policy.auto_apply} self_heal" if policy.self_heal else policy.auto_apply.value


def rule_of(policy: Policy) -> str:
    """The rule that allows an automatic apply, for the audit log."""
    healing = ", self_heal = true" if policy.self_heal else ""
    return f"auto_apply = {policy.auto_apply}{healing}"


def outside_policy(plan: Plan, policy: Policy) -> str | None:
    """Why a plan as such is not applied automatically, or None: its ops, their directions, what is protected."""
    ops = plan.bare_ops
    if beyond := _beyond(ops, policy.auto_apply):
        return beyond
    if protected_items(plan.chatbot_id, ops, policy):
        return "it touches what policy.protected covers"
    if requirements(ops, plan.body, policy).delete_override is not None:
        return "it needs overrides.deletes"
    return _other_side(plan, policy)


def _beyond(ops: Sequence[Op], level: AutoApply) -> str | None:
    """What of these ops goes beyond a level: a kind of op that it does not let pass, and whatever is lost."""
    allowed = _LEVELS[level]
    clauses = [
        f"it {verb} {counted(number, 'item', 'items')}"
        for action, verb in _VERBS.items()
        if action not in allowed and (number := sum(op.action is action for op in ops))
    ]
    if level is not AutoApply.FULL and (lost := summary(losses(ops))):
        clauses.append(f"it {lost}")
    return " and ".join(clauses) or None


def _other_side(plan: Plan, policy: Policy) -> str | None:
    directions = {directed.direction for directed in plan.ops} | {plan.direction}
    if Direction.DIVERGED in directions or {Direction.GIT_AHEAD, Direction.LIVE_AHEAD} <= directions:
        return "both sides moved"
    if directions - {Direction.GIT_AHEAD, Direction.LIVE_AHEAD}:
        return "both sides never agreed on what it changes"
    if Direction.LIVE_AHEAD in directions and not policy.self_heal:
        return "it undoes a live edit, and self_heal = false"
    return None


def refused_by_history(memory: AutoApplyHistory) -> str | None:
    """Why what happened before forbids an automatic apply, or None."""
    if memory.since is None:
        return "the service does not run with this setting"
    if memory.synced_at is None or memory.synced_at < memory.since:
        return "the chatbot was not in sync since this was set"
    if memory.not_applied:
        return "an apply of it did not end Applied"
    if memory.refused:
        return "a person rejected it, or took an approval back"
    return None
