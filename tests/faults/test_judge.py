"""The judge objects to wrong histories, each on its ground, and to nothing else."""

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.domain.audit import GENESIS, chain
from tests.faults import bots
from tests.faults.history import Ask, Asked, History, Outcome, Seen
from tests.faults.judge import Rule, judge

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
BOT = bots.bot_id(1)
OPS = (
    {"section": "core", "action": "update", "key": None},
    {"section": "skills", "action": "create", "key": "orders"},
    {"section": "domains", "action": "noop", "key": "shop.example.com"},
)
BODY = bots.expected_body(bots.desired_spec(1), OPS)

Case = dict[str, Any]


def at(seconds: float) -> str:
    return (NOON + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def case() -> Case:
    """A plan that was approved, sent once, took effect and is Applied."""
    approval = {"actor": "ann", "fingerprint": "f1", "revoked_at": None, "spent_at": at(10)}
    plan = {
        "id": "plan_1",
        "chatbot_id": BOT,
        "status": "Applied",
        "reason": "Applied",
        "message": "",
        "created_at": at(0),
        "apply_id": "apply_1",
        "approvals": [approval],
    }
    write = {
        "chatbot_id": BOT,
        "at": at(11),
        "body_sha256": bots.body_hash(BODY),
        "ops": [op for op in OPS if op["action"] != "noop"],
    }
    return {
        "seen": Seen("plan_1", BOT, "f1", bots.body_hash(BODY), BODY, OPS),
        "asked": [Asked("plan_1", Ask.APPROVE, "ann", applies=True, sent=NOON.timestamp() + 5, acknowledged=True)],
        "restarts": [{"plan_1": {**deepcopy(plan), "looked_at": NOON.timestamp() + 8}}],
        "plans": {"plan_1": plan},
        "applies": {"apply_1": {"id": "apply_1", "status": "Applied", "intent_at": at(10), "finished_at": at(12)}},
        "audit": entries(3),
        "writes": [write],
        "configs": {BOT: bots.desired_spec(1)},
        "cut": [],
        "unsettled": [],
        "forbidden": {},
        "forbidden_after": {},
    }


def entries(count: int) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = []
    previous = GENESIS
    for seq in range(1, count + 1):
        fields: dict[str, Any] = {"seq": seq, "actor": "ann", "action": "x", "subject": "y", "fingerprint": None}
        fields["detail"] = {}
        value = chain(previous, at=NOON, **fields)
        said.append({**fields, "at": NOON.isoformat(), "prev_hash": previous, "hash": value})
        previous = value
    return said


def rules(given: Case) -> set[Rule]:
    history = History(
        seen={"plan_1": given["seen"]},
        asked=given["asked"],
        restarts=given["restarts"],
        forbidden=given["forbidden"],
        forbidden_after=given["forbidden_after"],
    )
    outcome = Outcome(
        plans=given["plans"],
        applies=given["applies"],
        audit=tuple(given["audit"]),
        writes=tuple(given["writes"]),
        configs=given["configs"],
        cut=tuple(given["cut"]),
        unsettled=tuple(given["unsettled"]),
    )
    return {violation.rule for violation in judge(history, outcome)}


def test_what_went_well_is_not_objected_to() -> None:
    assert rules(case()) == set()


def _unacknowledged_and_gone(given: Case) -> None:
    given["asked"][0].acknowledged = False
    given["plans"]["plan_1"] |= {"approvals": [], "status": "Pending", "reason": "AwaitingApproval", "apply_id": None}
    given["restarts"].clear()
    given["writes"].clear()


def test_an_approval_that_nobody_was_promised_may_be_gone() -> None:
    given = case()
    _unacknowledged_and_gone(given)
    assert rules(given) == set()


@pytest.mark.parametrize("sent_again", [False, True])
def test_a_token_that_is_revoked_after_the_intent_comes_too_late(*, sent_again: bool) -> None:
    given = case()
    if sent_again:
        given["applies"]["apply_1"]["intent_at"] = at(10.8)
    given["forbidden_after"]["plan_1"] = (NOON.timestamp() + 10.5, "a token was revoked")
    assert rules(given) == set()


def _no_approval(given: Case) -> None:
    given["plans"]["plan_1"]["approvals"] = []


def _no_approval_after_a_restart(given: Case) -> None:
    given["restarts"][0]["plan_1"]["approvals"] = []
    given["restarts"][0]["plan_1"]["looked_at"] += 1


def _revoked_by_nobody(given: Case) -> None:
    given["plans"]["plan_1"]["approvals"][0]["revoked_at"] = at(6)


def _of_somebody_else(given: Case) -> None:
    given["plans"]["plan_1"]["approvals"][0]["actor"] = "bob"


def _plan_gone(given: Case) -> None:
    given["plans"].clear()


def _sent_twice(given: Case) -> None:
    given["writes"].append({**given["writes"][0], "at": at(13)})


def _cut_and_sent(given: Case) -> None:
    given["cut"].append((BOT, NOON.timestamp() + 10.5))


def _nobody_asked(given: Case) -> None:
    given["asked"].clear()
    given["restarts"].clear()


def _wrong_fingerprint(given: Case) -> None:
    given["asked"][0].valid = False


def _too_early(given: Case) -> None:
    given["writes"][0]["at"] = at(4)


def _other_body(given: Case) -> None:
    given["writes"][0]["body_sha256"] = bots.body_hash({**BODY, "prune": True})


def _fell_before(given: Case) -> None:
    given["forbidden"]["plan_1"] = "somebody had edited it"


def _fell_meanwhile(given: Case) -> None:
    given["forbidden_after"]["plan_1"] = (NOON.timestamp() + 9.5, "a token was revoked")


def _not_spent(given: Case) -> None:
    given["plans"]["plan_1"]["approvals"][0]["spent_at"] = None


def _without_effect(given: Case) -> None:
    given["writes"][0]["ops"] = []


def _half_done(given: Case) -> None:
    given["writes"][0]["ops"] = given["writes"][0]["ops"][:1]


def _never_sent(given: Case) -> None:
    given["writes"].clear()


def _not_live(given: Case) -> None:
    given["configs"][BOT] = bots.live_spec(1)


def _said(status: str, reason: str = "x") -> Callable[[Case], None]:
    def change(given: Case) -> None:
        given["plans"]["plan_1"] |= {"status": status, "reason": reason}
        given["applies"]["apply_1"]["status"] = status

    change.__name__ = f"_said_{status}_{reason}"
    return change


def _partial_without_effect(given: Case) -> None:
    _said("PartiallyApplied")(given)
    _without_effect(given)


def _apply_says_else(given: Case) -> None:
    given["applies"]["apply_1"]["status"] = "Failed"


def _open_apply(given: Case) -> None:
    given["applies"]["apply_1"] |= {"status": "Applying", "finished_at": None}


def _unsettled(given: Case) -> None:
    given["unsettled"].append("a run is Running")


def _altered_log(given: Case) -> None:
    given["audit"][1]["subject"] = "z"


def _gap_in_log(given: Case) -> None:
    del given["audit"][1]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (_no_approval, Rule.LOST_APPROVAL),
        (_no_approval_after_a_restart, Rule.LOST_APPROVAL),
        (_revoked_by_nobody, Rule.LOST_APPROVAL),
        (_of_somebody_else, Rule.LOST_APPROVAL),
        (_plan_gone, Rule.LOST_APPROVAL),
        (_sent_twice, Rule.DOUBLE_APPLY),
        (_cut_and_sent, Rule.DOUBLE_APPLY),
        (_nobody_asked, Rule.UNAPPROVED_WRITE),
        (_wrong_fingerprint, Rule.UNAPPROVED_WRITE),
        (_too_early, Rule.UNAPPROVED_WRITE),
        (_other_body, Rule.UNAPPROVED_WRITE),
        (_fell_before, Rule.UNAPPROVED_WRITE),
        (_fell_meanwhile, Rule.UNAPPROVED_WRITE),
        (_not_spent, Rule.UNAPPROVED_WRITE),
        (_without_effect, Rule.WRONG_VERDICT),
        (_half_done, Rule.WRONG_VERDICT),
        (_never_sent, Rule.WRONG_VERDICT),
        (_not_live, Rule.WRONG_VERDICT),
        (_said("Failed", "NotApplied"), Rule.WRONG_VERDICT),
        (_said("Failed", "RefusedByApi"), Rule.WRONG_VERDICT),
        (_said("PartiallyApplied"), Rule.WRONG_VERDICT),
        (_said("AppliedNotConverged"), Rule.WRONG_VERDICT),
        (_said("Stale"), Rule.WRONG_VERDICT),
        (_partial_without_effect, Rule.WRONG_VERDICT),
        (_apply_says_else, Rule.WRONG_VERDICT),
        (_open_apply, Rule.STUCK),
        (_unsettled, Rule.STUCK),
        (_said("OutcomeUnknown"), Rule.STUCK),
        (_said("Applying"), Rule.STUCK),
        (_altered_log, Rule.AUDIT),
        (_gap_in_log, Rule.AUDIT),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else None,
)
def test_a_wrong_history_is_objected_to(change: Callable[[Case], None], rule: Rule) -> None:
    given = case()
    change(given)
    assert rule in rules(given)
