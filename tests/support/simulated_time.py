"""Runs what sleeps by a clock of the tests, without waiting for any of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

from tests.fakes.clock import FakeClock

T = TypeVar("T")
_STEPS = 12
"""Turns of the event loop after which everything that can go on without the clock has gone on."""


async def settled() -> None:
    """Let everybody go on who waits for nothing but the event loop."""
    for _ in range(_STEPS):
        await asyncio.sleep(0)


async def in_simulated_time(clock: FakeClock, work: Awaitable[T]) -> T:
    """Do the work; whenever all that is left sleeps, the clock goes on to the first who wakes."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await settled()
            if not task.done():
                assert clock.sleepers, "the work waits for something that never comes"
                clock.advance_to_next()
        return task.result()
    finally:
        task.cancel()


@asynccontextmanager
async def time_flies(clock: FakeClock) -> AsyncIterator[None]:
    """Let the clock go on to whoever sleeps first, beside work that also waits for real parts."""

    async def fly() -> None:
        while True:
            async with clock.asleep:
                await clock.asleep.wait_for(lambda: clock.sleepers > 0)
            clock.advance_to_next()

    flying = asyncio.create_task(fly())
    try:
        yield
    finally:
        flying.cancel()
