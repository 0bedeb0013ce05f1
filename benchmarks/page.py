"""The pages of a large fleet against those of a small one: the server's time, and what a browser has to load."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from statistics import median

import httpx

from benchmarks.processes import Process, announced, cpu_seconds, running
from benchmarks.report import Goal, show, spread
from benchmarks.service import service
from benchmarks.stage import HEADERS, stage

ASKED = {**HEADERS, "Accept": "text/html", "Accept-Encoding": "gzip"}
_DEEP = 30
_PARTS = re.compile(r'(?:href|src)="(/static/[^"]+)"')
_NEXT = re.compile(r'href="([^"]+)" rel="next"')
_KB = 1000
_MOST_MS = 150
_SMALLEST_MS = 0.5
"""Of CPU: the system counts it in steps of 10 ms, shared by a round of requests."""
_PART, _FEWEST = 100, 200
"""The smaller fleet has so much fewer chatbots, but enough for pages that are as long."""
_MOST_KB = 150


@dataclass(frozen=True, slots=True)
class Cost:
    """What one page cost.

    Attributes:
        wall_ms: Milliseconds on the wall, one request at a time.
        cpu_ms: Milliseconds of the server's CPU.
    """

    wall_ms: float
    cpu_ms: float


def main(*, chatbots: int = 10_000, requests: int = 20, rounds: int = 5) -> list[Goal]:
    """Ask for the pages in their several forms, of a small and of a large fleet, with the same client."""
    few = min(chatbots, max(_FEWEST, chatbots // _PART))
    small, large = (_measured(size, requests, rounds) for size in (few, chatbots))
    show(f"  the heaviest page {large.heaviest / _KB:.1f} kB, css and js {large.parts / _KB:.1f} kB")
    return [
        *(
            Goal(
                f"server CPU of {name}, {chatbots} / {few} chatbots",
                large.cpu(name) / small.cpu(name),
                1.2,
                f"{small.cpu(name):.1f} ms",
            )
            for name in large.costs
            if name in small.costs
        ),
        Goal("ms of server time for the slowest page, median", max(map(large.wall, large.costs)), _MOST_MS),
        Goal("kB transferred with css and js", (large.heaviest + large.parts) / _KB, _MOST_KB),
    ]


@dataclass(frozen=True, slots=True)
class Measured:
    """The pages of one fleet.

    Attributes:
        costs: Page → what each round of requests cost.
        heaviest: Bytes transferred of the largest page.
        parts: Bytes of css and js.
    """

    costs: Mapping[str, Sequence[Cost]]
    heaviest: int
    parts: int

    def cpu(self, name: str) -> float:
        """Milliseconds of the server's CPU for a page."""
        return max(median(cost.cpu_ms for cost in self.costs[name]), _SMALLEST_MS)

    def wall(self, name: str) -> float:
        """Milliseconds that a person waits for a page."""
        return median(cost.wall_ms for cost in self.costs[name])


def _measured(chatbots: int, requests: int, rounds: int) -> Measured:
    with stage(chatbots) as on, service(on) as ours:
        ours.startup()
        paths = _paths(ours.http)
        size = len(ours.http.get("/", headers=ASKED).raise_for_status().content)
        show(f"  {chatbots} chatbots, the page has {size} bytes")
        with running("benchmarks.bare_page", str(size)) as bare, httpx.Client(base_url=announced(bare)) as floor:
            _say("bare page", [_cost(floor, bare, "/", requests) for _ in range(rounds)])
        costs = {
            name: [_cost(ours.http, ours.process, path, requests) for _ in range(rounds)]
            for name, path in paths.items()
        }
        for name, each in costs.items():
            _say(name, each)
        return Measured(costs, max(_transferred(ours.http, path) for path in paths.values()), _weigh_parts(ours.http))


def _paths(http: httpx.Client) -> Mapping[str, str]:
    """The pages that people meet, and the fleet's in forms that ask the database for something else."""
    deep = "/?order=name"
    for _ in range(_DEEP):
        found = _NEXT.search(http.get(deep, headers=ASKED).raise_for_status().text)
        if not found:
            break
        deep = unescape(found[1])
    plan = http.get("/api/v1/plans", params={"limit": 1}).raise_for_status().json()["items"][0]["id"]
    return {
        "the fleet": "/",
        "oldest drift first": "/?order=drifted",
        "searched": "/?q=bot_0",
        "filtered": "/?sync=OutOfSync&order=name&down=yes",
        "a late part": deep,
        "plans": "/plans",
        "a plan": f"/plans/{plan}",
        "sources": "/sources",
        "runs": "/runs",
    }


def _transferred(http: httpx.Client, path: str) -> int:
    with http.stream("GET", path, headers=ASKED) as answer:
        answer.raise_for_status()
        answer.read()
        return answer.num_bytes_downloaded


def _weigh_parts(http: httpx.Client) -> int:
    """What the page loads besides itself, when a browser meets it for the first time."""
    found = _PARTS.findall(http.get("/", headers=ASKED).text)
    return sum(_transferred(http, unescape(path)) for path in dict.fromkeys(found))


def _cost(http: httpx.Client, process: Process, path: str, requests: int) -> Cost:
    http.get(path, headers=ASKED).raise_for_status()
    before, begun = cpu_seconds(process.pid), time.perf_counter()
    for _ in range(requests):
        http.get(path, headers=ASKED)
    wall = time.perf_counter() - begun
    return Cost(wall / requests * 1e3, (cpu_seconds(process.pid) - before) / requests * 1e3)


def _say(name: str, costs: Sequence[Cost]) -> None:
    wall, cpu = [cost.wall_ms for cost in costs], [cost.cpu_ms for cost in costs]
    show(f"  {name:18}: {spread(wall, 1)} ms, server CPU {spread(cpu, 1)} ms")
