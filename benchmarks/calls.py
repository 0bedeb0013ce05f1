"""The calls of an hour in which every interval brings one live edit, counted at the API under a clock of its own."""

import asyncio
import math
from dataclasses import replace
from datetime import timedelta
from typing import Final

import httpx

from benchmarks.in_process import opened, start
from benchmarks.report import Goal, show
from benchmarks.stage import Stage, stage
from reconciler.engine.reconcile.deadlines import LARGEST_JITTER
from reconciler.engine.reconcile.schedule import tick
from reconciler.runtime.bootstrap.service import Service
from tests.fakes.clock import FakeClock

_INTERVAL: Final = timedelta(minutes=5)
_DAY: Final = timedelta(days=1)
_INTERVALS: Final = 12
_WITH_JITTER: Final = _INTERVAL * (1 + LARGEST_JITTER)
"""When the next run is due at the latest."""
_REPEATED: Final = 0.01
"""The share of calls that may be repeated."""


def main(*, chatbots: int = 1_000, intervals: int = _INTERVALS) -> list[Goal]:
    """Let the hour pass, and count."""
    with stage(chatbots) as on:
        counted = asyncio.run(_measure(on, intervals))
    slice_size = math.ceil(chatbots * _WITH_JITTER / _DAY)
    most = (3 + slice_size + 1) * (1 + _REPEATED)
    show(f"  calls of each interval: {', '.join(map(str, counted))}; sweeping every time: {chatbots + 1}")
    return [Goal("calls in an interval of five minutes, one edit in each, at most", max(counted), most)]


async def _measure(on: Stage, intervals: int) -> list[int]:
    clock = FakeClock()
    async with opened(replace(on, interval=_INTERVAL), clock) as service:
        await start(service)
        counted = []
        for number in range(intervals):
            await _edit(on, list(on.documents)[number % len(on.documents)], number)
            counted.append(await _interval(on, service, clock))
    return counted


async def _interval(on: Stage, service: Service, clock: FakeClock) -> int:
    on.reset_calls()
    clock.advance(_WITH_JITTER.total_seconds())
    await tick(service.engine)
    await service.dispatcher.idle()
    return sum(on.calls().values())


async def _edit(on: Stage, chatbot_id: str, number: int) -> None:
    edit = {"section": "core", "set": {"description": f"Edited live, {number}."}}
    async with httpx.AsyncClient(base_url=on.api, trust_env=False) as http:
        (await http.post(f"/_sandbox/chatbots/{chatbot_id}/edit", json=edit)).raise_for_status()
