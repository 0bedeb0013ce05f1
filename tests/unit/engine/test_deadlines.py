"""Stored moments, waited for by the monotonic clock."""

from datetime import datetime, timedelta

import pytest

from reconciler.engine.reconcile.deadlines import Deadlines
from tests.fakes.clock import FakeClock

LONGEST = timedelta(minutes=5)
A_YEAR = 365 * 86_400


def has_come(deadlines: Deadlines, moment: datetime, clock: FakeClock, what: str = "run") -> bool:
    return deadlines.has_come(what, moment, LONGEST, clock, clock.now())


@pytest.mark.parametrize("jump", [-A_YEAR, -48 * 3600, -3600, -200, -1, 0])
def test_a_clock_set_back_puts_nothing_off_that_was_met_before(jump: int) -> None:
    clock, deadlines = FakeClock(), Deadlines()
    moment = clock.now() + LONGEST
    assert not has_come(deadlines, moment, clock)
    clock.jump(jump)
    clock.advance(LONGEST.total_seconds() - 1)
    assert not has_come(deadlines, moment, clock)
    clock.advance(1)
    assert has_come(deadlines, moment, clock)


@pytest.mark.parametrize("jump", [-A_YEAR, -48 * 3600, -3600, -1])
def test_a_moment_that_is_met_after_the_jump_and_lies_beyond_the_wait_has_come(jump: int) -> None:
    clock, deadlines = FakeClock(), Deadlines()
    moment = clock.now() + LONGEST
    clock.jump(jump)
    assert has_come(deadlines, moment, clock)


@pytest.mark.parametrize("jump", [LONGEST.total_seconds(), 3600, A_YEAR])
def test_a_clock_set_forward_brings_it_at_once(jump: float) -> None:
    clock, deadlines = FakeClock(), Deadlines()
    moment = clock.now() + LONGEST
    assert not has_come(deadlines, moment, clock)
    clock.jump(jump)
    assert has_come(deadlines, moment, clock)


def test_another_moment_of_the_same_is_another_wait_and_others_are_their_own() -> None:
    clock, deadlines = FakeClock(), Deadlines()
    moment = clock.now() + LONGEST
    assert not has_come(deadlines, moment, clock)
    clock.advance(299)
    assert not has_come(deadlines, clock.now() + LONGEST, clock, "drift check")
    assert not has_come(deadlines, moment, clock)
    assert not has_come(deadlines, clock.now() + LONGEST, clock)
    clock.jump(-3600)
    clock.advance(299)
    assert not has_come(deadlines, moment + timedelta(seconds=299), clock)
    clock.advance(1)
    assert has_come(deadlines, moment + timedelta(seconds=299), clock)
