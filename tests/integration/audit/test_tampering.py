"""T16: whatever is done to the log in the database file is found, and nothing is found in what nobody touched."""

import asyncio
import random
import secrets
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.domain.audit_verify import AuditReport
from reconciler.engine.audit.archive import AuditArchiver
from reconciler.engine.audit.verification import verify_log
from reconciler.storage import AuditFolder, Store
from reconciler.storage.audit_folder import ARCHIVE, HEADS
from tests.fakes.clock import FakeClock
from tests.integration.audit.tampering import WAYS, Log
from tests.support.defaults import audit_rules
from tests.support.store import open_store

pytestmark = pytest.mark.anyio

TRIALS = 600
"""For each kind of log; there are two."""
DAY = timedelta(days=1)


async def _write(store: Store, clock: FakeClock, entries: int) -> None:
    for number in range(entries):
        clock.advance(3600)
        async with store.begin() as uow:
            await uow.audit.append(
                at=clock.now(),
                actor=("ana", "ben", "reconciler")[number % 3],
                action=("plan.approve", "plan.reject.refused", "suspend")[number % 3],
                subject=f"plan/plan_{number % 7}",
                fingerprint="f" * 64 if number % 2 else None,
                detail={"n": number, "list": [1, {"deep": "ü"}], "origin": "192.0.2.7"},
            )


@asynccontextmanager
async def _kept(folder: Path, *, pruned: bool) -> AsyncIterator[tuple[Store, AuditFolder]]:
    """A log as a service leaves it: heads exported on the way and at its stop, and perhaps its old end archived."""
    clock = FakeClock()
    async with open_store(folder, clock) as store:
        shelf = AuditFolder(folder)
        keeper = AuditArchiver(store, shelf, clock, audit_rules(DAY if pruned else None))
        for _ in range(3):
            await _write(store, clock, 12)
            await keeper.export_head()
            if pruned:
                await keeper.prune(DAY)
        await keeper.export_head()
        yield store, shelf


@pytest.mark.parametrize("pruned", [False, True], ids=["whole", "pruned"])
async def test_every_tampering_is_found_and_nothing_else(tmp_path: Path, *, pruned: bool) -> None:
    seed = secrets.randbits(32)
    dice = random.Random(seed)
    missed, alarms = [], []
    async with _kept(tmp_path, pruned=pruned) as (store, shelf):
        assert (await verify_log(store, shelf)).intact
        with closing(sqlite3.connect(tmp_path / "reconciler.db", isolation_level=None)) as database:
            log = Log(database, dice)
            assert (log.before[0]["seq"] > 1) is pruned
            for number in range(TRIALS):
                told = log.tamper(sorted(WAYS)[number % len(WAYS)])
                if (await verify_log(store, shelf)).intact:
                    missed.append(told)
                log.restore()
                report = await verify_log(store, shelf)
                if not report.intact:
                    alarms.append((told, report.findings))

    assert (missed, alarms) == ([], []), f"seed {seed}"


async def _verified(folder: Path, change: str, *values: object, pruned: bool = False) -> AuditReport:
    """What is found after one statement of SQL."""
    async with _kept(folder, pruned=pruned) as (store, shelf):
        with closing(sqlite3.connect(folder / "reconciler.db", isolation_level=None)) as database:
            database.execute(change, values)
        return await verify_log(store, shelf)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE audit SET actor = 'eve' WHERE seq = 17", [(17, "altered")]),
        ("UPDATE audit SET detail = '{' WHERE seq = 17", [(17, "unreadable")]),
        ("UPDATE audit SET actor = CAST(x'ff' AS TEXT) WHERE seq = 17", [(17, "unreadable")]),
        ("DELETE FROM audit WHERE seq BETWEEN 17 AND 19", [(17, "missing")]),
        ("DELETE FROM audit WHERE seq > 30", [(36, "cut_off")]),
        ("DELETE FROM audit WHERE seq < 10", [(10, "unexplained_start")]),
        ("UPDATE audit SET seq = 0 WHERE seq = 36", [(0, "unexplained_start"), (36, "cut_off")]),
    ],
)
async def test_a_finding_names_the_place(tmp_path: Path, change: str, found: list[tuple[int, str]]) -> None:
    report = await _verified(tmp_path, change)

    places = [(finding.seq, str(finding.kind)) for finding in report.findings]
    assert [place for place in found if place not in places] == []
    assert report.found == len(report.findings) <= len(found) + 2, report.findings


async def test_a_changed_archive_is_found(tmp_path: Path) -> None:
    async with _kept(tmp_path, pruned=True) as (store, shelf):
        first = min((tmp_path / ARCHIVE).glob("*.jsonl"))
        first.write_text(first.read_text().replace('"actor": "ana"', '"actor": "eve"', 1))
        report = await verify_log(store, shelf)

    assert [(finding.seq, finding.kind) for finding in report.findings] == [(1, "altered")]


async def test_a_missing_piece_of_the_archive_is_found_and_a_removed_old_end_is_not(tmp_path: Path) -> None:
    async with _kept(tmp_path, pruned=True) as (store, shelf):
        pieces = sorted((tmp_path / ARCHIVE).glob("*.jsonl"))
        assert len(pieces) >= 1
        texts = {piece: piece.read_text() for piece in pieces}
        for piece in pieces:
            piece.unlink()
        assert (await verify_log(store, shelf)).intact, "whoever moves the whole archive away may do so"
        last = pieces[-1]
        last.write_text("".join(texts[last].splitlines(keepends=True)[:-1]))
        report = await verify_log(store, shelf)

    assert [finding.kind for finding in report.findings] == ["missing"]


async def test_without_heads_a_cut_end_does_not_show(tmp_path: Path) -> None:
    """What docs/audit.md says a chain cannot prove."""
    async with _kept(tmp_path, pruned=False) as (store, shelf):
        with closing(sqlite3.connect(tmp_path / "reconciler.db", isolation_level=None)) as database:
            database.execute("DELETE FROM audit WHERE seq > 30")
        kept = shelf.heads()
        (tmp_path / HEADS).unlink()
        assert (await verify_log(store, shelf)).intact
        assert not (await verify_log(store, shelf, kept)).intact


async def test_verifying_waits_for_nobody_and_nobody_for_it(tmp_path: Path) -> None:
    async with _kept(tmp_path, pruned=False) as (store, shelf), asyncio.timeout(60), store.begin() as uow:
        await uow.audit.append(at=await uow.now(), actor="ana", action="x", subject="s")
        report = await verify_log(store, shelf)

    assert (report.intact, report.entries) == (True, 36)
