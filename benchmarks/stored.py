"""What the database keeps of each run and commit, in bytes without free pages: `python -m benchmarks.stored`."""

import asyncio
import json
import random
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.support.world import BOT, document, path_of, spec, world

SEED = 7
RUNS, COMMITS = 50, 10
SECONDS_BETWEEN = 300.0


def main() -> None:
    """Measure and print."""
    asyncio.run(_measure())


async def _measure() -> None:
    words = _Words()
    print(f"a run with one broken file (100 findings): {await _bytes_of_a_run():,.0f}")
    for count, size in ((100, 30_000), (3, 1_000_000)):
        texts = {f"chatbots/{number}.md": words.text(size) for number in range(count)}
        print(f"a commit that changes one of {count} texts of {size:,} bytes: {await _bytes_of_a_commit(texts):,.0f}")


class _Words:
    """Text that compresses about as prose does."""

    def __init__(self) -> None:
        self._random = random.Random(SEED)
        letters = "etaoinshrdlcumwfgypbvk"
        self._known = ["".join(self._random.choices(letters, k=self._random.randint(2, 10))) for _ in range(4000)]

    def text(self, size: int) -> str:
        return " ".join(self._random.choices(self._known, k=size // 3))[:size]


async def _bytes_of_a_run() -> float:
    refused = spec(skills=[{"name": f"s{number}", f"nmae{number}": 1, "body": "x"} for number in range(300)])
    broken = "\n---\n".join(document(refused, f"bot_{number}") for number in range(2, 7))
    with TemporaryDirectory() as folder:
        files = {path_of(): document(spec()), "chatbots/broken.yaml": broken}
        async with world(Path(folder), {BOT: spec()}, files) as w:
            run = await w.refresh(full=False)
            if len(run.diagnostics) != 100:
                raise RuntimeError(f"{len(run.diagnostics)} findings")
            before = _kept(folder)
            for _ in range(RUNS):
                w.clock.advance(SECONDS_BETWEEN)
                await w.refresh(full=False)
            return (_kept(folder) - before) / RUNS


async def _bytes_of_a_commit(texts: Mapping[str, str]) -> float:
    stated = spec(skills=[{"name": path, "body": {"$file": Path(path).name}} for path in texts])
    live: dict[str, Any] = spec(skills=[{"name": path, "body": text} for path, text in texts.items()])
    paths = list(texts)
    with TemporaryDirectory() as folder:
        async with world(Path(folder), {BOT: live}, {path_of(): document(stated), **texts}) as w:
            await w.refresh()
            before = 0
            # the first one puts the whole document into the database
            for number in range(COMMITS + 1):
                w.clock.advance(SECONDS_BETWEEN)
                path = paths[number % len(paths)]
                w.commit({path: f"version {number} {texts[path]}"})
                await w.refresh()
                plan = await w.open_plan()
                if len(json.dumps(plan.body)) < sum(map(len, texts.values())):
                    raise RuntimeError("the plan does not hold the document")
                before = before or _kept(folder)
            return (_kept(folder) - before) / COMMITS


def _kept(folder: str) -> int:
    (file,) = Path(folder).rglob("*.db")
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages, free, size = (
            int(database.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
    return (pages - free) * size


if __name__ == "__main__":
    main()
