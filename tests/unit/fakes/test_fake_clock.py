import asyncio

import pytest

from reconciler.ports import Clock
from tests.fakes.clock import START, FakeClock
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.anyio


async def _sleep_and_tell(clock: FakeClock, seconds: float, woken: list[float]) -> None:
    await clock.sleep(seconds)
    woken.append(seconds)


async def test_time_passes_only_by_advance() -> None:
    clock: Clock = (fake := FakeClock())
    before = clock.monotonic()
    fake.advance(90)
    assert (clock.now() - START).total_seconds() == 90
    assert clock.monotonic() - before == 90


async def test_sleepers_wake_in_the_order_of_their_times() -> None:
    clock, woken = FakeClock(), list[float]()
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        for seconds in (30, 10, 20):
            group.create_task(_sleep_and_tell(clock, seconds, woken))
        await clock.until_asleep(3)
        clock.advance(60)
    assert woken == [10, 20, 30]


async def test_a_sleeper_sleeps_on_until_its_time_has_come() -> None:
    clock, woken = FakeClock(), list[float]()
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        group.create_task(_sleep_and_tell(clock, 10, woken))
        await clock.until_asleep()
        clock.advance(9.5)
        await asyncio.sleep(0)
        assert woken == []
        clock.advance(0.5)


async def test_a_cancelled_sleeper_is_no_obstacle() -> None:
    clock = FakeClock()
    task = asyncio.create_task(clock.sleep(5))
    await clock.until_asleep()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    clock.advance(10)
    assert clock.sleepers == 0


async def test_the_wall_clock_can_jump_without_the_monotonic_one() -> None:
    clock = FakeClock()
    before = clock.monotonic()
    clock.jump(-3600)
    assert (clock.now() - START).total_seconds() == -3600
    assert clock.monotonic() == before
