"""The first run of a source, latency taken out, against the sum of what it cannot do without."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import yaml

from benchmarks.in_process import opened, start
from benchmarks.report import Goal, show
from benchmarks.stage import Stage, body_of, git, stage
from benchmarks.sweep import bare_loop

_ROWS_AT_ONCE = 256


def main(*, chatbots: int = 1_000) -> list[Goal]:
    """Take the steps one by one, as bare as each can be, and then run the service for the first time."""
    with stage(chatbots) as on:
        steps, own = asyncio.run(_measure(on))
    show(*(f"  {name}: {seconds:.2f} s" for name, seconds in steps.items()), f"  first run: {own:.2f} s")
    floor = sum(steps.values())
    return [Goal("first run without latency / sum of its floors", own / floor, 1.3, f"{floor:.2f} s")]


async def _measure(on: Stage) -> tuple[Mapping[str, float], float]:
    await bare_loop(on.api, _bodies(on))  # the API keeps its answers
    steps = await asyncio.to_thread(_bare_steps, on)
    cpu = time.process_time()
    await bare_loop(on.api, _bodies(on))
    steps["bare loop's CPU"] = time.process_time() - cpu
    return steps, await _first_run(on)


def _bare_steps(on: Stage) -> dict[str, float]:
    clone = on.folder / "floor.git"
    begun = time.perf_counter()
    git(on.folder, "clone", "--quiet", "--bare", on.url, str(clone))
    cloned = time.perf_counter()
    listing = git(clone, "ls-tree", "-r", "HEAD").splitlines()
    names = b"\n".join(line.split()[2] for line in listing)
    texts = git(clone, "cat-file", "--batch", stdin=names + b"\n")
    read = time.perf_counter()
    parsed = [_parsed(path) for path in sorted(on.repository.glob("chatbots/*"))]
    done = time.perf_counter()
    assert len(parsed) == len(listing) == len(on.documents)
    assert len(texts) > sum(map(len, parsed)) / 2
    begun_rows = time.perf_counter()
    _insert(on.folder / "floor.db", parsed)
    return {
        "bare clone": cloned - begun,
        "cat-file": read - cloned,
        "parse": done - read,
        "bare batched insert": time.perf_counter() - begun_rows,
    }


def _parsed(path: Path) -> str:
    return json.dumps(yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader))


def _bodies(on: Stage) -> list[tuple[str, bytes]]:
    return [(chatbot_id, body_of(document)) for chatbot_id, document in on.documents.items()]


def _insert(path: Path, texts: list[str]) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE documents (id INTEGER PRIMARY KEY, body TEXT)")
        for at in range(0, len(texts), _ROWS_AT_ONCE):
            with database:
                rows = [(text,) for text in texts[at : at + _ROWS_AT_ONCE]]
                database.executemany("INSERT INTO documents (body) VALUES (?)", rows)


async def _first_run(on: Stage) -> float:
    async with opened(on) as service:
        return await start(service)
