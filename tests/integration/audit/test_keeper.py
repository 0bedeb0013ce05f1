"""Heads go out at intervals, old entries are archived before they go, and a start notices what was done meanwhile."""

import json
import logging
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.domain.audit_lines import AuditHead, entry_of, heads_in
from reconciler.engine.audit.archive import AuditArchiver
from reconciler.engine.audit.verification import RECENT, verify_log, verify_recent
from reconciler.storage import AuditFolder, Store
from reconciler.storage.audit_folder import ARCHIVE, HEADS, MAX_HEADS
from tests.fakes.clock import FakeClock
from tests.integration.audit.deciding import decide
from tests.integration.audit.tampering import sql
from tests.support.defaults import audit_rules

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
FIVE_MINUTES = 300.0


async def test_a_head_goes_out_at_intervals_and_only_when_it_moved(
    store: Store, clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    keeper = AuditArchiver(store, AuditFolder(tmp_path), clock, audit_rules())
    for decisions in (1, 1, 0, 1):
        await decide(store, decisions)
        await keeper.tick()
        await keeper.tick()
        clock.advance(FIVE_MINUTES)

    kept = [json.loads(line) for line in (tmp_path / HEADS).read_text().splitlines()]
    said = [
        (record.__dict__["seq"], record.__dict__["hash"]) for record in caplog.records if record.msg == "audit head"
    ]
    assert [head["seq"] for head in kept] == [1, 2, 3]
    assert said == [(head["seq"], head["hash"]) for head in kept]
    assert keeper.state.head == AuditHead(3, kept[-1]["hash"])
    assert (tmp_path / HEADS).stat().st_mode & 0o777 == 0o600


async def test_a_head_that_could_not_be_kept_is_kept_the_next_time(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    keeper = AuditArchiver(store, AuditFolder(tmp_path), clock, audit_rules())
    await decide(store)
    (tmp_path / HEADS).mkdir()
    with pytest.raises(IsADirectoryError):
        await keeper.tick()
    assert keeper.state.head is not None
    (tmp_path / HEADS).rmdir()
    clock.advance(FIVE_MINUTES)
    await keeper.tick()
    assert AuditFolder(tmp_path).heads() == {keeper.state.head}


async def test_a_line_that_a_crash_left_unfinished_is_written_over(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    await decide(store)
    await AuditArchiver(store, AuditFolder(tmp_path), clock, audit_rules()).export_head()
    with (tmp_path / HEADS).open("a") as file:
        file.write('{"event": "audit head", "seq": 2, "ha')
    assert len(AuditFolder(tmp_path).heads()) == 1
    await decide(store)
    await AuditArchiver(store, AuditFolder(tmp_path), clock, audit_rules()).export_head()

    assert [json.loads(line)["seq"] for line in (tmp_path / HEADS).read_text().splitlines()] == [1, 2]


def test_the_file_of_heads_is_bounded_unless_it_is_evidence(tmp_path: Path, clock: FakeClock) -> None:
    shelf = AuditFolder(tmp_path)
    lines = [json.dumps({"seq": seq, "hash": f"{seq:064x}"}) for seq in range(1, 2 * MAX_HEADS + 1)]
    (tmp_path / HEADS).write_text("\n".join(lines) + "\n")
    shelf.keep_head(AuditHead(5000, "a" * 64), clock.now(), forget=False)
    assert len(shelf.heads()) == 2 * MAX_HEADS + 1
    shelf.keep_head(AuditHead(5001, "b" * 64), clock.now(), forget=True)
    assert len(shelf.heads()) == MAX_HEADS
    assert {AuditHead(5000, "a" * 64), AuditHead(5001, "b" * 64)} <= shelf.heads()


async def test_what_outlived_the_retention_is_archived_and_removed_once_a_day(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    shelf = AuditFolder(tmp_path)
    keeper = AuditArchiver(store, shelf, clock, audit_rules(retention=7 * DAY))
    for _ in range(20):
        await decide(store, 3)
        await keeper.tick()
        await keeper.tick()
        assert (await verify_log(store, shelf)).intact
        clock.advance(DAY.total_seconds())

    async with store.read() as uow:
        rows = [row async for row in uow.audit.entries()]
    prunes = [row for row in rows if row.action == "audit.prune"]
    pieces = [path.read_text() for path in sorted((tmp_path / ARCHIVE).iterdir())]
    archived = [entry_of(line) for piece in pieces for line in piece.splitlines()]
    assert [entry.seq for entry in archived] == list(range(1, rows[0].seq))
    assert archived[-1].hash == rows[0].prev_hash == prunes[-1].detail["hash"]
    assert prunes[-1].detail["through"] == archived[-1].seq
    assert all(clock.now() - row.at <= 9 * DAY for row in rows)
    assert (await verify_log(store, shelf)).entries == rows[-1].seq


async def test_nothing_is_removed_that_is_not_what_was_written(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    await decide(store, 5)
    clock.advance(2 * DAY.total_seconds())
    await decide(store)
    sql(tmp_path, "UPDATE audit SET actor = 'eve' WHERE seq = 2")
    keeper = AuditArchiver(store, AuditFolder(tmp_path), clock, audit_rules(retention=DAY))

    assert await keeper.prune(DAY) == 0
    assert keeper.state.intact is False
    assert not (tmp_path / ARCHIVE).exists()


async def test_what_was_archived_but_not_removed_is_archived_again(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    """A process that ends between the two."""
    await decide(store, 5)
    shelf = AuditFolder(tmp_path)
    async with store.read() as uow:
        shelf.archive(await uow.audit.first(3))
    assert (await verify_log(store, shelf)).intact
    clock.advance(2 * DAY.total_seconds())
    await AuditArchiver(store, shelf, clock, audit_rules()).prune(DAY)

    assert [path.name for path in (tmp_path / ARCHIVE).iterdir()] == ["000000000001-000000000004.jsonl"]
    assert (await verify_log(store, shelf)).intact


@pytest.mark.parametrize(
    ("statement", "intact"),
    [
        ("SELECT 1", True),
        ("UPDATE audit SET actor = 'eve' WHERE seq = 6", False),
        ("DELETE FROM audit WHERE seq > 4", False),
        ("DELETE FROM audit", False),
    ],
)
async def test_a_start_notices_and_goes_on(
    store: Store, clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture, statement: str, *, intact: bool
) -> None:
    await decide(store, 6)
    await AuditArchiver(store, AuditFolder(tmp_path), clock, audit_rules()).export_head()
    sql(tmp_path, statement)
    keeper = AuditArchiver(store, AuditFolder(tmp_path), clock, audit_rules())
    await keeper.start()
    await decide(store)
    await keeper.tick()

    assert keeper.state.intact is intact
    assert any(record.levelno == logging.ERROR for record in caplog.records) is not intact


async def test_a_start_holds_old_heads_against_a_long_log_too(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    shelf = AuditFolder(tmp_path)
    await decide(store, 3)
    await AuditArchiver(store, shelf, clock, audit_rules()).export_head()
    await decide(store, RECENT + 5)
    assert (await verify_recent(store, shelf)).intact
    sql(tmp_path, "UPDATE audit SET hash = 'other' WHERE seq = 3")
    found = await verify_recent(store, shelf)
    assert [(finding.seq, finding.kind) for finding in found.findings] == [(3, "head_differs")]


async def test_a_folder_that_cannot_be_read_stops_no_start(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    (tmp_path / HEADS).mkdir()
    keeper = AuditArchiver(store, AuditFolder(tmp_path), clock, audit_rules())
    await keeper.start()
    assert keeper.state.intact is None


def test_heads_are_found_in_the_log_of_a_service() -> None:
    log = [
        '{"event": "audit head", "hash": "' + "a" * 64 + '", "level": "info", "seq": 12, "timestamp": "…"}\n',
        'reconciler-1  | {"event": "audit head", "hash": "' + "b" * 64 + '", "seq": 13}\n',
        '{"event": "run ended", "seq": 14, "hash": "' + "c" * 64 + '"}\n',
        "Traceback (most recent call last):\n",
        '{"event": "audit head", "hash": "short", "seq": 15}\n',
    ]
    assert list(heads_in(log)) == [AuditHead(12, "a" * 64), AuditHead(13, "b" * 64)]
