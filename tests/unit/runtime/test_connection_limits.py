"""Who has to go when connections run out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.runtime.connection_limits import ConnectionLimits, ConnectionSlot, ConnectionSlots
from reconciler.web.monitoring.vitals import Activity

LIMITS = ConnectionLimits(connections=16)
"""8 of one address, 14 of strangers."""


@dataclass
class Hall:
    """The places, and who was let go, in order."""

    places: ConnectionSlots = field(default_factory=lambda: ConnectionSlots(LIMITS))
    gone: list[ConnectionSlot] = field(default_factory=list)

    def come(
        self, address: str | None, number: int = 1, activity: Activity = Activity.IDLE, *, known: bool = False
    ) -> Sequence[ConnectionSlot]:
        came = []
        for _ in range(number):
            place = ConnectionSlot(address, lambda: None)
            place.close = partial(self.gone.append, place)
            came.append(place)
            self.places.take(place)
            self.places.answered(place, is_known=known)
            self.places.do(place, activity)
        return came

    @property
    def open(self) -> int:
        return self.places.counts.open


def test_beyond_its_share_the_oldest_idle_of_the_same_address_goes() -> None:
    hall = Hall()
    sender = hall.come("a", activity=Activity.SENDING)
    idle = hall.come("a", 7)
    other = hall.come("b", 2)
    hall.come("a", 3)
    assert hall.gone == list(idle[:3])
    assert sender[0] not in hall.gone
    assert not set(other) & set(hall.gone)
    assert hall.places.counts.closed == {"address": 3}


def test_of_all_the_address_that_holds_the_most_lets_one_go() -> None:
    hall = Hall()
    few = hall.come("b", 2)
    many = hall.come("a", 8)
    hall.come("c", 4)
    assert hall.gone == []
    hall.come("d")
    assert hall.gone == [many[0]]
    assert few[0] not in hall.gone
    assert hall.places.counts.closed == {"all": 1}


def test_strangers_leave_places_to_people() -> None:
    hall = Hall()
    people = hall.come("a", 2, known=True)
    for address in "bcde":
        hall.come(address, 8)
    assert hall.open == LIMITS.connections
    assert not set(people) & set(hall.gone)
    hall.come("p", 5, known=True)
    assert not set(people) & set(hall.gone)


def test_people_count_against_no_share_of_an_address() -> None:
    hall = Hall()
    people = hall.come("a", 7, known=True)
    strangers = hall.come("a", 8)
    hall.come("a")
    assert hall.gone == [strangers[0]]
    assert not set(people) & set(hall.gone)


def test_behind_a_trusted_proxy_there_is_no_share_of_one_address() -> None:
    hall = Hall()
    hall.come(None, 14)
    assert hall.gone == []


@pytest.mark.parametrize("activity", [Activity.IDLE, Activity.SENDING, Activity.STALLED])
def test_who_idles_sends_or_does_not_read_can_go(activity: Activity) -> None:
    hall = Hall()
    held = hall.come("a", 8, activity)
    hall.come("a")
    assert hall.gone == [held[0]]


def test_who_is_being_answered_stays_and_the_new_one_goes() -> None:
    hall = Hall()
    hall.come("a", 8, Activity.ANSWERING)
    new = hall.come("a")
    assert hall.gone == list(new)


def test_somebody_known_who_is_slow_to_read_stays() -> None:
    hall = Hall()
    stalled = hall.come("a", 16, Activity.STALLED, known=True)
    new = hall.come("b")
    assert hall.gone == list(new)
    assert not set(stalled) & set(hall.gone)


def test_when_all_are_known_the_oldest_idle_one_goes() -> None:
    hall = Hall()
    people = hall.come("a", 16, known=True)
    hall.places.do(people[0], Activity.ANSWERING)
    hall.places.do(people[0], Activity.IDLE)
    hall.come("b")
    assert hall.gone == [people[1]]


@pytest.mark.parametrize(
    ("strangers", "known", "for_strangers", "for_people"),
    [(7, 0, False, False), (8, 0, True, False), (0, 14, False, False), (0, 15, True, True)],
)
def test_answers_end_their_connection_when_they_run_out(
    strangers: int,
    known: int,
    for_strangers: bool,  # noqa: FBT001  a parameter of the test
    for_people: bool,  # noqa: FBT001  a parameter of the test
) -> None:
    hall = Hall()
    places = [*hall.come("a", strangers), *hall.come("b", known, known=True)]
    assert hall.places.are_scarce(places[0], is_known=False) is for_strangers
    assert hall.places.are_scarce(places[0], is_known=True) is for_people


STEPS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(Activity), st.booleans(), st.sampled_from(["come", "leave"])),
    max_size=120,
)


@given(steps=STEPS)
def test_there_are_never_more_than_may_be_and_the_counts_are_right(
    steps: list[tuple[str, Activity, bool, str]],
) -> None:
    hall = Hall()
    here: list[ConnectionSlot] = []
    for address, activity, known, step in steps:
        if step == "come":
            here.extend(hall.come(address, 1, activity, known=known))
        elif here:
            hall.places.leave(here.pop(0))
        here = [place for place in here if place not in hall.gone]
        assert hall.open == len(here) <= LIMITS.connections
        assert hall.places.counts.doing.total() == hall.open
        for one in "abcd":
            held = [place for place in here if place.address == one]
            assert sum(place.activity is Activity.IDLE for place in held if not place.is_known) <= LIMITS.of_address
    for place in here:
        hall.places.leave(place)
        hall.places.leave(place)
    assert hall.open == 0
    assert all(number == 0 for number in hall.places.counts.doing.values())
