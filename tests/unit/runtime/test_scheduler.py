import asyncio
import subprocess
import sys

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
