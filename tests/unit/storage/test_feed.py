"""The ring of the latest changes: resumption, and what is told who was away for too long."""

import pytest

from reconciler.domain.events import Change, ChangeKind, Event, Signal
from reconciler.storage.feed import Feed


def change(number: int) -> Change:
    return Change(ChangeKind.PLAN, f"plan_{number}", "main")


def filled(count: int, kept: int = 5) -> tuple[Feed, list[str]]:
    """A feed and every place that it had, the first one included."""
    feed = Feed(kept=kept)
    places = [feed.last]
    for number in range(count):
        feed.publish([change(number)])
        places.append(feed.last)
    return feed, places


def test_who_comes_back_is_told_what_was_missed_in_order() -> None:
    feed, places = filled(3)
    assert feed.since(places[1]) == (Event(places[2], change(1)), Event(places[3], change(2)))
    assert feed.since(places[3]) == ()


def test_the_last_place_whose_events_are_kept_is_resumed_and_the_one_before_is_reset() -> None:
    feed, places = filled(9, kept=5)
    assert [event.payload for event in feed.since(places[4])] == [change(number) for number in range(4, 9)]
    assert feed.since(places[3]) == (Event(feed.last, Signal.RESET),)


NEVER = (
    "", "-", "1", "x-1", "{boot}-", "{boot}-4", "{boot}--1", "{boot}-1.0", "{boot}-\u0661", "{boot}- 1",
    "{boot}-" + "9" * 5000,
)  # fmt: skip


@pytest.mark.parametrize("after", NEVER)
def test_a_place_that_never_was_is_reset(after: str) -> None:
    feed, places = filled(3)
    boot = places[0].partition("-")[0]
    assert feed.since(after.replace("{boot}", boot)) == (Event(feed.last, Signal.RESET),)


def test_a_place_of_an_earlier_start_is_reset() -> None:
    earlier, _ = filled(2)
    feed, _ = filled(3)
    assert feed.since(earlier.last) == (Event(feed.last, Signal.RESET),)


def test_a_reset_is_where_one_goes_on_from() -> None:
    feed, _ = filled(9)
    (reset,) = feed.since("elsewhere-1")
    feed.publish([change(9)])
    assert feed.since(reset.id) == (Event(feed.last, change(9)),)


def test_what_others_committed_is_told_once() -> None:
    commits = iter([True, False])
    feed = Feed(lambda: next(commits))
    start = feed.last
    assert feed.since(start) == (Event(feed.last, Signal.CHANGED),)
    assert feed.since(feed.last) == ()
