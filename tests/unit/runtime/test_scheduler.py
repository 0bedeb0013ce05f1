import asyncio

import pytest

from reconciler.runtime.scheduler import ticking

pytestmark = pytest.mark.anyio


async def test_it_ticks_until_it_is_shut_down_and_never_beside_itself() -> None:
    ticks = asyncio.Semaphore(0)
    under_way = 0
    most = 0

    async def tick() -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        ticks.release()
        await asyncio.sleep(0)
        under_way -= 1

    stop_ticking = ticking(tick, seconds=0.01)
    async with asyncio.timeout(10):
        for _ in range(3):
            await ticks.acquire()
    stop_ticking()
    assert most == 1
