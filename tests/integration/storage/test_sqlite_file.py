"""SQLite: one process at a time on a file, and what happens when the file cannot be used."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.errors import StoreError
from reconciler.storage import Store, schema
from tests.fakes.clock import START, FakeClock
from tests.support import records
from tests.support.store import open_store, open_url, sqlite_url

pytestmark = pytest.mark.anyio

OPEN_AND_WAIT = """
import asyncio, sys
from reconciler.storage.store import Store
from datetime import UTC, datetime

class Clock:
    def now(self): return datetime.now(UTC)

async def main():
    store = await Store.open(sys.argv[1], Clock())
    print("open", flush=True)
    sys.stdin.readline()
    await store.close()

try:
    asyncio.run(main())
except Exception as error:
    print(f"{type(error).__name__}: {error}", flush=True)
"""


def _start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OPEN_AND_WAIT, sqlite_url(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


async def test_a_second_process_on_the_same_file_is_refused(tmp_path: Path) -> None:
    async with open_store(tmp_path, FakeClock()):
        with _start(tmp_path) as second:
            said = await asyncio.to_thread(_first_line, second)
    assert said.startswith("StoreError: the database ")
    assert "is in use by another process (pid " in said


async def test_a_second_store_in_the_same_process_is_refused_too(tmp_path: Path) -> None:
    async with open_store(tmp_path, FakeClock()):
        with pytest.raises(StoreError, match="in use by another process"):
            await Store.open(sqlite_url(tmp_path), FakeClock())


async def test_the_lock_of_a_process_that_was_killed_is_no_obstacle(tmp_path: Path) -> None:
    with _start(tmp_path) as first:
        assert await asyncio.to_thread(_first_line, first) == "open"
        with pytest.raises(StoreError, match=f"pid {first.pid}"):
            await Store.open(sqlite_url(tmp_path), FakeClock())
        first.kill()
    async with open_store(tmp_path, FakeClock()) as store:
        assert await store.queries.sources() == []


async def test_a_closed_store_lets_the_next_one_in_and_keeps_everything(tmp_path: Path) -> None:
    async with open_store(tmp_path, FakeClock()) as store, store.begin() as uow:
        await uow.sources.add(records.a_source())
    async with open_store(tmp_path, FakeClock()) as store:
        assert await store.queries.sources() == [records.a_source()]


async def test_a_folder_that_is_not_there_is_created(tmp_path: Path) -> None:
    async with open_store(tmp_path / "not" / "there", FakeClock()) as store:
        assert await store.queries.sources() == []


async def test_a_place_that_cannot_be_written_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot be opened .* make its directory writable") as caught:
        await Store.open(sqlite_url(tmp_path / "file" / "below"), FakeClock())
    assert "\n" not in str(caught.value)


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "reconciler.db"
    path.write_text("dear diary, " * 1000)
    with pytest.raises(StoreError, match="file is not a database"):
        await Store.open(sqlite_url(tmp_path), FakeClock())
    assert path.read_text().startswith("dear diary")
    path.unlink()
    async with open_store(tmp_path, FakeClock()):
        """The refused attempt has let go of the lock."""


async def test_commits_survive_a_power_cut_and_readers_a_writer(tmp_path: Path) -> None:
    async with open_store(tmp_path, FakeClock()) as store:
        assert isinstance(store, Store)
        async with store._engines.writer.connect() as writer, store._engines.reader.connect() as reader:
            assert (await writer.exec_driver_sql("PRAGMA synchronous")).scalar() == 2  # FULL
            assert (await writer.exec_driver_sql("PRAGMA journal_mode")).scalar() == "wal"
            assert (await writer.exec_driver_sql("PRAGMA foreign_keys")).scalar() == 1
            assert (await reader.exec_driver_sql("PRAGMA query_only")).scalar() == 1


async def test_a_writer_holds_the_lock_before_it_reads(tmp_path: Path) -> None:
    async with open_store(tmp_path, FakeClock()) as store, store.begin() as uow:
        await uow.chatbots.get("acme", "bot_1")
        other = sqlite3.connect(tmp_path / "reconciler.db", timeout=0)
        with closing(other), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")


async def test_writers_wait_their_turn_and_never_conflict(tmp_path: Path) -> None:
    async with open_store(tmp_path, FakeClock()) as store:

        async def increment(times: int) -> None:
            for _ in range(times):
                async with store.begin() as uow:
                    found = await uow.chatbots.get("acme", "bot_1")
                    assert found is not None
                    await asyncio.sleep(0)
                    await uow.chatbots.save(replace(found, epoch=found.epoch + 1))

        async with store.begin() as uow:
            await uow.chatbots.add(records.a_chatbot())
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(increment(25))
        async with store.read() as uow:
            found = await uow.chatbots.get("acme", "bot_1")
    assert found is not None
    assert found.epoch == 200


async def test_a_lease_runs_out_by_the_given_clock_to_the_moment(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_store(tmp_path, clock) as store, store.begin() as uow:
        first = await uow.leases.take("acme", "bot_1", "one", records.TTL)
        assert first is not None
        assert first.expires_at == START + records.TTL
        clock.advance(14.9)
        assert await uow.leases.holds(first)
        assert await uow.leases.take("acme", "bot_1", "two", records.TTL) is None
        clock.advance(0.1)
        assert not await uow.leases.holds(first)
        assert await uow.leases.take("acme", "bot_1", "two", records.TTL) is not None


async def test_a_clock_set_back_does_not_revive_a_dropped_lease(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_store(tmp_path, clock) as store, store.begin() as uow:
        lease = await uow.leases.take("acme", "bot_1", "one", records.TTL)
        assert lease is not None
        await uow.leases.drop(lease)
        clock.jump(-3600)
        assert not await uow.leases.holds(lease)


async def test_nothing_is_kept_in_a_file_that_was_removed_while_it_is_in_use(tmp_path: Path) -> None:
    async with open_store(tmp_path, FakeClock()) as store:
        (tmp_path / "reconciler.db").unlink()
        with pytest.raises(StoreError, match="removed or replaced"):
            async with store.begin() as uow:
                await uow.sources.add(records.a_source("main"))
        with pytest.raises(StoreError, match="removed or replaced"):
            await store.queries.sources()
        with pytest.raises(StoreError, match="removed or replaced"):  # and once more: the connection is not left open
            await store.queries.sources()


def _fill_and_empty(path: Path) -> int:
    """Leave much free space in a database file, and say how large it is."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE much (data BLOB)")
        connection.executemany("INSERT INTO much VALUES (?)", [(b"x" * 100_000,)] * 100)
        connection.execute("DROP TABLE much")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return _size_of(path)


def _size_of(path: Path) -> int:
    return path.stat().st_size


async def _reclaim(store: Store) -> None:
    while await store.reclaim():
        pass


async def test_what_is_free_is_given_back_to_the_disk_and_nobody_is_told(tmp_path: Path) -> None:
    async with open_store(tmp_path, FakeClock()) as store:
        path = Path(sqlite_url(tmp_path).removeprefix("sqlite:///"))
        full = _fill_and_empty(path)
        free = (await store.size()).free or 0
        assert free > full / 2
        assert await store.reclaim()
        assert 0 < ((await store.size()).free or 0) < free
        await _reclaim(store)
        assert (await store.size()).free == 0
        assert _size_of(path) < full / 2


async def test_a_reader_does_not_keep_free_space_from_being_given_back(tmp_path: Path) -> None:
    async with open_store(tmp_path, FakeClock()) as store:
        _fill_and_empty(Path(sqlite_url(tmp_path).removeprefix("sqlite:///")))
        async with store.read() as uow:
            await uow.sources.all()
            await _reclaim(store)
            async with store.begin() as writing:
                await writing.sources.add(records.a_source())
            assert await uow.sources.all() == []


async def test_a_file_of_an_older_program_is_cut_once_it_was_compacted(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    url = f"sqlite:///{path}"
    async with open_url(url, FakeClock()) as store:
        full = _fill_and_empty(path)
        await _reclaim(store)
        assert _size_of(path) == full
        with pytest.raises(StoreError, match="in use by another process"):
            schema.compact(url)
    schema.compact(url)
    assert _size_of(path) < full / 2
    async with open_url(url, FakeClock()) as store:
        _fill_and_empty(path)
        await _reclaim(store)
        assert (await store.size()).free == 0


def test_there_is_nothing_to_compact_where_there_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no database at"):
        schema.compact(sqlite_url(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_postgresql_is_not_compacted_from_here() -> None:
    with pytest.raises(StoreError, match="autovacuum"):
        schema.compact("postgresql://127.0.0.1/nothing")
