"""Rule 8: every decision leaves a row; append-only, gapless, hash-chained."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from reconciler.domain.audit import GENESIS, AuditEntry, verify
from reconciler.domain.audit_verify import AuditFindingKind, Unreadable
from reconciler.engine.audit.archive import AuditArchiver
from reconciler.engine.audit.verification import verify_log
from reconciler.errors import Conflict
from reconciler.storage import AuditFolder, Store, UnitOfWork
from tests.fakes.clock import START, FakeClock
from tests.support.defaults import audit_rules

pytestmark = pytest.mark.anyio


async def _append(uow: UnitOfWork, subject: str = "plan/1") -> AuditEntry:
    return await uow.audit.append(at=START, actor="ana", action="plan.approve", subject=subject, detail={"n": [1.5]})


async def _entries(store: Store, after: int = 0) -> list[AuditEntry]:
    async with store.read() as uow:
        return [entry async for entry in uow.audit.entries(after=after)]


async def test_the_first_entry_starts_the_chain(store: Store) -> None:
    assert await store.queries.audit_begins() is None
    async with store.begin() as uow:
        entry = await _append(uow)
        later = await uow.audit.append(at=START + timedelta(days=1), actor="ana", action="a", subject="s", detail={})
    assert (entry.seq, entry.prev_hash) == (1, GENESIS)
    assert await _entries(store) == [entry, later]
    assert await store.queries.audit_begins() == START


async def test_a_transaction_that_fails_leaves_no_gap(store: Store) -> None:
    async def fail() -> None:
        async with store.begin() as uow:
            await _append(uow)
            raise ZeroDivisionError

    async with store.begin() as uow:
        await _append(uow)
    with pytest.raises(ZeroDivisionError):
        await fail()
    async with store.begin() as uow:
        assert (await _append(uow)).seq == 2


async def test_concurrent_appends_make_one_chain_without_gaps(store: Store) -> None:
    async def append(times: int) -> None:
        for _ in range(times):
            async with store.begin() as uow:
                await _append(uow)
                await _append(uow)

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for _ in range(6):
            group.create_task(append(5))
    entries = await _entries(store)
    assert [entry.seq for entry in entries] == list(range(1, 61))
    assert verify(entries) is None


async def test_entries_go_on_after_a_number(store: Store) -> None:
    async with store.begin() as uow:
        for _ in range(1203):
            await _append(uow)
    entries = await _entries(store, after=2)
    assert [entry.seq for entry in entries] == list(range(3, 1204))


async def test_a_log_is_verified_in_parts(store: Store) -> None:
    async with store.begin() as uow:
        last = [await _append(uow) for _ in range(5)][2]
    assert verify(await _entries(store, after=3), after=last) is None


async def _filled(store: Store, entries: int) -> list[AuditEntry]:
    async with store.begin() as uow:
        return [await _append(uow, f"plan/{number}") for number in range(entries)]


async def test_the_ends_of_the_log_are_found(store: Store) -> None:
    async with store.read() as uow:
        assert (await uow.audit.first(3), await uow.audit.last(), await uow.audit.begins()) == ([], None, None)
    entries = await _filled(store, 5)
    async with store.read() as uow:
        assert await uow.audit.first(3) == entries[:3]
        assert (await uow.audit.last(), await uow.audit.begins()) == (entries[-1], 1)
        assert await uow.audit.hashes([2, 4, 9]) == {2: entries[1].hash, 4: entries[3].hash}
        assert await uow.audit.hashes([]) == {}


async def test_rows_are_read_without_end_and_without_a_gap(store: Store) -> None:
    await _filled(store, 1203)
    async with store.read() as uow:
        assert [row.seq async for row in uow.audit.rows()] == list(range(1, 1204))
        assert [row.seq async for row in uow.audit.rows(after=1200)] == [1201, 1202, 1203]


async def test_what_is_no_entry_is_read_as_such(store: Store) -> None:
    entries = await _filled(store, 4)
    async with store.begin() as uow:
        transaction = uow.audit._transaction  # type: ignore[attr-defined]  # as somebody beside the program would
        await transaction.connection.execute(text("UPDATE audit SET detail = '3' WHERE seq = 2"))
    async with store.read() as uow:
        rows = [row async for row in uow.audit.rows()]
    assert [type(row) for row in rows] == [AuditEntry, Unreadable, AuditEntry, AuditEntry]
    assert [row for row in rows if isinstance(row, AuditEntry)] == [entries[0], *entries[2:]]


async def test_removing_the_old_end_leaves_the_rest_and_its_numbers(store: Store) -> None:
    entries = await _filled(store, 5)
    async with store.begin() as uow:
        assert await uow.audit.remove_through(3) == 3
        assert (await _append(uow)).seq == 6
    assert (await _entries(store))[:2] == entries[3:]


async def test_a_log_is_pruned_in_step_with_what_verify_expects(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    await _filled(store, 5)
    clock.advance(2 * 86_400)
    shelf = AuditFolder(tmp_path / "shelf")
    keeper = AuditArchiver(store, shelf, clock, audit_rules())
    await keeper.export_head()
    assert await keeper.prune(-timedelta(days=40_000)) == 4, "the newest entry is never removed"
    await _filled(store, 2)
    assert (await verify_log(store, shelf)).intact
    assert [entry.seq for entry in await _entries(store)] == [5, 6, 7, 8]


async def test_who_prunes_at_the_same_time_removes_nothing(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    await _filled(store, 9)
    one, two = (AuditArchiver(store, AuditFolder(tmp_path / name), clock, audit_rules()) for name in ("one", "two"))
    batch = await two._outlived(-timedelta(days=40_000))
    await one.prune(-timedelta(days=40_000))
    with pytest.raises(Conflict):
        await two._remove(batch, "two")
    assert (await verify_log(store, AuditFolder(tmp_path / "one"))).intact


async def test_an_altered_row_is_found_on_every_database(store: Store, tmp_path: Path) -> None:
    await _filled(store, 6)
    for statement in ("UPDATE audit SET subject = 'x' WHERE seq = 3", "DELETE FROM audit WHERE seq = 5"):
        async with store.begin() as uow:
            transaction = uow.audit._transaction  # type: ignore[attr-defined]  # as above
            await transaction.connection.execute(text(statement))
    report = await verify_log(store, AuditFolder(tmp_path / "shelf"))
    assert [(finding.seq, finding.kind) for finding in report.findings] == [
        (3, AuditFindingKind.ALTERED),
        (5, AuditFindingKind.MISSING),
    ]
