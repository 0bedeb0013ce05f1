"""Who may press which button of a plan."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.domain.access import Role
from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.plan import OpTarget
from reconciler.domain.policy import ProtectedItem, Protection
from reconciler.engine.context import Actor
from reconciler.web.plans.decision_box import DecisionRules, WeighedApproval, decision_box
from tests.support.records import a_plan, an_approval

ANN = Actor("ann", Role.APPROVER, "tok_1")
FREE = DecisionRules(role=None, stop=None, approvals=(), needed=1, override=None, protected=())
PLAN = a_plan()
APPROVED = replace(PLAN, status=PlanStatus.APPROVED)


def given(*names: str, fall: str | None = None) -> tuple[WeighedApproval, ...]:
    return tuple(WeighedApproval(an_approval(f"approval_{name}", actor=name), fall) for name in names)


def pressed(plan: Any, rulings: DecisionRules) -> dict[str, str | None]:
    return {choice.title: choice.refusal for choice in decision_box(plan, ANN, rulings).choices}


def test_a_pending_plan_offers_everything() -> None:
    assert pressed(PLAN, FREE) == {"Approve and apply": None, "Approve only": None, "Reject": None}


def test_an_apply_is_not_promised_while_others_must_approve_too() -> None:
    assert pressed(PLAN, replace(FREE, needed=2)) == {"Approve": None, "Reject": None}
    assert "Approve and apply" in pressed(PLAN, replace(FREE, needed=2, approvals=given("bob")))


@pytest.mark.parametrize("name", ["ann", "Ann ", "a\u200bnn"])
def test_nobody_approves_twice(name: str) -> None:
    choices = pressed(PLAN, replace(FREE, needed=2, approvals=given(name)))
    assert choices["Approve"] == "You have approved it; another person must, too."
    assert choices["Take back my approval"] is None


def test_an_approval_that_fell_may_be_given_again() -> None:
    choices = pressed(PLAN, replace(FREE, approvals=given("ann", fall="expired")))
    assert choices["Approve only"] is None
    assert "Take back my approval" not in choices


def test_what_stops_applies_stops_no_approval() -> None:
    stopped = replace(FREE, stop="all is suspended")
    assert pressed(PLAN, stopped) == {"Approve and apply": "all is suspended", "Approve only": None, "Reject": None}
    assert pressed(APPROVED, stopped) == {"Apply": "all is suspended", "Reject": None}


def test_what_is_protected_can_only_be_rejected() -> None:
    item = ProtectedItem(OpTarget("core", "name"), Protection("*", "core", "*"))
    choices = pressed(PLAN, replace(FREE, protected=(item,)))
    assert [title for title, refusal in choices.items() if refusal is None] == ["Reject"]


def test_the_policys_approval_can_be_taken_back_by_an_approver() -> None:
    policy = (WeighedApproval(an_approval(actor="policy:auto_apply", automatic=True), None),)
    box = decision_box(APPROVED, ANN, replace(FREE, approvals=policy))
    assert "Take back the policy's approval" in [choice.title for choice in box.choices]
    assert (box.automatic, box.missing) == (True, 0)


def test_one_person_counts_once_however_written() -> None:
    box = decision_box(PLAN, ANN, replace(FREE, needed=3, approvals=given("Bob", "bob ", "eve")))
    assert (box.approved_by, box.missing) == (2, 1)


@pytest.mark.parametrize("status", sorted(set(PlanStatus) - {PlanStatus.PENDING, PlanStatus.APPROVED}))
def test_nothing_is_offered_for_a_plan_that_is_decided(status: PlanStatus) -> None:
    box = decision_box(replace(PLAN, status=status), ANN, FREE)
    assert box.choices == ()
    assert box.refusal == "Nothing can be decided about this plan any more."


def test_nothing_is_offered_while_an_apply_is_queued() -> None:
    assert decision_box(replace(APPROVED, apply_id="apply_1"), ANN, FREE).choices == ()


def test_nothing_is_offered_to_who_may_not_or_is_nobody() -> None:
    assert decision_box(PLAN, ANN, replace(FREE, role="this needs the role approver")).choices == ()
    assert decision_box(PLAN, None, FREE).choices == ()
