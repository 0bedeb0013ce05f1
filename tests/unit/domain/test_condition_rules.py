"""The one reason that a chatbot shows, of all that may hold at once."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.domain.auto_apply_rules import AutoApplyVerdict
from reconciler.domain.condition_rules import ChatbotCircumstances, PlanCircumstances, chatbot_condition, plan_condition
from reconciler.domain.entities import Chatbot, SourceRecord, SourceState
from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.plan import OpTarget
from reconciler.domain.policy import ProtectedItem, Protection
from reconciler.domain.status import EXPLANATIONS, Reason, Sync
from tests.support.records import a_plan

COMPARED = Chatbot(tenant="acme", id="bot_1", fault=None)
UNREADABLE = SourceRecord(
    name="bots", tenant="acme", url="https://h/x", branch=None, state=SourceState.UNKNOWN, message="gone: restore it"
)
PROTECTED = (ProtectedItem(OpTarget("mcpServers", "crm"), Protection("*", "mcpServers", "*")),)


def test_every_reason_says_in_a_sentence_how_to_change_it() -> None:
    assert set(EXPLANATIONS) == set(Reason)
    assert all(sentence.endswith(".") for sentence in EXPLANATIONS.values())


@pytest.mark.parametrize(
    ("change", "given", "reason"),
    [
        ({"fault": Reason.UNAUTHORIZED}, ChatbotCircumstances(a_plan(), UNREADABLE), Reason.UNAUTHORIZED),
        ({}, ChatbotCircumstances(a_plan(), UNREADABLE), a_plan().reason),
        ({"sync": Sync.SYNCED}, ChatbotCircumstances(source=UNREADABLE), Reason.SOURCE_UNKNOWN),
        ({"sync": Sync.SYNCED, "rejected_fingerprint": "f"}, ChatbotCircumstances(), Reason.IN_SYNC),
        ({"sync": Sync.OUT_OF_SYNC, "rejected_fingerprint": "f"}, ChatbotCircumstances(), Reason.REJECTED),
        ({"sync": Sync.OUT_OF_SYNC}, ChatbotCircumstances(), Reason.NOT_CHECKED),
    ],
)
def test_the_first_that_holds_is_shown(change: dict[str, Any], given: ChatbotCircumstances, reason: Reason) -> None:
    assert chatbot_condition(replace(COMPARED, **change), given)[0] is reason


@pytest.mark.parametrize(
    ("status", "delete_override", "read_only", "reason"),
    [
        (PlanStatus.PENDING, "it deletes 3 items", True, Reason.BLOCKED_BY_DELETE_GATE),
        (PlanStatus.APPROVED, "it deletes 3 items", True, Reason.READ_ONLY),
        (PlanStatus.PENDING, None, True, Reason.READ_ONLY),
        (PlanStatus.PENDING, None, False, Reason.AWAITING_APPROVAL),
        (PlanStatus.APPROVED, None, False, Reason.APPROVED),
    ],
)
def test_an_open_plan_shows_what_stands_in_its_way(
    status: PlanStatus, delete_override: str | None, *, read_only: bool, reason: Reason
) -> None:
    plan = replace(a_plan(), status=status, delete_override=delete_override)
    assert plan_condition(plan, PlanCircumstances(read_only=read_only))[0] is reason
    protected = PlanCircumstances(read_only=read_only, protected=PROTECTED)
    assert plan_condition(plan, protected)[0] is Reason.PROTECTED


def test_an_approved_plan_says_whether_its_apply_is_queued() -> None:
    approved = replace(a_plan(), status=PlanStatus.APPROVED)
    assert plan_condition(approved, PlanCircumstances()) == (Reason.APPROVED, EXPLANATIONS[Reason.APPROVED])
    queued = plan_condition(replace(approved, apply_id="apply_1"), PlanCircumstances())
    assert queued == (Reason.APPROVED, "The plan is approved and its apply is queued: wait for it.")


@pytest.mark.parametrize(
    ("automatic", "expected"),
    [
        (None, (Reason.AWAITING_APPROVAL, EXPLANATIONS[Reason.AWAITING_APPROVAL])),
        (
            AutoApplyVerdict(),
            (
                Reason.AWAITING_APPROVAL,
                f"{EXPLANATIONS[Reason.AWAITING_APPROVAL]} (auto_apply: it is applied by itself soon)",
            ),
        ),
        (
            AutoApplyVerdict(refusal="it deletes"),
            (Reason.AWAITING_APPROVAL, f"{EXPLANATIONS[Reason.AWAITING_APPROVAL]} (auto_apply: it deletes)"),
        ),
        (
            AutoApplyVerdict(brake="policy.fleet_max_deletes = 5"),
            (
                Reason.BLOCKED_BY_FLEET_BRAKE,
                f"{EXPLANATIONS[Reason.BLOCKED_BY_FLEET_BRAKE]} Because of policy.fleet_max_deletes = 5.",
            ),
        ),
    ],
)
def test_a_plan_that_waits_says_why_the_policy_does_not_take_it(
    automatic: AutoApplyVerdict | None, expected: tuple[Reason, str]
) -> None:
    pending = replace(a_plan(), status=PlanStatus.PENDING)
    assert plan_condition(pending, PlanCircumstances(automatic=automatic)) == expected


def test_a_protected_plan_names_the_item_and_the_pattern() -> None:
    _, message = plan_condition(a_plan(), PlanCircumstances(protected=PROTECTED))
    assert message.endswith('It touches mcpServers "crm" (*/mcpServers/*).')


@pytest.mark.parametrize(
    ("automatic", "reason", "said"),
    [
        (None, Reason.AWAITING_APPROVAL, "approve or reject it."),
        (AutoApplyVerdict(refusal="it deletes 1 item"), Reason.AWAITING_APPROVAL, "(auto_apply: it deletes 1 item)"),
        (
            AutoApplyVerdict(wait="4 are not compared yet"),
            Reason.AWAITING_APPROVAL,
            "(auto_apply: 4 are not compared yet)",
        ),
        (AutoApplyVerdict(), Reason.AWAITING_APPROVAL, "(auto_apply: it is applied by itself soon)"),
        (
            AutoApplyVerdict(brake="policy.fleet_max_deletes = 5"),
            Reason.BLOCKED_BY_FLEET_BRAKE,
            "policy.fleet_max_deletes = 5.",
        ),
    ],
)
def test_a_pending_plan_says_why_it_is_not_applied_by_itself(
    automatic: AutoApplyVerdict | None, reason: Reason, said: str
) -> None:
    shown, message = plan_condition(a_plan(), PlanCircumstances(automatic=automatic))
    assert shown is reason
    assert message.endswith(said)
