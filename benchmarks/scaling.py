"""What grows with the fleet and what does not: the same figures at a hundredth, a tenth and the whole of it."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Final

import httpx

from benchmarks.in_process import opened, refresh, start
from benchmarks.plot import svg
from benchmarks.report import Goal, show
from benchmarks.stage import HEADERS, Stage, edited, stage
from reconciler.domain.entities import Trigger

QUIET: Final = "a run when nothing changed, ms"
CHANGED: Final = "a run when one document changed, ms"
PAGE: Final = "the fleet page, ms"
FIRST: Final = "the first run, ms"
_PARTS: Final = (100, 10, 1)
_FLAT: Final = {QUIET: 1.2, CHANGED: 1.2, PAGE: 1.2}
"""What is not to grow with the fleet, and by how much it may from a hundredth to the whole."""


def main(*, chatbots: int = 1_000, rounds: int = 9, picture: Path | None = None) -> list[Goal]:
    """Measure at each size, and draw it when asked to."""
    sizes = [max(1, chatbots // part) for part in _PARTS]
    measured = {size: _measured(size, rounds) for size in dict.fromkeys(sizes)}
    if picture is not None:
        series = {
            name: [(float(size), figures[name]) for size, figures in measured.items()] for name in (*_FLAT, FIRST)
        }
        picture.write_text(svg(series, x_name="chatbots", y_name="milliseconds, latency taken out"), encoding="utf-8")
    few, many = measured[sizes[0]], measured[sizes[-1]]
    return [
        Goal(f"{name}: {sizes[-1]} / {sizes[0]} chatbots", many[name] / few[name], most, f"{few[name]:.1f}")
        for name, most in _FLAT.items()
    ]


def _measured(chatbots: int, rounds: int) -> Mapping[str, float]:
    with stage(chatbots) as on:
        figures = asyncio.run(_measure(on, rounds))
    show(f"  {chatbots} chatbots: {', '.join(f'{name} {value:.1f}' for name, value in figures.items())}")
    return figures


async def _measure(on: Stage, rounds: int) -> Mapping[str, float]:
    transport = httpx.ASGITransport
    async with opened(on) as service, httpx.AsyncClient(transport=transport(service.app), headers=HEADERS) as http:
        first = await start(service)
        await refresh(service, Trigger.SCHEDULE)
        quiet = [await refresh(service, Trigger.SCHEDULE) for _ in range(rounds)]
        changed = []
        for number in range(rounds):
            chatbot_id = list(on.documents)[number % len(on.documents)]
            on.commit({chatbot_id: edited(on.documents[chatbot_id], f"Round {number}.")})
            changed.append(await refresh(service, Trigger.SCHEDULE))
        pages = [await _page(http) for _ in range(rounds)]
    seconds = {FIRST: first, QUIET: median(quiet), CHANGED: median(changed), PAGE: median(pages)}
    return {name: value * 1e3 for name, value in seconds.items()}


async def _page(http: httpx.AsyncClient) -> float:
    begun = time.perf_counter()
    (await http.get("http://127.0.0.1/", headers={"Accept": "text/html"})).raise_for_status()
    return time.perf_counter() - begun
