"""Transitions make up episodes, and a curve that is counted backwards from today."""

from datetime import timedelta
from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.history import (
    BucketChange,
    Episode,
    Tally,
    Transition,
    UnknownPeriod,
    curve,
    drifting,
    episodes,
    moments,
)
from reconciler.domain.status import Direction, Reason, Sync
from tests.fakes.clock import START
from tests.support.records import a_chatbot

HOUR = timedelta(hours=1)


def step(number: int, before: Sync | None, now: Sync | None, **more: Any) -> Transition:
    return Transition(
        **{
            "at": START + number * HOUR,
            "tenant": "acme",
            "chatbot_id": "bot_1",
            "source_before": "main",
            "source": "main",
            "sync_before": before,
            "sync": now,
            "direction_before": None,
            "direction": Direction.UNKNOWN,
            "reason": Reason.NOT_CHECKED,
            "revision": None,
            "cause": f"run/{number}",
            **more,
        }
    )


APPEARED = step(0, None, Sync.UNKNOWN)
AGREED = step(1, Sync.UNKNOWN, Sync.SYNCED)
DRIFTED = step(2, Sync.SYNCED, Sync.OUT_OF_SYNC)
TURNED = step(3, Sync.OUT_OF_SYNC, Sync.OUT_OF_SYNC, direction=Direction.DIVERGED)
LOST = step(4, Sync.OUT_OF_SYNC, Sync.UNKNOWN)
BACK = step(5, Sync.UNKNOWN, Sync.OUT_OF_SYNC)
SETTLED = step(6, Sync.OUT_OF_SYNC, Sync.SYNCED)
AGAIN = step(7, Sync.SYNCED, Sync.OUT_OF_SYNC)
GONE = step(8, Sync.OUT_OF_SYNC, None)


def told(*transitions: Transition) -> tuple[Episode, ...]:
    """The episodes of transitions in order of time."""
    return episodes(transitions[::-1])


def test_an_episode_lasts_from_the_drift_to_the_agreement() -> None:
    assert told(APPEARED, AGREED, DRIFTED, TURNED, SETTLED) == (Episode(DRIFTED, (TURNED,), SETTLED),)


def test_an_episode_goes_on_while_nobody_can_tell() -> None:
    assert told(DRIFTED, LOST, BACK, SETTLED) == (Episode(DRIFTED, (LOST, BACK), SETTLED),)


def test_the_newest_episode_comes_first_and_may_last() -> None:
    assert told(DRIFTED, SETTLED, AGAIN) == (Episode(AGAIN), Episode(DRIFTED, (), SETTLED))


def test_a_forgotten_chatbot_ends_its_episode() -> None:
    assert told(AGAIN, GONE) == (Episode(AGAIN, (), GONE),)


def test_what_never_drifted_has_no_episode() -> None:
    assert told() == told(APPEARED) == told(APPEARED, AGREED) == ()


def test_an_episode_whose_beginning_is_not_known_begins_with_what_is() -> None:
    assert told(TURNED, SETTLED) == (Episode(TURNED, (), SETTLED),)
    assert told(LOST, BACK, SETTLED) == (Episode(BACK, (), SETTLED),)
    assert told(SETTLED, AGAIN) == (Episode(AGAIN),)


def test_a_drift_keeps_its_beginning_until_it_agrees() -> None:
    bot = drifting(a_chatbot(sync=Sync.OUT_OF_SYNC), START)
    assert (bot.drifted_at, bot.held_drift_at) == (START, None)
    later = drifting(bot, START + HOUR)
    assert later.drifted_at == START
    unknown = drifting(a_chatbot(sync=Sync.UNKNOWN, drifted_at=START), START + HOUR)
    assert (unknown.drifted_at, unknown.held_drift_at) == (None, START)
    assert drifting(unknown, START + 2 * HOUR) == unknown
    back = drifting(a_chatbot(sync=Sync.OUT_OF_SYNC, held_drift_at=START), START + 2 * HOUR)
    assert (back.drifted_at, back.held_drift_at) == (START, None)
    settled = drifting(a_chatbot(sync=Sync.SYNCED, drifted_at=START, held_drift_at=START), START + HOUR)
    assert (settled.drifted_at, settled.held_drift_at) == (None, None)


def net(out_of_sync: int, *, highest: int | None = None, lowest: int | None = None) -> BucketChange:
    """A bucket in which only the number out of sync changed; at once, unless told otherwise."""
    return BucketChange(
        net=Tally(out_of_sync=out_of_sync),
        highest_out_of_sync=out_of_sync if highest is None else highest,
        lowest_out_of_sync=out_of_sync if lowest is None else lowest,
    )


HOURS = tuple(START + number * HOUR for number in range(5))


def test_the_curve_takes_back_what_came_later() -> None:
    drawn = curve(Tally(out_of_sync=5), {0: net(2), 2: net(-1)}, HOURS)
    assert [point.at for point in drawn] == list(HOURS)
    assert [point.out_of_sync for point in drawn] == [4, 6, 6, 5, 5]


def test_the_most_and_the_least_are_those_of_any_moment() -> None:
    drawn = curve(Tally(out_of_sync=5), {1: net(0, highest=4, lowest=-3), 2: net(-1), 3: net(1)}, HOURS)
    assert [point.out_of_sync for point in drawn] == [5, 5, 5, 4, 5]
    assert [point.most for point in drawn] == [5, 5, 9, 5, 5]
    assert [point.least for point in drawn] == [5, 5, 2, 4, 4]


def test_the_curve_may_end_before_now() -> None:
    drawn = curve(Tally(out_of_sync=5), {1: net(5)}, HOURS[:2])
    assert [point.out_of_sync for point in drawn] == [0, 0]


def test_a_time_of_unknown_begins_and_ends_when_the_number_changed() -> None:
    minute = timedelta(minutes=1)
    now = Tally(unknown=0, managed=9)
    rises = BucketChange(net=Tally(unknown=3), highest_unknown=3, unknown_rose_at=HOURS[0] + minute)
    falls = BucketChange(net=Tally(unknown=-3), highest_unknown=-1, unknown_fell_at=HOURS[2] + minute)
    drawn = curve(now, {0: rises, 2: falls}, HOURS)
    assert [point.unknown for point in drawn] == [0, 3, 3, 0, 0]
    assert [point.unknown_period for point in drawn] == [
        None,
        UnknownPeriod(HOURS[0] + minute, HOURS[1], 3, 9),
        UnknownPeriod(HOURS[1], HOURS[2], 3, 9),
        UnknownPeriod(HOURS[2], HOURS[2] + minute, 3, 9),
        None,
    ]


def test_a_time_of_unknown_that_goes_on_ends_with_its_buckets() -> None:
    """Also where the number fell for a moment, and rose again."""
    fell, rose = HOURS[1] + timedelta(minutes=5), HOURS[1] + timedelta(minutes=20)
    paused = BucketChange(highest_unknown=0, unknown_rose_at=rose, unknown_fell_at=fell)
    drawn = curve(Tally(unknown=2, managed=4), {1: paused}, HOURS)
    assert drawn[2].unknown_period == UnknownPeriod(HOURS[1], HOURS[2], 2, 4)


def test_a_time_of_unknown_within_one_bucket_is_seen() -> None:
    began, ended = HOURS[1] + timedelta(minutes=5), HOURS[1] + timedelta(minutes=20)
    passed = BucketChange(highest_unknown=2, unknown_rose_at=began, unknown_fell_at=ended)
    drawn = curve(Tally(managed=4), {1: passed}, HOURS)
    assert drawn[2].unknown_period == UnknownPeriod(began, ended, 2, 4)


@pytest.mark.parametrize("buckets", [1, 3, 7])
def test_the_curve_ends_exactly_where_it_is_asked_to(buckets: int) -> None:
    until = START + timedelta(microseconds=1_000_003)
    edges = moments(START, until, buckets)
    assert (edges[0], edges[-1], len(edges)) == (START, until, buckets + 1)


def test_no_bucket_reaches_beyond_a_day() -> None:
    since, until = START + 20 * HOUR, START + 77 * HOUR
    edges = moments(since, until, 4)
    assert (edges[0], edges[-1]) == (since, until)
    assert list(edges) == sorted(set(edges))
    last_moment = timedelta(microseconds=1)
    assert all(began.date() == (ended - last_moment).date() for began, ended in pairwise(edges))


def test_a_curve_of_no_time_has_its_two_ends() -> None:
    assert moments(START, START, 3) == (START, START)


CHANGES = st.lists(st.integers(-3, 3), max_size=6)


@given(st.lists(CHANGES, min_size=1, max_size=8))
def test_the_curve_is_what_counting_forwards_gives(buckets: list[list[int]]) -> None:
    edges = [START + number * HOUR for number in range(len(buckets) + 1)]
    levels = [[50]]
    for steps in buckets:
        levels.append([*accumulate(steps, initial=levels[-1][-1])])
    changes = {
        number: net(sum(steps), highest=max(accumulate(steps)), lowest=min(accumulate(steps)))
        for number, steps in enumerate(buckets)
        if steps
    }
    drawn = curve(Tally(out_of_sync=levels[-1][-1]), changes, edges)
    assert [(point.out_of_sync, point.most, point.least) for point in drawn] == [
        (level[-1], max(level), min(level)) for level in levels
    ]
