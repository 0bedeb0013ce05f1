from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.domain.clock_tolerance import TOLERANCE, has_elapsed, is_ahead

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("since", "over"),
    [
        (NOW - HOUR, True),
        (NOW - HOUR + MOMENT, False),
        (NOW, False),
        (NOW + HOUR, False),
        (NOW + HOUR + MOMENT, True),
        (NOW + timedelta(days=365), True),
    ],
)
def test_a_wait_is_over_after_its_length_or_when_it_began_in_a_future_that_it_cannot_have(
    since: datetime,
    over: bool,  # noqa: FBT001  a parameter of the test
) -> None:
    assert has_elapsed(since, HOUR, NOW) is over


@given(jump=st.timedeltas(timedelta(days=-4000), timedelta(days=4000)), length=st.timedeltas(MOMENT, timedelta(days=9)))
@example(jump=-2 * HOUR, length=HOUR)
@example(jump=-3 * HOUR + MOMENT, length=HOUR)
@example(jump=-HOUR, length=HOUR)
def test_however_the_clock_is_set_a_wait_is_over_at_once_or_after_twice_its_length(
    jump: timedelta, length: timedelta
) -> None:
    set_to = NOW + jump
    assert has_elapsed(NOW, length, set_to) or has_elapsed(NOW, length, set_to + 2 * length)


def test_only_what_is_well_in_the_future_lies_ahead() -> None:
    assert not is_ahead(NOW, NOW)
    assert not is_ahead(NOW + TOLERANCE, NOW)
    assert is_ahead(NOW + TOLERANCE + MOMENT, NOW)
