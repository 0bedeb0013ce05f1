"""Who may use how much of a tenant's day."""

import pytest

from reconciler.ports import APPLYING, COMPARING, Purpose, Spender
from reconciler.targets.budget_shares import BudgetShares

A, B = Spender(Purpose.COMPARE, "a"), Spender(Purpose.COMPARE, "b")
ANN, BEN = Spender(Purpose.LIVE_VIEW, "ann"), Spender(Purpose.LIVE_VIEW, "ben")
DAILY = 1000
ALONE = BudgetShares(apply_reserve=0.1, live_share=0.1, sources=1)
SHARES = BudgetShares(apply_reserve=0.1, live_share=0.2, sources=2)


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
