"""Work that many ask for is done once, and what it gives holds for a moment."""

import asyncio
from dataclasses import dataclass, field

import pytest

from reconciler.shared_work import SharedWork
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.anyio


@dataclass
class Work:
    """Counts how often it is begun, and ends when it is let."""

    begun: int = 0
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    failure: Exception | None = None

    async def __call__(self) -> int:
        self.begun += 1
        number = self.begun
        await self.may_end.wait()
        if self.failure is not None:
            raise self.failure
        return number


async def test_however_many_ask_it_is_done_once_a_second() -> None:
    clock, work = FakeClock(), Work()
    shared = SharedWork(clock, work)
    asking = [asyncio.ensure_future(shared.outcome()) for _ in range(50)]
    await asyncio.sleep(0)
    work.may_end.set()
    assert await asyncio.gather(*asking) == [1] * 50
    clock.jump(86_400)
    clock.advance(0.99)
    assert await shared.outcome() == 1
    clock.advance(0.01)
    assert [await shared.outcome() for _ in range(50)] == [2] * 50
    assert work.begun == 2


async def test_work_that_takes_long_is_not_begun_again_beside_itself() -> None:
    clock, work = FakeClock(), Work()
    shared = SharedWork(clock, work)
    asking = []
    for _ in range(5):
        asking.append(asyncio.ensure_future(shared.outcome()))
        await asyncio.sleep(0)
        clock.advance(10)
    work.may_end.set()
    assert await asyncio.gather(*asking) == [1] * 5


async def test_who_hangs_up_ends_it_for_nobody_else() -> None:
    work = Work()
    shared = SharedWork(FakeClock(), work)
    first, second = (asyncio.ensure_future(shared.outcome()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    work.may_end.set()
    assert await second == 1
    assert first.cancelled()


async def test_a_failure_is_told_to_all_who_wait_and_to_nobody_who_comes_later() -> None:
    work = Work(failure=OSError("no"))
    shared = SharedWork(FakeClock(), work)
    asking = [asyncio.ensure_future(shared.outcome()) for _ in range(5)]
    await asyncio.sleep(0)
    work.may_end.set()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["no"] * 5
    work.failure = None
    assert await shared.outcome() == 2
