"""Changes and requests without a lease are objected to, however little came of them, and nothing else is."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.faults.guards import overlong_requests, unfenced_changes
from tests.faults.history import History, Outcome, Standstill
from tests.faults.judge import Rule, judge
from tests.faults.ledger import Change

ONE, OTHER = "one", "other"
BOT = "bot_1"
TTL = 2.5


def moment(second: float) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()


def lease(service: str, fence: int, at: float, ends: float | None = None, *, transaction: int = 0) -> Change:
    """A lease that was taken, renewed or given back."""
    after = {
        "tenant": "acme",
        "chatbot_id": BOT,
        "fence": fence,
        "expires_at": moment(at + TTL if ends is None else ends),
    }
    return Change(service, transaction or round(at * 10), at, at, "leases", None, after)


def moved(service: str, at: float, status: str, **changed: Any) -> Change:
    """An apply that got another state."""
    before = {"id": "apply_1", "chatbot_id": BOT, "status": "Queued", "intent_at": None, "finished_at": None}
    after = {**before, "status": status, **changed}
    return Change(service, round(at * 10), at, at, "applies", before, after)


def started(service: str, at: float) -> Change:
    """What a service writes once its lease is committed, and no state."""
    row = {"id": "apply_1", "chatbot_id": BOT, "status": "Queued", "intent_at": None, "finished_at": None}
    return Change(service, round(at * 10), at, at, "applies", row, {**row, "started_at": moment(at)})


WHOLE = (
    lease(ONE, 1, 10),
    started(ONE, 10.1),
    moved(ONE, 10.5, "Applying", intent_at=moment(10.5)),
    lease(ONE, 1, 11),
    moved(ONE, 13, "Applied", finished_at=moment(13)),
    lease(ONE, 1, 13.1, ends=0),
)
TAKEN_OVER = (lease(ONE, 1, 10), started(ONE, 10.1), lease(OTHER, 2, 13), started(OTHER, 13.1))


def found(*changes: Change) -> list[str]:
    return list(unfenced_changes(changes))


def test_an_apply_under_its_lease_is_not_objected_to() -> None:
    assert found(*WHOLE) == []


def test_who_took_over_may_settle_what_it_found() -> None:
    assert found(*TAKEN_OVER, moved(OTHER, 13.2, "OutcomeUnknown"), moved(OTHER, 13.3, "Applied")) == []


def test_a_lease_that_comes_back_to_its_first_holder_counts() -> None:
    back = (*TAKEN_OVER, lease(OTHER, 2, 13.5, ends=0), lease(ONE, 3, 14), moved(ONE, 14.1, "Applying"))
    assert found(*back) == []


def test_a_transaction_that_began_before_the_take_was_committed_is_given_the_benefit() -> None:
    taken = TAKEN_OVER[:3]
    # the first one's lease had been renewed at the last moment, as by a heartbeat that was waiting
    assert found(*taken[:2], lease(ONE, 1, 12.9), taken[2], moved(ONE, 13.01, "Applying")) == []


@pytest.mark.parametrize(
    ("state", "changed"),
    [
        ("Applying", {"intent_at": moment(14)}),
        ("Applied", {"finished_at": moment(14)}),
        ("Failed", {"finished_at": moment(14)}),
        ("OutcomeUnknown", {}),
        ("Queued", {"intent_at": moment(14)}),
    ],
)
def test_what_is_written_after_the_lease_was_taken_over_is_objected_to(state: str, changed: dict[str, str]) -> None:
    (said,) = found(*TAKEN_OVER, moved(ONE, 14, state, **changed))
    assert said == f"one wrote {state} to apply apply_1 after other had taken its lease over"


def test_what_is_written_after_the_lease_ran_out_or_was_given_back_is_objected_to() -> None:
    for change in (lease(ONE, 1, 10), lease(ONE, 1, 10.2, ends=0)):
        assert "run out" in found(lease(ONE, 1, 10), change, moved(ONE, 12.6, "Applied"))[0]
    assert found(lease(ONE, 1, 10), moved(ONE, 12.4, "Applied")) == []


def test_what_is_written_without_any_lease_is_objected_to() -> None:
    assert "without ever" in found(lease(ONE, 1, 10), moved(OTHER, 11, "Applied"))[0]


SENT = (lease(ONE, 1, 10), moved(ONE, 10.5, "Applying", intent_at=moment(10.5)), lease(ONE, 1, 11))
"""With a lease until 13.5, of which a request needs the last second."""


def overlong(
    arrived: float, ended: float, *, begun: bool = False, service: str = ONE, changes: Sequence[Change] = SENT
) -> list[str]:
    stood = [Standstill(service, ended=ended, begun=begun)]
    return list(overlong_requests(changes, stood, [(BOT, arrived)]))


def test_a_request_that_began_with_enough_time_may_arrive_late() -> None:
    assert overlong(arrived=13.4, ended=12.4) == []
    assert overlong(arrived=13.6, ended=13.0, begun=True) == []


def test_a_request_that_was_there_before_the_standstill_ended_is_none_of_it() -> None:
    assert overlong(arrived=13.0, ended=20) == []


def test_a_standstill_of_somebody_else_says_nothing_of_a_request() -> None:
    assert overlong(arrived=14, ended=13, service=OTHER) == []


def test_a_request_with_less_of_the_lease_left_than_it_may_take_is_objected_to() -> None:
    (said,) = overlong(arrived=13.1, ended=13.0)
    assert said == "one sent a request to bot_1 with 0.5 s of its lease left, and not 1.0"


def test_a_body_that_leaves_after_the_lease_is_objected_to() -> None:
    assert overlong(arrived=13.7, ended=13.6, begun=True)


def test_giving_a_lease_back_does_not_make_a_request_overlong() -> None:
    assert overlong(arrived=12.4, ended=12.0, changes=(*SENT, lease(ONE, 1, 12.3, ends=0))) == []


def test_the_judge_counts_both_as_a_lost_guard() -> None:
    history = History(standstills=[Standstill(ONE, ended=13.0, begun=False)])
    outcome = Outcome(
        plans={},
        applies={},
        audit=(),
        writes=(),
        configs={},
        cut=((BOT, 13.1),),
        changes=(*SENT, lease(OTHER, 2, 14), started(OTHER, 14.1), moved(ONE, 15, "Applied")),
    )
    said = [violation.what for violation in judge(history, outcome) if violation.rule is Rule.LOST_GUARD]
    assert len(said) == 2
