"""`reconciler audit` as people run it, on a database that a service left."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.domain.audit_lines import AuditHead
from reconciler.engine.audit.archive import AuditArchiver
from reconciler.storage import AuditFolder
from reconciler.storage.audit_folder import ARCHIVE, HEADS
from tests.fakes.clock import FakeClock
from tests.integration.audit.tampering import sql
from tests.support.command import run_command
from tests.support.defaults import audit_rules
from tests.support.store import open_store

pytestmark = pytest.mark.anyio


@pytest.fixture
async def head(tmp_path: Path) -> AsyncIterator[AuditHead]:
    """The head of a log with nine entries, one an hour."""
    clock = FakeClock()
    async with open_store(tmp_path, clock) as store:
        for number in range(9):
            async with store.begin() as uow:
                await uow.audit.append(at=clock.now(), actor="ana", action="plan.approve", subject=f"plan/{number}")
            clock.advance(3600)
        keeper = AuditArchiver(store, AuditFolder(tmp_path), clock, audit_rules())
        await keeper.export_head()
        assert keeper.state.head is not None
        yield keeper.state.head


def audit(folder: Path, *arguments: str) -> tuple[int, str, str]:
    done = run_command("audit", *arguments, environ={"RECONCILER_DATA__DIR": str(folder)}, check=False)
    return done.returncode, done.stdout, done.stderr


async def test_an_untouched_log_is_intact(tmp_path: Path, head: AuditHead) -> None:
    code, said, warned = audit(tmp_path, "verify", "--head", str(head))

    assert (code, warned) == (0, "")
    assert said == f"The audit log is intact: 9 entries, 1 to 9.\nHead: {head}\nKept heads: 1 held.\n"


async def test_a_tampered_log_is_told_with_its_places_in_text_and_json(tmp_path: Path, head: AuditHead) -> None:
    sql(tmp_path, "UPDATE audit SET actor = 'eve' WHERE seq = 4")
    sql(tmp_path, "DELETE FROM audit WHERE seq > 7")
    code, said, warned = audit(tmp_path, "verify")
    _, told, _ = audit(tmp_path, "verify", "--format", "json")

    assert (code, warned) == (1, "error: the audit log is not intact\n")
    assert said.splitlines() == [
        "!        4  altered            what it says does not fit its hash",
        f"!        9  cut_off            a head was kept of entry {head.seq}, but the log ends with entry 7",
        "2 findings in 7 entries, 1 to 7.",
    ]
    report = json.loads(told)
    assert (report["intact"], report["found"], report["entries"]) == (False, 2, 7)
    assert [(each["seq"], each["kind"]) for each in report["findings"]] == [(4, "altered"), (9, "cut_off")]


async def test_heads_in_a_log_show_what_the_chain_does_not(tmp_path: Path, head: AuditHead) -> None:
    log = tmp_path / "service.log"
    log.write_text('starting\n{"event": "audit head", "seq": 9, "hash": "' + head.hash + '"}\n')
    (tmp_path / HEADS).unlink()
    sql(tmp_path, "DELETE FROM audit WHERE seq = 9")

    assert audit(tmp_path, "verify")[0] == 0
    assert audit(tmp_path, "verify", "--heads", str(log))[0] == 1
    log.write_text("starting\n")
    assert "there is no head in" in audit(tmp_path, "verify", "--heads", str(log))[2]
    assert "write it as SEQ:HASH" in audit(tmp_path, "verify", "--head", "9")[2]


async def test_a_removal_is_believed_with_its_note_and_its_archive(tmp_path: Path) -> None:
    """The command knows whether entries may be removed at all, and takes an archive that was moved elsewhere."""
    clock = FakeClock()
    async with open_store(tmp_path, clock) as store:
        keeper = AuditArchiver(store, AuditFolder(tmp_path), clock, audit_rules())
        for number in range(9):
            async with store.begin() as uow:
                await uow.audit.append(at=clock.now(), actor="ana", action="plan.approve", subject=f"plan/{number}")
            await keeper.export_head()
            clock.advance(3600)
        assert await keeper.prune(timedelta(hours=5)) > 0
    assert audit(tmp_path, "verify")[0] == 0
    moved = (tmp_path / ARCHIVE).rename(tmp_path / "elsewhere")

    assert {"unset_retention", "unchecked_heads"} <= set(audit(tmp_path, "verify")[1].split())
    assert audit(tmp_path, "verify", "--archive", str(moved))[0] == 0
    assert audit(tmp_path, "verify", "--archive", str(next(moved.iterdir())))[0] == 0
    notes = tmp_path / "service.log"
    (tmp_path / HEADS).rename(notes)
    assert "unnoted_prune" in audit(tmp_path, "verify", "--archive", str(moved))[1]
    assert audit(tmp_path, "verify", "--archive", str(moved), "--heads", str(notes))[0] == 0
    assert audit(tmp_path, "verify", "--heads", str(notes))[0] == 1, "a note in a log needs the archive"


async def test_an_export_is_verified_without_a_database(tmp_path: Path, head: AuditHead) -> None:
    export = tmp_path / "audit.jsonl"
    assert audit(tmp_path, "export", "--out", str(export)) == (0, "", f"9 entries exported to {export}\n")
    assert export.stat().st_mode & 0o777 == 0o600
    elsewhere = tmp_path / "elsewhere"

    assert audit(elsewhere, "verify", "--file", str(export), "--head", str(head))[0] == 0
    lines = export.read_text().splitlines(keepends=True)
    export.write_text("".join(lines).replace('"actor": "ana"', '"actor": "eve"', 1))
    assert audit(elsewhere, "verify", "--file", str(export))[0] == 1
    export.write_text("".join(lines[:-1]))
    assert audit(elsewhere, "verify", "--file", str(export))[0] == 0, "what a part of a log cannot show"
    assert audit(elsewhere, "verify", "--file", str(export), "--head", str(head))[0] == 1
    export.write_text("".join(lines[:-1]) + lines[-1][:40])
    assert "unreadable" in audit(elsewhere, "verify", "--file", str(export))[1]
    assert not elsewhere.exists()


@pytest.mark.parametrize(
    ("options", "seqs"),
    [
        (("--after", "6"), [7, 8, 9]),
        (("--since", "2026-03-01T15:00:00Z"), [4, 5, 6, 7, 8, 9]),
        (("--until", "2026-03-01T14:00:00+00:00"), [1, 2, 3]),
        (("--since", "2026-03-01T13:30:00", "--until", "2026-03-01T16:00:00Z"), [3, 4, 5]),
        (("--after", "99"), []),
    ],
)
@pytest.mark.usefixtures("head")
async def test_a_part_is_exported_without_a_gap(tmp_path: Path, options: tuple[str, ...], seqs: list[int]) -> None:
    code, said, _ = audit(tmp_path, "export", *options)

    assert code == 0
    assert [json.loads(line)["seq"] for line in said.splitlines()] == seqs
    part = tmp_path / "part.jsonl"
    part.write_text(said)
    assert audit(tmp_path, "verify", "--file", str(part))[0] == 0


@pytest.mark.usefixtures("head")
async def test_what_cannot_be_asked_is_said_in_one_line(tmp_path: Path) -> None:
    for arguments, part in (
        (("export", "--since", "yesterday"), "--since: 'yesterday' is not a time"),
        (("verify", "--file", str(tmp_path / "none")), "none cannot be read"),
        (("verify", "--heads", "-", "--file", "-"), "only one of"),
        (("verify", "--archive", str(tmp_path / "none")), "there is no file of an archive in"),
        (("verify", "--archive", str(tmp_path), "--file", "-"), "--archive belongs to the database"),
        (("export", "--out", str(tmp_path / "none" / "audit.jsonl")), "cannot be written"),
    ):
        code, _, warned = audit(tmp_path, *arguments)
        assert (code, warned.count("\n")) == (1, 1), warned
        assert part in warned


@pytest.mark.usefixtures("head")
async def test_an_entry_that_cannot_be_read_is_left_out_and_said(tmp_path: Path) -> None:
    sql(tmp_path, "UPDATE audit SET detail = '{' WHERE seq = 3")
    code, said, warned = audit(tmp_path, "export")

    assert (code, len(said.splitlines())) == (1, 8)
    assert "entry 3 cannot be read" in warned


@pytest.mark.usefixtures("head")
async def test_commands_that_decide_leave_rows_when_they_do_and_when_they_refuse(tmp_path: Path) -> None:
    environ = {"RECONCILER_DATA__DIR": str(tmp_path)}
    program = ("create", "x", "--person", "policy:auto_apply")
    for arguments in (("create", "ci"), ("create", "ci"), program, ("revoke", "ci"), ("revoke", "nobody")):
        run_command("token", *arguments, environ=environ, check=False)
    _, said, _ = audit(tmp_path, "export", "--after", "9")
    rows = [json.loads(line) for line in said.splitlines()]

    assert [(row["action"], row["subject"]) for row in rows] == [
        ("token.create", "token/ci"),
        ("token.create.refused", "token/ci"),
        ("token.create.refused", "token/x"),
        ("token.revoke", "token/ci"),
        ("token.revoke.refused", "token/nobody"),
    ]
    assert {row["detail"]["origin"] for row in rows} == {"command line"}
    assert [row["detail"].get("code") for row in rows[1:3]] == ["token_name_taken", "invalid_request"]
    assert "credential" not in rows[0]["detail"]
