"""A full refresh of a fleet, against a bare loop that makes the same calls with the same client."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from statistics import median

from api_client import AsyncWizChatClient
from api_client.sandbox.auth import DEFAULT_API_KEY
from benchmarks.in_process import newest_run, opened, refresh, start
from benchmarks.report import Goal, show, spread
from benchmarks.stage import CONNECTIONS, Stage, body_of, stage
from reconciler.domain.entities import Trigger
from reconciler.runtime.bootstrap.service import Service

Bodies = list[tuple[str, bytes]]


def main(*, chatbots: int = 1_000, latency_ms: int = 50, rounds: int = 5) -> list[Goal]:
    """Time both in turn, and compare them pair by pair."""
    with stage(chatbots, latency_ms=latency_ms) as on:
        return asyncio.run(_measure(on, rounds, math.ceil(chatbots / CONNECTIONS) * latency_ms / 1000))


@dataclass(frozen=True, slots=True)
class Cost:
    """What something cost.

    Attributes:
        wall: Seconds.
        cpu: Seconds of this process's CPU, its children left out.
    """

    wall: float
    cpu: float


async def _measure(on: Stage, rounds: int, ideal: float) -> list[Goal]:
    bodies = [(chatbot_id, body_of(document)) for chatbot_id, document in on.documents.items()]
    await bare_loop(on.api, bodies)  # the API keeps its answers
    async with opened(on) as service:
        before = await _timed(lambda: bare_loop(on.api, bodies))
        first = await _timed(lambda: start(service))
        show(f"  first run, everything parsed and new: {first.wall:.2f} s, CPU {first.cpu:.2f} s")
        pairs = [await _pair(service, on, bodies, sweep_first=bool(at % 2)) for at in range(rounds)]
        run = await newest_run(service)
    assert run.counts.dry_runs == len(bodies), run
    assert run.counts.errors == 0, run
    bare, swept = zip(*pairs, strict=True)
    show(
        f"  {run.counts.dry_runs} dry runs on {CONNECTIONS} connections, latency alone: {ideal:.2f} s",
        f"  bare loop of the client: {spread([cost.wall for cost in bare])} s, CPU {spread([c.cpu for c in bare])} s",
        f"  full refresh:            {spread([cost.wall for cost in swept])} s, CPU {spread([c.cpu for c in swept])} s",
    )
    floor = median(cost.wall for cost in bare)
    goals = [
        Goal(
            "warm sweep / bare loop, median of the pairs",
            median(s.wall / b.wall for b, s in pairs),
            1.05,
            f"{floor:.2f} s",
        ),
        Goal("first run / bare loop", first.wall / before.wall, 1.15, f"{before.wall:.2f} s"),
        Goal(
            "CPU of a warm sweep / bare loop",
            median(s.cpu / b.cpu for b, s in pairs),
            1.4,
            f"{median(b.cpu for b in bare):.2f} s",
        ),
    ]
    if ideal:
        goals.append(Goal("bare loop / latency alone", floor / ideal, 1.10, f"{ideal:.2f} s"))
    return goals


async def _pair(service: Service, on: Stage, bodies: Bodies, *, sweep_first: bool) -> tuple[Cost, Cost]:
    if sweep_first:
        swept = await _timed(lambda: refresh(service, Trigger.MANUAL, full=True))
        return await _timed(lambda: bare_loop(on.api, bodies)), swept
    bare = await _timed(lambda: bare_loop(on.api, bodies))
    return bare, await _timed(lambda: refresh(service, Trigger.MANUAL, full=True))


async def _timed(work: Callable[[], Awaitable[object]]) -> Cost:
    wall, cpu = time.perf_counter(), time.process_time()
    await work()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


async def bare_loop(url: str, bodies: Bodies) -> None:
    """The calls of a sweep by the same client, with nothing else around them."""
    todo = iter(bodies)
    async with AsyncWizChatClient(DEFAULT_API_KEY, base_url=url) as client:
        await client.list_chatbots()
        async with asyncio.TaskGroup() as workers:
            for _ in range(CONNECTIONS):
                workers.create_task(_dry_run(client, todo))


async def _dry_run(client: AsyncWizChatClient, todo: Iterator[tuple[str, bytes]]) -> None:
    for chatbot_id, body in todo:
        await client.apply_config(chatbot_id, body, dry_run=True)
