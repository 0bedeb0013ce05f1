import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from reconciler.runtime.scheduler import FromNow, call_if_out_of_reach, ticking
from tests.support.waiting import PATIENCE

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
    async with asyncio.timeout(PATIENCE):
        for _ in range(3):
            await ticks.acquire()
    stop_ticking()
    assert most == 1


def test_a_tick_that_takes_long_is_no_warning() -> None:
    program = (
        "import asyncio; from reconciler.runtime.scheduler import ticking; from reconciler.runtime.telemetry import *;"
        "log_to_stderr()\n"
        "async def main():\n"
        "    begun, skipped = asyncio.Event(), asyncio.Event()\n"
        "    async def tick(): begun.set(); await skipped.wait()\n"
        "    stop = ticking(tick, seconds=0.01)\n"
        "    await begun.wait()\n"
        "    asyncio.get_running_loop().call_later(0.2, skipped.set)\n"
        "    await skipped.wait(); stop()\n"
        "asyncio.run(main())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize("ahead", [timedelta(seconds=4), timedelta(days=365 * 60)])
def test_a_clock_set_forward_by_decades_makes_one_tick_of_all_that_were_missed(ahead: timedelta) -> None:
    interval, now = timedelta(seconds=5), datetime.now(UTC)
    for before in (None, now - ahead, now + ahead):
        assert FromNow(interval).get_next_fire_time(before, now) == now + interval


async def test_a_tick_that_a_clock_set_back_has_put_out_of_reach_runs_at_once() -> None:
    ticks = asyncio.Semaphore(0)

    async def tick() -> None:
        ticks.release()

    interval = timedelta(minutes=5)
    scheduler = AsyncIOScheduler(timezone=UTC)
    job = scheduler.add_job(tick, FromNow(interval), id="tick")
    scheduler.start()
    try:
        due = job.next_run_time
        call_if_out_of_reach(job, interval, due - interval)
        assert job.next_run_time == due
        job.modify(next_run_time=due + timedelta(days=2))
        call_if_out_of_reach(job, interval, datetime.now(UTC))
        async with asyncio.timeout(PATIENCE):
            await ticks.acquire()
        assert job.next_run_time - datetime.now(UTC) <= interval
    finally:
        scheduler.shutdown(wait=False)
