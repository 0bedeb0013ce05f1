"""The fleet page: how long the server takes for it, and what a browser has to load, against a bare page."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from statistics import median

import httpx

from benchmarks.processes import Process, announced, cpu_seconds, running
from benchmarks.report import Goal, show, spread
from benchmarks.service import HEADERS, service
from benchmarks.stage import stage

ASKED = {**HEADERS, "Accept": "text/html", "Accept-Encoding": "gzip"}
_DEEP = 30
_PARTS = re.compile(r'(?:href|src)="(/static/[^"]+)"')
_NEXT = re.compile(r'href="([^"]+)" rel="next"')
_KB = 1000
_MOST_MS = 150
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
    """Ask for the page in its several forms, and for a bare one in turn, with the same client."""
    with stage(chatbots) as on, service(on) as ours:
        ours.startup()
        paths = _paths(ours.http)
        weights = {name: _transferred(ours.http, path) for name, path in paths.items()}
        size = len(ours.http.get("/", headers=ASKED).raise_for_status().content)
        parts = _weigh_parts(ours.http)
        show(f"  {chatbots} chatbots, the page has {size} bytes, {weights['first part']} when compressed")
        with running("benchmarks.bare_page", str(size)) as bare, httpx.Client(base_url=announced(bare)) as floor:
            bares = [_cost(floor, bare, "/", requests) for _ in range(rounds)]
            costs = {
                name: [_cost(ours.http, ours.process, path, requests) for _ in range(rounds)]
                for name, path in paths.items()
            }
    return _goals(bares, costs, weights, parts)


def _paths(http: httpx.Client) -> Mapping[str, str]:
    """The page in the forms that people meet, each of which asks the database for something else."""
    deep = "/?order=name"
    for _ in range(_DEEP):
        found = _NEXT.search(http.get(deep, headers=ASKED).raise_for_status().text)
        if not found:
            break
        deep = unescape(found[1])
    return {
        "first part": "/",
        "oldest drift first": "/?order=drifted",
        "searched": "/?q=bot_0",
        "filtered": "/?sync=OutOfSync&order=name&down=yes",
        "a late part": deep,
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


def _goals(
    bares: Sequence[Cost], costs: Mapping[str, Sequence[Cost]], weights: Mapping[str, int], parts: int
) -> list[Goal]:
    _say("bare page", bares)
    for name, each in costs.items():
        _say(name, each)
    slowest = max(median(cost.wall_ms for cost in each) for each in costs.values())
    heaviest = max(weights.values())
    show(f"  the heaviest page {heaviest / _KB:.1f} kB, css and js {parts / _KB:.1f} kB")
    return [
        Goal("ms of server time for the slowest form of the page, median", slowest, _MOST_MS),
        Goal("kB transferred with css and js", (heaviest + parts) / _KB, _MOST_KB),
    ]


def _say(name: str, costs: Sequence[Cost]) -> None:
    wall, cpu = [cost.wall_ms for cost in costs], [cost.cpu_ms for cost in costs]
    show(f"  {name:18}: {spread(wall, 1)} ms, server CPU {spread(cpu, 1)} ms")
