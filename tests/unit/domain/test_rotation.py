"""The rotation: every chatbot in time, evenly, and never in a burst."""

from datetime import timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.domain.rotation import CATCH_UP, age_limit, rotation_share
from tests.fakes.clock import START

INTERVAL, DAY = timedelta(minutes=5), timedelta(hours=24)
LIMIT = age_limit(DAY, INTERVAL)
JITTER = 1.05
"""A pass comes up to a twentieth later than its interval."""
spacings = st.floats(1.0, JITTER).map(lambda factor: INTERVAL * factor)


def share(chatbots: int, passed: timedelta = INTERVAL, *, overdue: int = 0, full: timedelta = DAY) -> int:
    return rotation_share(
        chatbots, overdue, START, START + passed, limit=age_limit(full, INTERVAL), drift_interval=INTERVAL
    )


class Fleet:
    """Ages of comparisons, oldest first, as passes renew them."""

    def __init__(self, chatbots: int) -> None:
        self.now = START
        self.before = START
        self.checked = [START] * chatbots

    def rotate(self, passed: timedelta, full: timedelta = DAY) -> int:
        self.before, self.now = self.now, self.now + passed
        limit = age_limit(full, INTERVAL)
        overdue = sum(moment <= self.now - limit for moment in self.checked)
        due = rotation_share(len(self.checked), overdue, self.before, self.now, limit=limit, drift_interval=INTERVAL)
        self.checked.sort()
        self.checked[:due] = [self.now] * due
        return due

    @property
    def oldest(self) -> timedelta:
        return self.now - min(self.checked)


def test_ten_thousand_chatbots_are_35_in_an_interval() -> None:
    assert share(10_000) in {34, 35}
    fleet = Fleet(10_000)
    assert sum(fleet.rotate(INTERVAL) for _ in range(288)) <= 35 * 288


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 400), st.lists(spacings, min_size=1, max_size=12), st.sampled_from([3, 12, 48]))
def test_no_comparison_gets_older_than_the_interval(chatbots: int, spaced: list[timedelta], passes: int) -> None:
    full = passes * INTERVAL
    fleet = Fleet(chatbots)
    for number in range(3 * passes):
        spacing = spaced[number % len(spaced)]
        # also right before the pass that renews the oldest
        assert fleet.oldest + spacing <= full
        fleet.rotate(spacing, full)


@given(st.integers(0, 20_000), st.lists(st.integers(1, 600), min_size=1, max_size=60))
def test_passes_of_any_spacing_add_up(chatbots: int, seconds: list[int]) -> None:
    moments = [START]
    for step in seconds:
        moments.append(moments[-1] + timedelta(seconds=step))
    pairs = list(pairwise(moments))
    shares = [rotation_share(chatbots, 0, since, now, limit=LIMIT, drift_interval=INTERVAL) for since, now in pairs]
    exact = chatbots * (moments[-1] - START) / LIMIT
    assert exact - 1 <= sum(shares) <= exact + 1


@given(st.integers(1, 20_000), st.integers(0, 20_000), st.integers(-500_000, 500_000))
def test_no_outage_and_no_clock_makes_a_burst(chatbots: int, overdue: int, seconds: int) -> None:
    even = -(-chatbots * INTERVAL // LIMIT)
    assert 0 <= share(chatbots, timedelta(seconds=seconds), overdue=overdue) <= CATCH_UP * even + 1


@settings(max_examples=20, deadline=None)
@given(st.integers(100, 2_000), st.integers(1, 200))
def test_after_an_outage_it_catches_up(chatbots: int, missed: int) -> None:
    fleet = Fleet(chatbots)
    for _ in range(288):
        fleet.rotate(INTERVAL)
    fleet.rotate(missed * INTERVAL)
    # at twice the pace what was missed is made up for in as much time again
    for _ in range(missed + 2):
        fleet.rotate(INTERVAL)
    assert fleet.oldest <= DAY


def test_a_fleet_that_doubles_is_still_in_time() -> None:
    fleet = Fleet(500)
    for _ in range(100):
        fleet.rotate(INTERVAL)
    fleet.checked += [fleet.now] * 500
    for _ in range(600):
        fleet.rotate(INTERVAL)
        assert fleet.oldest <= DAY


def test_a_small_fleet_is_not_compared_more_often_than_it_has_to_be() -> None:
    fleet = Fleet(3)
    assert sum(fleet.rotate(INTERVAL) for _ in range(288)) <= 4


def test_an_interval_that_is_no_longer_than_two_passes_compares_everything_at_each() -> None:
    assert [share(7, full=full) for full in (timedelta(seconds=1), INTERVAL, 2 * INTERVAL)] == [7, 7, 7]
