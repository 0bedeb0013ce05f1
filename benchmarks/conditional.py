"""A dashboard's poll, nothing new and all of it, against the least that a server can do."""

import asyncio
from dataclasses import dataclass
from statistics import median

from benchmarks.bare_304 import TAG
from benchmarks.load import repeat
from benchmarks.processes import Process, announced, cpu_seconds, running
from benchmarks.report import Goal, show, spread
from benchmarks.service import service
from benchmarks.stage import HEADERS, stage

PATH = "/api/v1/chatbots"
ASKED = {**HEADERS, "Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one request cost.

    Attributes:
        wall_us: Microseconds on the wall, with a few requests under way at a time.
        cpu_us: Microseconds of the server's CPU.
    """

    wall_us: float
    cpu_us: float


def main(*, chatbots: int = 1_000, requests: int = 10_000, rounds: int = 7) -> list[Goal]:
    """Ask both in turn with the same client, and compare them pair by pair."""
    with stage(chatbots) as on, service(on) as ours, running("benchmarks.bare_304") as bare:
        run = ours.startup()
        answer = ours.http.get(PATH, headers=ASKED).raise_for_status()
        show(f"  {run['counts']['documents']} chatbots, the whole answer has {len(answer.content)} bytes")
        mine = {**ASKED, "If-None-Match": answer.headers["etag"]}
        floor_url = announced(bare)
        pairs = [
            (
                _cost(bare, floor_url + PATH, {**ASKED, "If-None-Match": TAG}, requests),
                _cost(ours.process, ours.url + PATH, mine, requests),
            )
            for _ in range(rounds)
        ]
    return _goals(pairs)


def _cost(process: Process, url: str, headers: dict[str, str], requests: int) -> Cost:
    before = cpu_seconds(process.pid)
    wall = asyncio.run(repeat(url, headers, requests=requests))
    return Cost(wall / requests * 1e6, (cpu_seconds(process.pid) - before) / requests * 1e6)


def _goals(pairs: list[tuple[Cost, Cost]]) -> list[Goal]:
    for name, costs in zip(("bare Starlette 304", "the service's 304 "), zip(*pairs, strict=True), strict=True):
        rate = median(1e6 / cost.wall_us for cost in costs)
        show(f"  {name}: {rate:.0f} requests/s, server CPU {spread([cost.cpu_us for cost in costs], 0)} us a request")
    return [
        Goal("server CPU of a 304 / bare, median of the pairs", median(b.cpu_us / a.cpu_us for a, b in pairs), 2),
        Goal("time of a 304 / bare, median of the pairs", median(b.wall_us / a.wall_us for a, b in pairs), 2),
    ]
