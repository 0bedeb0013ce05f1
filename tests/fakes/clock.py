"""A clock that stands still until it is told to go on."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count

from tests.support.waiting import PATIENCE

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class FakeClock:
    """Implements `ports.Clock`; time passes only by `advance`."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._monotonic = 1000.0
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self.asleep = asyncio.Condition()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        """Wait until the time was advanced that far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic + seconds, next(self._order), woken))
        async with self.asleep:
            self.asleep.notify_all()
        await woken

    def advance(self, seconds: float) -> None:
        """Let time pass, and wake those whose time has come, the earliest first.

        They run when the caller next awaits something. All of them see the time that was advanced to.
        """
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds
        while self._sleepers and self._sleepers[0][0] <= self._monotonic:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)

    def advance_to_next(self) -> None:
        """Let time pass until the first of those who sleep wakes."""
        while self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        self.advance(max(0.0, self._sleepers[0][0] - self._monotonic))

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back, as an operator might: the monotonic one stays."""
        self._now += timedelta(seconds=seconds)

    @property
    def sleepers(self) -> int:
        """How many are asleep now."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    async def until_asleep(self, number: int = 1) -> None:
        """Wait until at least so many are asleep, so that advancing reaches them."""
        async with asyncio.timeout(PATIENCE), self.asleep:
            await self.asleep.wait_for(lambda: self.sleepers >= number)
