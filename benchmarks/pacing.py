"""A sweep against a limit that nobody is told of, and what happens when the day's quota is used up."""

import asyncio

from benchmarks.in_process import opened, refresh, start
from benchmarks.report import Goal, show
from benchmarks.stage import Stage, stage
from reconciler.domain.entities import Trigger

RATE, BURST = 200.0, 50.0
_LATENCY_MS = 20
_BEFORE_QUOTA = 100


def main(*, chatbots: int = 1_000, rate: float = RATE, burst: float = BURST) -> list[Goal]:
    """Sweep the fleet against the limit, and once more until the quota is used up."""
    with stage(chatbots, latency_ms=_LATENCY_MS) as on:
        return asyncio.run(_measure(on, chatbots, rate, burst))


async def _measure(on: Stage, chatbots: int, rate: float, burst: float) -> list[Goal]:
    async with opened(on) as service:
        await start(service)
        on.limit(rate=rate, burst=burst)
        on.reset_calls()
        seconds = await refresh(service, Trigger.MANUAL, full=True)
        calls = on.calls()
        on.limit(quota=min(_BEFORE_QUOTA, chatbots // 2))
        on.reset_calls()
        await refresh(service, Trigger.MANUAL, full=True)
        first = on.calls()["refused"]
        await refresh(service, Trigger.MANUAL, full=True)
        later = on.calls()["refused"] - first
        on.limit()
    ideal = max(_LATENCY_MS / 1000, (chatbots - burst) / rate)
    show(f"  {chatbots} dry runs at {rate:g}/s: {seconds:.2f} s, at best {ideal:.2f} s; {calls['refused']} refused")
    return [
        Goal("sweep against a hidden limit / ideal", seconds / ideal, 1.10, f"{ideal:.2f} s"),
        Goal("share of calls refused", calls["refused"] / chatbots, 0.02),
        Goal("calls after the quota is used up, beside those under way", max(0, later), 0),
    ]
