"""A look at a source of which nothing has changed, against one bare ``git ls-remote``."""

import asyncio
import hashlib
import sqlite3
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing
from statistics import median

from benchmarks.in_process import newest_run, opened, refresh, start
from benchmarks.report import Goal, show, spread
from benchmarks.stage import CLEAN_GIT, Stage, stage
from reconciler.domain.entities import Run, Trigger

_OF_EACH_RUN = frozenset({"runs", "sources", "content_uses", "contents"})
"""Tables in which every run leaves that it was."""


def main(*, chatbots: int = 1_000, rounds: int = 15) -> list[Goal]:
    """Look again and again, and ask the remote by hand in turn."""
    with stage(chatbots) as on:
        return asyncio.run(_measure(on, rounds))


async def _measure(on: Stage, rounds: int) -> list[Goal]:
    async with opened(on) as service:
        await start(service)
        await refresh(service, Trigger.SCHEDULE)
        before, calls = _rows(on), on.calls()
        pairs = [(await _ls_remote(on), await refresh(service, Trigger.SCHEDULE)) for _ in range(rounds)]
        run = await newest_run(service)
        changed = [name for name, rows in _rows(on).items() if rows != before[name]]
        asked = sum(on.calls().values()) - sum(calls.values())
    return _goals(pairs, run, len(changed), asked)


def _goals(pairs: list[tuple[float, float]], run: Run, changed: int, asked: int) -> list[Goal]:
    bare, looks = zip(*pairs, strict=True)
    show(
        f"  bare git ls-remote: {spread([s * 1e3 for s in bare], 1)} ms",
        f"  a quiet run:        {spread([s * 1e3 for s in looks], 1)} ms",
    )
    return [
        Goal(
            "quiet run / bare ls-remote, median of the pairs",
            median(b / a for a, b in pairs),
            1.5,
            f"{median(bare) * 1e3:.1f} ms",
        ),
        Goal("files parsed by a quiet run", run.counts.parsed, 0),
        Goal("calls of the API by quiet runs", asked, 0),
        Goal("tables that quiet runs changed, but for the run and its source", changed, 0),
    ]


async def _ls_remote(on: Stage) -> float:
    command = ["git", "ls-remote", "--", on.url, "refs/heads/main"]
    begun = time.perf_counter()
    await asyncio.to_thread(subprocess.run, command, env=CLEAN_GIT, check=True, capture_output=True, timeout=60)
    return time.perf_counter() - begun


def _rows(on: Stage) -> Mapping[str, bytes]:
    """A hash of every table's rows."""
    with closing(sqlite3.connect(f"file:{on.database}?mode=ro", uri=True)) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: _hashed(database, name) for name in names if name not in _OF_EACH_RUN}


def _hashed(database: sqlite3.Connection, table: str) -> bytes:
    rows = hashlib.blake2b()
    for row in database.execute(f'SELECT * FROM "{table}"'):  # noqa: S608  a name out of the database itself
        rows.update(repr(row).encode())
    return rows.digest()
