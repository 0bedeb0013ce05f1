"""How long people wait for ``GET /status`` while a whole fleet is compared for the first time."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from statistics import median, quantiles
from typing import Any, Final

import httpx

from benchmarks.report import Goal, show
from benchmarks.service import ENDED, service
from benchmarks.stage import HEADERS, stage

PATH: Final = "/api/v1/status"
_BETWEEN_LOOKS_S: Final = 0.5
_LIMIT_S: Final = 1800

Waits = list[float]


def main(*, chatbots: int = 1_000, per_second: float = 100, seconds: float = 10) -> list[Goal]:
    """Ask at an even pace, of a service that sweeps and then of the same one idle; no request waits for another."""
    with stage(chatbots, latency_ms=50) as on, service(on) as cold:
        swept = asyncio.run(_ask(cold.url, per_second, _first_run_ended))
        cold.startup()
        idle = asyncio.run(_ask(cold.url, per_second, lambda _: asyncio.sleep(seconds)))
    show(f"  idle: {_spoken(idle)}", f"  during a cold full sweep: {_spoken(swept)}")
    goal = "p99 of GET /status during a cold sweep / idle"
    return [Goal(goal, _p99(swept) / _p99(idle), 2, f"{_p99(idle) * 1e3:.1f} ms")]


async def _ask(url: str, per_second: float, until: Callable[[httpx.AsyncClient], Coroutine[Any, Any, None]]) -> Waits:
    waits: Waits = []
    async with (
        asyncio.timeout(_LIMIT_S),
        httpx.AsyncClient(base_url=url, headers=HEADERS, timeout=60, trust_env=False) as http,
        asyncio.TaskGroup() as requests,
    ):
        over = asyncio.create_task(until(http))
        begun, sent = time.perf_counter(), 0
        while not over.done():
            requests.create_task(_wait(http, waits))
            sent += 1
            await asyncio.sleep(max(0.0, begun + sent / per_second - time.perf_counter()))
        await over
    return waits


async def _wait(http: httpx.AsyncClient, waits: Waits) -> None:
    begun = time.perf_counter()
    (await http.get(PATH)).raise_for_status()
    waits.append(time.perf_counter() - begun)


async def _first_run_ended(http: httpx.AsyncClient) -> None:
    # another process has no event to wait for
    while (await _newest_run(http))["status"] not in ENDED:  # noqa: ASYNC110
        await asyncio.sleep(_BETWEEN_LOOKS_S)


async def _newest_run(http: httpx.AsyncClient) -> dict[str, Any]:
    run: dict[str, Any] = (await http.get("/api/v1/runs", params={"limit": 1})).raise_for_status().json()["items"][0]
    return run


def _p99(waits: Waits) -> float:
    return quantiles(waits, n=100)[-1]


def _spoken(waits: Waits) -> str:
    longest = f"longest {max(waits) * 1e3:.0f} ms"
    return f"{len(waits)} requests, p50 {median(waits) * 1e3:.1f} ms, p99 {_p99(waits) * 1e3:.1f} ms, {longest}"
