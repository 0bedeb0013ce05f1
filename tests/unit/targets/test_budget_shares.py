"""Who may use how much of a tenant's day."""

import pytest

from reconciler.ports import APPLYING, COMPARING, RECHECKING, Purpose, Spender
from reconciler.targets.budget_shares import CALLS_OF_AN_APPLY, BudgetShares, calls_by_source

A, B = Spender(Purpose.CHANGE, "a"), Spender(Purpose.CHANGE, "b")
DRIFT, SWEEP = Spender(Purpose.DRIFT, "a"), Spender(Purpose.FULL_SWEEP, "a")
PULL_REQUEST = Spender(Purpose.PULL_REQUEST, "a")
ANN, BEN = Spender(Purpose.LIVE_VIEW, "ann"), Spender(Purpose.LIVE_VIEW, "ben")
DAILY = 1000
ALONE = BudgetShares(apply_reserve=0.1, change_reserve=0.2, live_share=0.1, sources=1)
SHARES = BudgetShares(apply_reserve=0.1, change_reserve=0.2, live_share=0.2, sources=2)


@pytest.mark.parametrize(
    ("spender", "used", "left_of_day", "refused"),
    [
        pytest.param(A, {}, 1.0, None, id="a new day"),
        pytest.param(A, {A: 449}, 1.0, None, id="within its share"),
        pytest.param(A, {A: 450}, 1.0, "for the source a", id="at its share in the morning"),
        pytest.param(B, {A: 450}, 1.0, None, id="the other source"),
        pytest.param(A, {A: 674}, 0.5, None, id="at noon half of the other's share is free"),
        pytest.param(A, {A: 675}, 0.5, "for the source a", id="and no more than that"),
        pytest.param(A, {A: 674, B: 1}, 0.5, None, id="what the other has used of its share is needed no more"),
        pytest.param(A, {A: 676, B: 1}, 0.5, "for the source a", id="and the rest of it is"),
        pytest.param(A, {A: 676, ANN: 1}, 0.5, "for the source a", id="looks are no source's share"),
        pytest.param(A, {A: 450, B: 450}, 1.0, "apply_reserve", id="what is kept for applies"),
        pytest.param(COMPARING, {A: 900}, 0.0, "apply_reserve", id="nobody in particular"),
        pytest.param(A, {A: 800, APPLYING: 100}, 0.0, None, id="a reserve that applies have used"),
        pytest.param(APPLYING, {A: 450, B: 450}, 1.0, None, id="an apply has the reserve"),
        pytest.param(APPLYING, {A: 450, B: 450, APPLYING: 100}, 1.0, "is used up", id="nobody has more than all"),
        pytest.param(ANN, {ANN: 150, BEN: 49}, 1.0, None, id="looks within their share"),
        pytest.param(ANN, {BEN: 200}, 1.0, "live_share", id="looks of everybody together"),
        pytest.param(ANN, {A: 900}, 1.0, "apply_reserve", id="looks leave the reserve alone"),
    ],
)
def test_a_day_is_shared(spender: Spender, used: dict[Spender, int], left_of_day: float, refused: str | None) -> None:
    said = SHARES.refusal(spender, used, DAILY, left_of_day)
    assert (said is None) if refused is None else (refused in str(said))


def test_one_source_may_use_all_but_the_reserve() -> None:
    assert ALONE.refusal(A, {A: 899}, DAILY, 1.0) is None
    assert ALONE.refusal(A, {A: 900}, DAILY, 1.0) is not None


@pytest.mark.parametrize("daily", [1, 2, 9])
def test_a_small_budget_keeps_nothing_back(daily: int) -> None:
    assert ALONE.refusal(A, {A: daily - 1}, daily, 1.0) is None
    assert ALONE.refusal(ANN, {}, daily, 1.0) is None


@pytest.mark.parametrize(
    ("spender", "used", "left_of_day", "refused"),
    [
        pytest.param(SWEEP, {SWEEP: 699}, 1.0, None, id="a pass early in the day"),
        pytest.param(SWEEP, {SWEEP: 700}, 1.0, "change_reserve", id="and what it leaves for changes"),
        pytest.param(A, {SWEEP: 700}, 1.0, None, id="which changes may use"),
        pytest.param(PULL_REQUEST, {SWEEP: 700}, 1.0, None, id="and pull requests"),
        pytest.param(A, {SWEEP: 700, A: 200}, 1.0, "apply_reserve", id="up to what applies need"),
        pytest.param(DRIFT, {SWEEP: 799}, 1.0, None, id="drift may use half of that"),
        pytest.param(DRIFT, {SWEEP: 800}, 1.0, "change_reserve", id="and no more"),
        pytest.param(SWEEP, {SWEEP: 799}, 0.5, None, id="at noon half of it is free"),
        pytest.param(SWEEP, {SWEEP: 800}, 0.5, "change_reserve", id="and half is kept"),
        pytest.param(SWEEP, {SWEEP: 899}, 0.0, None, id="at midnight all is free but the reserve of applies"),
        pytest.param(SWEEP, {A: 700}, 1.0, "change_reserve", id="whatever was used up by what"),
        pytest.param(RECHECKING, {A: 997}, 1.0, None, id="an apply that can end"),
        pytest.param(RECHECKING, {A: 998}, 1.0, "applies under way", id="an apply that could not end begins not"),
        pytest.param(APPLYING, {A: 999}, 1.0, None, id="what began may use the last call"),
    ],
)
def test_the_day_is_kept_for_what_is_more_urgent(
    spender: Spender, used: dict[Spender, int], left_of_day: float, refused: str | None
) -> None:
    said = ALONE.refusal(spender, used, DAILY, left_of_day)
    assert (said is None) if refused is None else (refused in str(said))


def test_an_apply_that_begins_can_pay_for_its_end() -> None:
    used = {A: DAILY - CALLS_OF_AN_APPLY}
    for spender in [RECHECKING, *[APPLYING] * (CALLS_OF_AN_APPLY - 1)]:
        assert ALONE.refusal(spender, used, DAILY, 0.5) is None
        used[spender] = used.get(spender, 0) + 1
    assert ALONE.refusal(APPLYING, used, DAILY, 0.5) == "is used up"


def test_a_source_has_one_share_for_all_that_compares_it() -> None:
    used = {A: 1, DRIFT: 2, SWEEP: 4, B: 8, COMPARING: 16, ANN: 32, APPLYING: 64}
    assert calls_by_source(used) == {"a": 7, "b": 8, "": 16}
    # without a reserve for changes nothing but the shares is in the way
    shares = BudgetShares(apply_reserve=0.1, change_reserve=0.0, live_share=0.2, sources=2)
    for spender in (A, DRIFT, SWEEP):
        assert shares.refusal(spender, {A: 100, DRIFT: 200, SWEEP: 149}, DAILY, 1.0) is None
        assert "for the source a" in str(shares.refusal(spender, {A: 100, DRIFT: 200, SWEEP: 150}, DAILY, 1.0))


@pytest.mark.parametrize("left_of_day", [1.0, 0.5, 0.0])
def test_what_is_left_for_a_pass_is_what_it_may_use(left_of_day: float) -> None:
    for used in ({}, {A: 300}, {SWEEP: 500, APPLYING: 50}, {A: 900}):
        left = ALONE.left_for_a_pass(used, DAILY, left_of_day)
        calls = {**used, COMPARING: used.get(COMPARING, 0) + left}
        sweep = Spender(Purpose.FULL_SWEEP)
        assert ALONE.refusal(sweep, calls, DAILY, left_of_day) is not None
        if left:
            calls[COMPARING] -= 1
            assert ALONE.refusal(sweep, calls, DAILY, left_of_day) is None
