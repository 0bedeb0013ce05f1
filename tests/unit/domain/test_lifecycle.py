import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.lifecycle import (
    APPLY_ENDED,
    DECIDABLE,
    MOVES,
    OPEN,
    ApplyStatus,
    IllegalMoveError,
    PlanStatus,
    check_move,
)


def test_open_plans_are_exactly_the_four_of_the_design() -> None:
    assert {"Pending", "Approved", "Applying", "OutcomeUnknown"} == OPEN


def test_every_state_is_reached_from_pending() -> None:
    reached, frontier = set(), {PlanStatus.PENDING}
    while frontier:
        reached |= frontier
        frontier = {to for state in frontier for to in MOVES[state]} - reached
    assert reached == set(PlanStatus)


@given(st.sampled_from(list(PlanStatus)), st.sampled_from(list(PlanStatus)))
def test_a_move_is_refused_exactly_when_it_is_not_listed(current: PlanStatus, to: PlanStatus) -> None:
    if to in MOVES[current]:
        check_move(current, to)
    else:
        with pytest.raises(IllegalMoveError, match=f"from {current} to {to}"):
            check_move(current, to)


def test_rule_1_nothing_but_an_approved_plan_comes_to_an_apply() -> None:
    assert {state for state, moves in MOVES.items() if PlanStatus.APPLYING in moves} == {PlanStatus.APPROVED}


def test_rule_4_an_unknown_outcome_is_never_sent_again() -> None:
    assert PlanStatus.APPLYING not in MOVES[PlanStatus.OUTCOME_UNKNOWN]
    assert MOVES[PlanStatus.OUTCOME_UNKNOWN] < MOVES[PlanStatus.APPLYING]


def test_nothing_was_sent_for_a_decidable_plan() -> None:
    assert {PlanStatus.PENDING, PlanStatus.APPROVED} == DECIDABLE


def test_an_apply_ends_in_the_plans_outcomes_or_stale() -> None:
    outcomes = {status.value for status in MOVES[PlanStatus.OUTCOME_UNKNOWN]}
    assert {status.value for status in APPLY_ENDED} == outcomes | {ApplyStatus.STALE}
