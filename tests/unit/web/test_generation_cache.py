"""Rows that many ask for at once after a commit are read once, and are never older than the question."""

import asyncio
from dataclasses import dataclass, field

import pytest

from reconciler.errors import StoreError
from reconciler.web.auth.generation_cache import GenerationCache

pytestmark = pytest.mark.anyio


@dataclass
class Database:
    """Counts how often it is read; each read gives the generation it found, and ends when it is let."""

    generation: str = "1"
    reads: int = 0
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    failure: Exception | None = None

    async def read(self) -> str:
        self.reads += 1
        found = self.generation
        await self.may_end.wait()
        if self.failure is not None:
            raise self.failure
        return found


def made() -> tuple[Database, GenerationCache[str]]:
    database = Database()
    return database, GenerationCache(lambda: database.generation, database.read)


async def asked(cache: GenerationCache[str], *generations: str) -> list[asyncio.Task[str]]:
    tasks = [asyncio.ensure_future(cache.get(generation)) for generation in generations]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_however_many_ask_after_a_commit_it_is_read_once() -> None:
    database, cache = made()
    database.may_end.set()
    assert await asyncio.gather(*(cache.get("1") for _ in range(50))) == ["1"] * 50
    assert [await cache.get("1") for _ in range(50)] == ["1"] * 50
    assert database.reads == 1
    database.generation = "2"
    assert await asyncio.gather(*(cache.get("2") for _ in range(50))) == ["2"] * 50
    assert database.reads == 2


async def test_who_asks_after_a_commit_is_not_told_what_was_read_before_it() -> None:
    database, cache = made()
    old = await asked(cache, "1")
    database.generation = "2"
    new = await asked(cache, *"2" * 50)
    database.may_end.set()
    assert await asyncio.gather(*old, *new) == ["1", *["2"] * 50]
    assert database.reads == 2


async def test_commits_while_many_wait_cost_no_read_each() -> None:
    database, cache = made()
    tasks = await asked(cache, "1")
    for number in range(2, 50):
        database.generation = str(number)
        tasks += await asked(cache, str(number))
    database.may_end.set()
    assert await asyncio.gather(*tasks) == ["1", *["49"] * 48]
    assert database.reads == 2


async def test_who_hangs_up_ends_the_read_for_nobody_else() -> None:
    database, cache = made()
    *first, last = await asked(cache, *"1" * 50)
    for task in first:
        task.cancel()
    await asyncio.sleep(0)
    database.may_end.set()
    assert await last == "1"
    assert database.reads == 1


async def test_a_failure_is_told_to_all_who_wait_and_not_kept() -> None:
    database, cache = made()
    database.failure = StoreError("the disk is full")
    tasks = await asked(cache, *"1" * 50)
    database.may_end.set()
    assert {str(each) for each in await asyncio.gather(*tasks, return_exceptions=True)} == {"the disk is full"}
    assert database.reads == 1
    database.failure = None
    assert await cache.get("1") == "1"
