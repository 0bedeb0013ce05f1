"""Rule 8: every decision leaves a row; append-only, gapless, hash-chained."""

import asyncio

import pytest

from reconciler.domain.audit import GENESIS, verify
from reconciler.domain.records import AuditEntry
from reconciler.ports import UnitOfWork
from reconciler.storage.store import SqlStore
from tests.fakes.clock import START

pytestmark = pytest.mark.anyio


async def _append(uow: UnitOfWork, subject: str = "plan/1") -> AuditEntry:
    return await uow.audit.append(at=START, actor="ana", action="plan.approve", subject=subject, detail={"n": [1.5]})


async def _entries(store: SqlStore, after: int = 0) -> list[AuditEntry]:
    async with store.read() as uow:
        return [entry async for entry in uow.audit.entries(after=after)]


async def test_the_first_entry_starts_the_chain(store: SqlStore) -> None:
    async with store.begin() as uow:
        entry = await _append(uow)
    assert (entry.seq, entry.prev_hash) == (1, GENESIS)
    assert await _entries(store) == [entry]


async def test_a_transaction_that_fails_leaves_no_gap(store: SqlStore) -> None:
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


async def test_concurrent_appends_make_one_chain_without_gaps(store: SqlStore) -> None:
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


async def test_entries_go_on_after_a_number(store: SqlStore) -> None:
    async with store.begin() as uow:
        for _ in range(1203):
            await _append(uow)
    entries = await _entries(store, after=2)
    assert [entry.seq for entry in entries] == list(range(3, 1204))


async def test_a_log_is_verified_in_parts(store: SqlStore) -> None:
    async with store.begin() as uow:
        last = [await _append(uow) for _ in range(5)][2]
    assert verify(await _entries(store, after=3), after=last) is None
