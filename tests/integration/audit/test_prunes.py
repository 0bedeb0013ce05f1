"""Entries are removed by retention alone: an entry in the log that says so excuses nothing by itself."""

import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.domain.audit_lines import PruneNote, evidence_in, prune_line
from reconciler.domain.audit_verify import AuditReport
from reconciler.engine.audit.archive import AuditArchiver
from reconciler.engine.audit.verification import RECENT, verify_log, verify_recent
from reconciler.storage import AuditFolder, Store
from reconciler.storage.audit_folder import ARCHIVE, HEADS, MAX_HEADS
from tests.fakes.clock import FakeClock
from tests.integration.audit.deciding import decide
from tests.integration.audit.tampering import Log, Row, append_prune
from tests.support.defaults import audit_rules

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)


async def _pruned(store: Store, folder: Path, clock: FakeClock, times: int = 1) -> AuditArchiver:
    """A log of which a service removed the old end, so many times; a head was exported of each part."""
    keeper = AuditArchiver(store, AuditFolder(folder), clock, audit_rules(DAY))
    for _ in range(times):
        await decide(store, 2)
        await keeper.export_head()
        await decide(store, 2)
        clock.advance(2 * DAY.total_seconds())
        await decide(store, 2)
        assert await keeper.prune(DAY) > 0
        await keeper.export_head()
    return keeper


def _rewritten(folder: Path, change: Callable[[list[Row]], None]) -> None:
    """What somebody makes of the table who can write the database."""
    with closing(sqlite3.connect(folder / "reconciler.db", isolation_level=None)) as database:
        log = Log(database, random.Random(0))
        rows = [dict(row) for row in log.before]
        change(rows)
        log.write(rows)


def _excused(through: int, archive: str = "audit-archive/none.jsonl") -> Callable[[list[Row]], None]:
    """Entries up to this one are removed, and a flawless entry at the end says so."""

    def change(rows: list[Row]) -> None:
        append_prune(rows, next(row for row in rows if row["seq"] == through), archive=archive)
        rows[:] = [row for row in rows if row["seq"] > through]

    return change


def _kinds(report: AuditReport) -> list[str]:
    return [str(finding.kind) for finding in report.findings]


def _notes(folder: Path) -> str:
    return "".join(f"{line}\n" for line in (folder / HEADS).read_text().splitlines() if evidence_in([line]).prunes)


async def test_a_removal_is_noted_beside_the_database_and_in_the_log(
    store: Store, clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await _pruned(store, tmp_path, clock)
    async with store.read() as uow:
        rows = [row async for row in uow.audit.entries()]
    (said,) = (row.detail for row in rows if row.action == "audit.prune")
    note = PruneNote(said["through"], said["hash"], said["archive"])
    assert AuditFolder(tmp_path).prunes() == {note}
    (logged,) = (record.__dict__ for record in caplog.records if record.msg == "audit log pruned")
    assert (logged["through"], logged["hash"], logged["archive"]) == (note.through, note.hash, note.archive)
    report = await verify_log(store, AuditFolder(tmp_path), for_ever=True)
    assert (report.intact, report.heads_unchecked) == (True, 0)


async def test_an_entry_that_excuses_a_removal_is_not_believed(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    """The attacker's step: 1,600 of 1,610 entries gone, and one well-chained entry appended."""
    shelf = AuditFolder(tmp_path)
    await decide(store, 1600)
    await AuditArchiver(store, shelf, clock, audit_rules()).export_head()
    await decide(store, 10)
    await AuditArchiver(store, shelf, clock, audit_rules()).export_head()
    _rewritten(tmp_path, _excused(1600))

    with_retention = await verify_log(store, shelf)
    assert [(finding.seq, str(finding.kind)) for finding in with_retention.findings] == [(1611, "unnoted_prune")]
    assert "unset_retention" in _kinds(await verify_log(store, shelf, for_ever=True))
    assert (await verify_log(store, shelf)).intact is False
    _rewritten(tmp_path, _excused(1605))
    found = await verify_log(store, shelf)
    assert _kinds(found).count("unnoted_prune") == 2, "neither of two is believed"
    assert ("unchecked_heads", 1600) in [(str(finding.kind), finding.seq) for finding in found.findings]


async def test_a_note_that_somebody_brings_along_needs_the_archive(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    """Of somebody who can write the database and the lines of the log, but not what is in `data.dir`."""
    shelf = AuditFolder(tmp_path)
    await decide(store, 20)
    await AuditArchiver(store, shelf, clock, audit_rules()).export_head()
    await decide(store, 10)
    async with store.read() as uow:
        archived = [entry async for entry in uow.audit.entries() if entry.seq <= 25]
    forged = PruneNote(25, archived[-1].hash, "audit-archive/none.jsonl")
    _rewritten(tmp_path, _excused(25))

    assert _kinds(await verify_log(store, shelf, prunes=[forged])) == ["unnoted_prune", "unchecked_heads"]
    shelf.archive(archived)
    assert (await verify_log(store, shelf, prunes=[forged])).intact, "nothing is lost: the archive has all of it"
    assert _kinds(await verify_log(store, shelf)) == ["unnoted_prune"]


async def test_without_an_archive_a_noted_removal_needs_the_setting_and_leaves_no_head_behind(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    await _pruned(store, tmp_path, clock)
    for piece in (tmp_path / ARCHIVE).iterdir():
        piece.rename(tmp_path / piece.name)
    shelf = AuditFolder(tmp_path)

    assert _kinds(await verify_log(store, shelf)) == ["unchecked_heads"]
    (tmp_path / HEADS).write_text(_notes(tmp_path))
    assert (await verify_log(store, shelf)).intact
    assert _kinds(await verify_log(store, shelf, for_ever=True)) == ["unset_retention"]


async def test_a_moved_archive_is_handed_over_and_verified(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    await _pruned(store, tmp_path, clock, times=3)
    moved = tmp_path / "elsewhere"
    (tmp_path / ARCHIVE).rename(moved)
    pieces = sorted(moved.iterdir())
    assert len(pieces) == 3
    shelf = AuditFolder(tmp_path, (moved, pieces[0]))

    report = await verify_log(store, shelf, for_ever=True)
    assert (report.intact, report.first, report.heads_unchecked) == (True, 1, 0), "and a copy counts once"
    pieces[0].rename(tmp_path / "renamed.jsonl")
    renamed = AuditFolder(tmp_path, (tmp_path / "renamed.jsonl", moved))
    assert (await verify_log(store, renamed, for_ever=True)).first == 1
    pieces[1].write_text(pieces[1].read_text().replace('"actor": "ana"', '"actor": "eve"', 1))
    assert _kinds(await verify_log(store, renamed)) == ["altered"]


async def test_of_the_archive_its_last_line_is_enough(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    """Where retention is meant as forgetting."""
    await _pruned(store, tmp_path, clock, times=2)
    old, new = sorted((tmp_path / ARCHIVE).iterdir())
    old.unlink()
    last = new.read_text().splitlines()[-1]
    new.write_text(f"{last}\n")
    shelf = AuditFolder(tmp_path)
    report = await verify_log(store, shelf, for_ever=True)
    assert report.intact
    assert report.heads_unchecked > 0

    new.write_text(f"{last}\n".replace('"actor": "ana"', '"actor": "eve"'))
    assert _kinds(await verify_log(store, shelf)) == ["altered"]
    new.write_text("")
    assert _kinds(await verify_log(store, shelf)) == ["unchecked_heads"]


@pytest.mark.parametrize("keep", ["", "before", "prefix"])
async def test_a_file_of_heads_that_lost_its_note_excuses_nothing(
    store: Store, clock: FakeClock, tmp_path: Path, keep: str
) -> None:
    """Removed, rolled back to before the removal, or cut off within the note; the log of the service still knows."""
    await _pruned(store, tmp_path, clock)
    heads = tmp_path / HEADS
    text, note = heads.read_text(), _notes(tmp_path)
    before = text[: text.index(note)]
    kept = {"": None, "before": before, "prefix": before + note[:40]}[keep]
    heads.unlink()
    if kept is not None:
        heads.write_text(kept)
    shelf = AuditFolder(tmp_path)

    assert _kinds(await verify_log(store, shelf)) == ["unnoted_prune"]
    assert (await verify_log(store, shelf, prunes=evidence_in(note.splitlines()).prunes)).intact
    keeper = AuditArchiver(store, shelf, clock, audit_rules(DAY))
    await keeper.start()
    assert keeper.state.intact is False


@pytest.mark.parametrize("archive", ["audit-archive/000000000001-000000000004.jsonl", "", "../elsewhere.jsonl"])
async def test_an_excuse_after_a_true_removal_is_not_believed(
    store: Store, clock: FakeClock, tmp_path: Path, archive: str
) -> None:
    """Also one that names the archive that there is, which ends elsewhere."""
    await _pruned(store, tmp_path, clock)
    await decide(store, 5)
    _rewritten(tmp_path, _excused(9, archive))

    kinds = _kinds(await verify_log(store, AuditFolder(tmp_path)))
    assert {"missing", "unnoted_prune"} <= set(kinds)


async def test_an_excuse_that_repeats_a_true_removal_excuses_no_more_than_that(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    await _pruned(store, tmp_path, clock)
    await decide(store, 5)
    (note,) = AuditFolder(tmp_path).prunes()

    def change(rows: list[Row]) -> None:
        append_prune(rows, {**rows[0], "seq": note.through, "hash": note.hash}, archive=note.archive)
        del rows[:2]

    _rewritten(tmp_path, change)
    assert {"missing", "unexplained_start"} <= set(_kinds(await verify_log(store, AuditFolder(tmp_path))))


async def test_rows_in_the_middle_are_not_excused(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    shelf = AuditFolder(tmp_path)
    await decide(store, 20)
    await AuditArchiver(store, shelf, clock, audit_rules()).export_head()

    def change(rows: list[Row]) -> None:
        append_prune(rows, rows[11], archive="audit-archive/none.jsonl")
        del rows[7:12]

    _rewritten(tmp_path, change)
    assert set(_kinds(await verify_log(store, shelf))) == {"missing", "unnoted_prune", "unexplained_start"}


async def test_a_service_does_not_cover_an_excuse_with_a_removal_of_its_own(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    shelf = AuditFolder(tmp_path)
    await decide(store, 20)
    clock.advance(2 * DAY.total_seconds())
    await decide(store, 2)
    _rewritten(tmp_path, _excused(15))
    keeper = AuditArchiver(store, shelf, clock, audit_rules(DAY))

    assert await keeper.prune(DAY) == 0
    assert keeper.state.intact is False
    assert shelf.prunes() == frozenset()
    assert not (tmp_path / ARCHIVE).exists()


@pytest.mark.parametrize("entries", [20, RECENT + 20], ids=["short", "long"])
async def test_a_start_notices_an_excuse_however_long_the_log_is(
    store: Store, clock: FakeClock, tmp_path: Path, entries: int
) -> None:
    keeper = await _pruned(store, tmp_path, clock, times=2)
    await decide(store, entries)
    await keeper.export_head()
    shelf = AuditFolder(tmp_path)
    assert (await verify_recent(store, shelf, for_ever=True)).intact
    _rewritten(tmp_path, _excused(13))
    await decide(store, entries)

    found = await verify_recent(store, shelf)
    assert "unexplained_start" in _kinds(found)
    (tmp_path / ARCHIVE).rename(tmp_path / "elsewhere")
    assert (await verify_recent(store, shelf)).intact is False


async def test_a_start_misses_the_archive_of_a_noted_removal(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    await _pruned(store, tmp_path, clock)
    shelf = AuditFolder(tmp_path)
    (piece,) = (tmp_path / ARCHIVE).iterdir()
    said = piece.read_text()
    assert (await verify_recent(store, shelf, for_ever=True)).intact
    piece.write_text(said.replace('"actor": "ana"', '"actor": "eve"'))
    assert _kinds(await verify_recent(store, shelf, for_ever=True)) == ["unset_retention", "unchecked_heads"]
    piece.unlink()
    assert _kinds(await verify_recent(store, shelf)) == ["unchecked_heads"]


async def test_a_removal_that_was_noted_but_not_made_is_made_later(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    """A process that ends between the two, after which the retention is prolonged."""
    shelf = AuditFolder(tmp_path)
    await decide(store, 4)
    clock.advance(2 * DAY.total_seconds())
    await decide(store, 4)
    async with store.read() as uow:
        first = await uow.audit.first(6)
    shelf.note_prune(PruneNote(6, first[-1].hash, shelf.archive(first)), clock.now())
    assert (await verify_log(store, shelf, for_ever=True)).intact
    assert (await verify_recent(store, shelf, for_ever=True)).intact

    assert await AuditArchiver(store, shelf, clock, audit_rules(DAY)).prune(DAY) == 4
    assert [path.name for path in (tmp_path / ARCHIVE).iterdir()] == ["000000000001-000000000004.jsonl"]
    assert (await verify_log(store, shelf, for_ever=True)).intact


async def test_notes_outlive_the_heads_that_are_forgotten(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    """Also in a process that could not look at its start whether the log is whole."""
    keeper = await _pruned(store, tmp_path, clock)
    (note,) = AuditFolder(tmp_path).prunes()
    lines = [json.dumps({"seq": seq, "hash": f"{seq:064x}"}) for seq in range(1, 2 * MAX_HEADS + 1)]
    (tmp_path / HEADS).write_text(f"{prune_line(note, clock.now())}\n" + "\n".join(lines) + "\n")
    await decide(store)
    assert keeper.state.intact is None
    await keeper.export_head()

    assert len(AuditFolder(tmp_path).heads()) == MAX_HEADS
    assert AuditFolder(tmp_path).prunes() == {note}


async def test_of_two_pasts_neither_is_thrown_away(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    """After a backup was restored, other entries have the numbers of archived ones."""
    await decide(store, 6)
    shelf = AuditFolder(tmp_path)
    async with store.read() as uow:
        first = await uow.audit.first(5)
    shelf.archive(first)
    before = (tmp_path / ARCHIVE / "000000000001-000000000005.jsonl").read_text()

    def other(rows: list[Row]) -> None:
        rows[:] = rows[:2]

    _rewritten(tmp_path, other)
    clock.advance(60)
    await decide(store, 4)
    async with store.read() as uow:
        second = await uow.audit.first(5)
    shelf.archive(second)

    assert [entry for entry in shelf.archived() if entry in second] == list(second)
    (kept,) = (tmp_path / ARCHIVE).glob("*.superseded-1")
    assert kept.read_text() == before
    assert len(list(shelf.archived())) == 5


async def test_the_newest_entry_stays_however_old_it_is(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    await decide(store, 3)
    clock.advance(9 * DAY.total_seconds())
    keeper = AuditArchiver(store, AuditFolder(tmp_path), clock, audit_rules(DAY))

    assert await keeper.prune(DAY) == 2
    async with store.read() as uow:
        assert [row.seq async for row in uow.audit.entries()] == [3, 4]
