"""Renders a stored plan as text or markdown, with the renderers of the command line."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from reconciler.domain.entities import Apply, Approval, Plan
from reconciler.domain.op_outcomes import op_outcomes
from reconciler.domain.policy import Policy, ProtectedItem, Requirements, protected_items
from reconciler.domain.suspensions import Suspension, suspension_sentence
from reconciler.engine.context import Engine
from reconciler.render.alignment import Effort
from reconciler.render.model import FleetPlan, PlanView
from reconciler.render.plan_markdown import fleet_markdown
from reconciler.render.plan_text import plan_text
from reconciler.render.requirements_text import OUTCOME_WORDS, requirements_text
from reconciler.web.auth.visibility import chatbot_names, suspensions_of
from reconciler.web.http.schemas import rfc3339


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPlan:
    """A stored plan with what belongs to it.

    Attributes:
        name: The chatbot's, where it is known.
        apply: The plan's latest apply.
        suspension: What stops its apply.
    """

    plan: Plan
    policy: Policy
    name: str | None = None
    approvals: Sequence[Approval] = ()
    apply: Apply | None = None
    suspension: Suspension | None = None


def text(stored: StoredPlan, effort: Effort) -> str:
    """A plan as plain text, its texts compared as far as the effort suffices."""
    return plan_text(_fleet(stored), effort=effort)


def markdown(stored: StoredPlan, effort: Effort) -> str:
    """A plan as markdown, its texts compared as far as the effort suffices."""
    return fleet_markdown(_fleet(stored), effort)


def identity(stored: StoredPlan, media_type: str) -> Hashable:
    """What two renderings have in common exactly when they say the same: the plan as it is, and all that is besides."""
    return media_type, stored.plan.id, stored.plan.version, stored.name, tuple(notes(stored))


def _fleet(stored: StoredPlan) -> FleetPlan:
    plan = stored.plan
    view = PlanView(
        chatbot_id=plan.chatbot_id,
        name=stored.name,
        tenant=plan.tenant,
        path=plan.path,
        ops=plan.ops,
        noops=plan.summary.noop,
        prune=plan.prune,
        fingerprint=plan.fingerprint,
        notes=tuple(notes(stored)),
    )
    return FleetPlan(plans=(view,), closing=f"{plan.status}: {plan.message}")


def notes(stored: StoredPlan) -> Iterator[str]:
    """What stops a plan's apply, what it takes to approve it, who did, and what its apply did."""
    plan = stored.plan
    if stored.suspension is not None:
        yield suspension_sentence(stored.suspension)
    if plan.is_open:
        required = Requirements(plan.approvals_required, plan.delete_override)
        yield from requirements_text(required, holding_up(plan, stored.policy))
    yield from (_approval(approval) for approval in stored.approvals if approval.revoked_at is None)
    if stored.apply is not None:
        yield _apply(stored.apply)
        yield from _outcomes(plan, stored.apply)


def _outcomes(plan: Plan, apply: Apply) -> Iterator[str]:
    """Which ops were done and which were not, where an apply was stopped halfway."""
    outcomes = op_outcomes(plan.bare_ops, apply)
    for outcome, words in OUTCOME_WORDS.items():
        places = [str(op.place) for op, item in zip(plan.bare_ops, outcomes, strict=True) if item is outcome]
        if places:
            yield f"{words}: {', '.join(places)}"


def holding_up(plan: Plan, policy: Policy) -> tuple[ProtectedItem, ...]:
    """What an open plan is held up by; one that is closed is held up by nothing."""
    if not plan.is_open:
        return ()
    return protected_items(plan.chatbot_id, plan.bare_ops, policy)


def _approval(approval: Approval) -> str:
    until = f", until {rfc3339(approval.expires_at)}" if approval.expires_at and not approval.spent_at else ""
    comment = "".join(f": {part}" for part in (approval.comment,) if part)
    deletes = f" (deletes: {approval.reason})" if approval.deletes else ""
    return f"approved by {approval.actor}{until}{comment}{deletes}"


def _apply(apply: Apply) -> str:
    """The window is what the API cannot guard: an edit within it, in a section that was written, is lost."""
    window = "" if apply.window_ms is None else f", {apply.window_ms} ms after the last dry run"
    return f"apply {apply.id} is {apply.status}{window}"


async def stored_plan(engine: Engine, plan: Plan) -> StoredPlan:
    """A plan with everything that is shown of it besides."""
    queries = engine.store.queries
    return StoredPlan(
        plan=plan,
        policy=engine.policy,
        name=(await chatbot_names(engine, [plan])).get(plan.id),
        approvals=(await queries.approvals_of([plan.id])).get(plan.id, ()),
        apply=(await queries.applies_of([plan.id])).get(plan.id),
        suspension=(await suspensions_of(engine, [plan])).get(plan.suspension_id or ""),
    )
