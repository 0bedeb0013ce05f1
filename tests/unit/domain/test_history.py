"""Transitions make up episodes, and a curve that is counted backwards from today."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.history import Episode, Point, Transition, curve, drifting, episodes
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


def test_the_curve_takes_back_what_came_later() -> None:
    net = [(START + HOUR, 2), (START + 3 * HOUR, -1)]
    drawn = curve(5, net, since=START, until=START + 4 * HOUR, buckets=4)
    assert drawn == tuple(Point(START + n * HOUR, count) for n, count in enumerate((4, 6, 6, 5, 5)))


def test_the_curve_may_end_before_now() -> None:
    drawn = curve(5, [(START + 9 * HOUR, 5)], since=START, until=START + HOUR, buckets=1)
    assert [point.out_of_sync for point in drawn] == [0, 0]


@pytest.mark.parametrize("buckets", [1, 3, 7])
def test_the_curve_ends_exactly_where_it_is_asked_to(buckets: int) -> None:
    until = START + timedelta(microseconds=1_000_003)
    drawn = curve(0, [], since=START, until=until, buckets=buckets)
    assert (drawn[0].at, drawn[-1].at, len(drawn)) == (START, until, buckets + 1)


MOMENTS = st.integers(0, 100).map(lambda minutes: START + timedelta(minutes=minutes))


@given(st.lists(st.tuples(MOMENTS, st.integers(-3, 3)), max_size=20), st.integers(1, 12))
def test_the_curve_is_what_counting_forwards_gives(net: list[tuple[datetime, int]], buckets: int) -> None:
    now = 50 + sum(by for _, by in net)
    drawn = curve(now, net, since=START, until=START + timedelta(minutes=100), buckets=buckets)
    assert [point.out_of_sync for point in drawn] == [50 + sum(by for at, by in net if at <= p.at) for p in drawn]
