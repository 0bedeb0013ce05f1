import logging

import pytest

from reconciler.engine.clock_health import REMOVAL_PAUSE_S, ClockWatch, TickHealth
from tests.fakes.clock import FakeClock


@pytest.mark.parametrize("seconds", [-48 * 3600, -2, 2, 3600])
def test_a_jump_is_noticed_once_and_logged(seconds: int, caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    watch = ClockWatch(clock)
    clock.advance(5)
    assert watch.check() is None
    clock.jump(seconds)
    clock.advance(5)
    with caplog.at_level(logging.WARNING, "reconciler"):
        jump = watch.check()
    assert jump is not None
    assert jump.total_seconds() == pytest.approx(seconds)
    assert [record.__dict__["seconds"] for record in caplog.records] == [seconds]
    assert watch.check() is None
    assert watch.jumps == 1


def test_a_small_correction_is_no_jump() -> None:
    clock = FakeClock()
    watch = ClockWatch(clock)
    for correction in (1.5, -1.5, 0.1):
        clock.jump(correction)
        assert watch.check() is None
    assert watch.jumps == 0


def test_after_a_jump_forward_nothing_is_removed_for_a_while() -> None:
    clock = FakeClock()
    watch = ClockWatch(clock)
    assert watch.may_remove()
    clock.jump(-86_400)
    assert watch.may_remove()
    clock.jump(365 * 86_400)
    assert not watch.may_remove()
    clock.advance(REMOVAL_PAUSE_S - 1)
    assert not watch.may_remove()
    clock.advance(1)
    assert watch.may_remove()


def test_a_tick_is_overdue_after_three_intervals_by_the_monotonic_clock() -> None:
    clock = FakeClock()
    health = TickHealth(clock, 60)
    clock.jump(86_400)
    clock.advance(180)
    assert not health.is_overdue
    clock.advance(1)
    assert health.is_overdue
    assert health.age == 181
    health.record_tick()
    clock.jump(-86_400)
    assert not health.is_overdue


def test_short_intervals_leave_a_busy_machine_some_seconds() -> None:
    clock = FakeClock()
    health = TickHealth(clock, 0.1)
    clock.advance(15)
    assert not health.is_overdue
    clock.advance(1)
    assert health.is_overdue
