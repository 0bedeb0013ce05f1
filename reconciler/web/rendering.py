"""A stored plan as text and markdown, by the renderers that the command line uses."""

from reconciler.domain.records import Plan
from reconciler.render.markdown import fleet_markdown
from reconciler.render.model import FleetPlan, PlanView
from reconciler.render.text import plan_text


def text(plan: Plan, name: str | None = None) -> str:
    """A plan as plain text."""
    return plan_text(_fleet(plan, name))


def markdown(plan: Plan, name: str | None = None) -> str:
    """A plan as markdown."""
    return fleet_markdown(_fleet(plan, name))


def _fleet(plan: Plan, name: str | None) -> FleetPlan:
    view = PlanView(
        chatbot_id=plan.chatbot_id,
        name=name,
        tenant=plan.tenant,
        path=plan.path,
        ops=plan.ops,
        noops=plan.summary.noop,
        prune=plan.prune,
        fingerprint=plan.fingerprint,
    )
    return FleetPlan(plans=(view,), closing=f"{plan.status}: {plan.message}")
