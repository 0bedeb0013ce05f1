"""A full refresh of a fleet, against a bare httpx loop that makes the same calls."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from statistics import median

import httpx

from api_client.sandbox.auth import DEFAULT_API_KEY
from benchmarks.report import Goal, show, spread
from benchmarks.stage import CONNECTIONS, SOURCE, Stage, body_of, stage
from reconciler.domain.entities import Run, Trigger
from reconciler.engine.context import PROGRAM
from reconciler.engine.reconcile.run_lifecycle import request_refresh
from reconciler.engine.reconcile.schedule import start_up
from reconciler.runtime.bootstrap.service import Service, open_service

Bodies = list[tuple[str, bytes]]


def main(*, chatbots: int = 1_000, latency_ms: int = 50, rounds: int = 5) -> list[Goal]:
    """Time both in turn, and compare them pair by pair."""
    with stage(chatbots, latency_ms=latency_ms) as on:
        return [asyncio.run(_measure(on, rounds, chatbots * latency_ms / 1000 / CONNECTIONS))]


async def _measure(on: Stage, rounds: int, ideal: float) -> Goal:
    bodies = [(chatbot_id, body_of(document)) for chatbot_id, document in on.documents.items()]
    async with _working(on) as service:
        first = await _timed(lambda: start_up(service.engine, only_process=True), service)
        show(f"  first run, everything parsed and new: {first[0]:.2f} s, {first[1]:.2f} s of this process's CPU")
        pairs = [await _pair(service, on, bodies, sweep_first=bool(at % 2)) for at in range(rounds)]
        run = await _last_run(service)
    assert run.counts.dry_runs == len(bodies), run
    assert run.counts.errors == 0, run
    bare, swept = zip(*pairs, strict=True)
    show(
        f"  {run.counts.dry_runs} dry runs, latency alone: {ideal:.2f} s",
        f"  bare httpx loop: {spread([wall for wall, _ in bare])} s, CPU {spread([cpu for _, cpu in bare])} s",
        f"  full refresh:    {spread([wall for wall, _ in swept])} s, CPU {spread([cpu for _, cpu in swept])} s",
    )
    ratios = [mine[0] / floor[0] for floor, mine in pairs]
    show(f"  ratios: {', '.join(f'{ratio:.3f}' for ratio in ratios)}")
    return Goal("full refresh / bare httpx loop, median of the pairs", median(ratios), 1.25)


async def _pair(
    service: Service, on: Stage, bodies: Bodies, *, sweep_first: bool
) -> tuple[tuple[float, float], tuple[float, float]]:
    if sweep_first:
        swept = await _timed(lambda: _ask(service), service)
        return await _timed(lambda: _bare(on.sandbox, bodies)), swept
    bare = await _timed(lambda: _bare(on.sandbox, bodies))
    return bare, await _timed(lambda: _ask(service), service)


async def _timed(work: Callable[[], Awaitable[None]], service: Service | None = None) -> tuple[float, float]:
    """Seconds on the wall, and of this process's CPU, until the work and the jobs that it asked for are done."""
    wall, cpu = time.perf_counter(), time.process_time()
    await work()
    if service is not None:
        await service.dispatcher.idle()
    return time.perf_counter() - wall, time.process_time() - cpu


async def _ask(service: Service) -> None:
    await request_refresh(service.engine, PROGRAM, SOURCE, Trigger.MANUAL, full=True)


async def _bare(url: str, bodies: Bodies) -> None:
    """The calls of a sweep, with nothing else around them."""
    todo = iter(bodies)
    headers = {"Authorization": f"Bearer {DEFAULT_API_KEY}", "Content-Type": "application/json"}
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=30) as http:
        (await http.get("/api/v1/chatbots")).raise_for_status()
        async with asyncio.TaskGroup() as workers:
            for _ in range(CONNECTIONS):
                workers.create_task(_post(http, todo))


async def _post(http: httpx.AsyncClient, todo: Iterator[tuple[str, bytes]]) -> None:
    for chatbot_id, body in todo:
        answer = await http.post(f"/api/v1/chatbots/{chatbot_id}/apply?dryRun=true", content=body)
        answer.raise_for_status()


@asynccontextmanager
async def _working(on: Stage) -> AsyncIterator[Service]:
    async with open_service(on.settings) as service:
        jobs = asyncio.create_task(service.dispatcher.run())
        try:
            yield service
        finally:
            jobs.cancel()
            with suppress(asyncio.CancelledError):
                await jobs


async def _last_run(service: Service) -> Run:
    page = await service.engine.store.queries.runs(None, limit=1, cursor=None)
    return page.items[0]
