"""What `reconciler plan` says of the policy, besides what changes."""

from typing import Any

import pytest

from reconciler.cli.fleet_plan import fleet_plan
from reconciler.domain.document import Document
from reconciler.domain.plan import Action, Op, propose
from reconciler.domain.policy import AutoApply, Policy, Protection
from reconciler.engine.local_plan import LocalPlan, PlannedDocument

BODY: dict[str, Any] = {"apiVersion": "v1", "kind": "ChatbotConfig", "prune": True, "spec": {"domains": [], "core": {}}}
PERSON = "Nothing was written. A person would have to approve it: "
DELETE = Op("domains", Action.DELETE, "old.example", before={"domain": "old.example"})
RENAME = Op("core", Action.UPDATE, None, {"name": "A"}, {"name": "B"}, ("name",))


def made(*ops: Op, chatbots: int = 1) -> LocalPlan:
    """Dry runs of some chatbots, each with these ops."""
    return LocalPlan(tuple(_planned(f"bot_{number}", ops) for number in range(chatbots)), (), ())


def _planned(chatbot_id: str, ops: tuple[Op, ...]) -> PlannedDocument:
    document = Document(chatbot_id, f"chatbots/{chatbot_id}.yaml", 1, BODY, {})
    return PlannedDocument(document, propose("acme", chatbot_id, BODY, ops))


@pytest.mark.parametrize(
    ("op", "policy", "notes"),
    [
        (RENAME, Policy(), ["needs 1 approval"]),
        (RENAME, Policy(approvals=2), ["needs 2 approvals"]),
        (
            DELETE,
            Policy(delete_approvals=2),
            ["needs 2 approvals", "needs overrides.deletes with a reason, because it empties domains"],
        ),
        (
            RENAME,
            Policy(protected=(Protection("bot_*", "core", "name"),)),
            ["needs 1 approval", 'cannot be approved: policy.protected covers core "name" (bot_*/core/name)'],
        ),
    ],
)
def test_a_plan_says_what_it_takes_to_apply_it(op: Op, policy: Policy, notes: list[str]) -> None:
    (plan,) = fleet_plan(made(op), "acme", policy).plans
    assert list(plan.notes) == notes


@pytest.mark.parametrize(
    ("chatbots", "policy", "closing"),
    [
        (9, Policy(), "Nothing was written."),
        (5, Policy(auto_apply=AutoApply.FULL, fleet_max_share=1), "Nothing was written."),
        (
            6,
            Policy(auto_apply=AutoApply.FULL, fleet_max_share=1),
            PERSON + "policy.fleet_max_deletes = 5 for this plan: its plans take something away from 6 chatbots.",
        ),
        (
            4,
            Policy(auto_apply=AutoApply.FULL),
            PERSON + "policy.fleet_max_share = 0.3 for this plan: its plans change 4 of 4 chatbots.",
        ),
    ],
)
def test_a_plan_that_would_be_braked_says_so(chatbots: int, policy: Policy, closing: str) -> None:
    assert fleet_plan(made(DELETE, chatbots=chatbots), "acme", policy).closing == closing
