"""Heads and exported logs as lines of text: what is read back, and what is refused and why."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from reconciler.domain.audit import GENESIS, AuditEntry, hash_of, verify
from reconciler.domain.audit_lines import (
    PRUNE,
    AuditEvidence,
    AuditHead,
    PruneNote,
    entry_line,
    entry_of,
    evidence_in,
    head_line,
    heads_in,
    prune_line,
    prune_of,
)
from reconciler.domain.audit_verify import AuditFinding, AuditFindingKind, Verifier, verify_lines

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
HASH = "ab" * 32


def log(length: int) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    for seq in range(1, length + 1):
        before = entries[-1].hash if entries else GENESIS
        entry = AuditEntry(
            seq=seq,
            at=AT,
            actor="ann",
            action="plan.approve",
            subject=f"plan {seq}",
            fingerprint=None,
            detail={"n": seq},
            prev_hash=before,
            hash="",
        )
        entries.append(replace(entry, hash=hash_of(entry)))
    return entries


@pytest.mark.parametrize("text", [f"7:{HASH}", f" 7:{HASH}\n", f"007:{HASH}"])
def test_a_head_is_read(text: str) -> None:
    assert AuditHead.parse(text) == AuditHead(7, HASH)
    assert str(AuditHead.parse(text)) == f"7:{HASH}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        f"-7:{HASH}",
        f":{HASH}",
        f"\N{ARABIC-INDIC DIGIT SEVEN}:{HASH}",
        f"x:{HASH}",
        "7:",
        f"7:{HASH[:-1]}",
        f"7:{HASH}a",
        f"7:{HASH.upper()}",
    ],
)
def test_what_is_no_head_is_refused_with_what_one_looks_like(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"is not a head: write it as SEQ:HASH, with the 64 hex digits of the hash$"
    ) as e:
        AuditHead.parse(text)
    assert str(e.value).startswith(repr(text))


def test_an_exported_log_is_verified_without_the_database() -> None:
    entries = log(5)
    report = verify_lines(map(entry_line, entries), frozenset({AuditHead(3, entries[2].hash)}))
    assert (report.intact, report.entries, report.first, report.heads_held) == (True, 5, 1, 1)
    assert report.head == AuditHead(5, entries[-1].hash)


def test_a_part_of_an_exported_log_is_verified() -> None:
    report = verify_lines(map(entry_line, log(5)[3:4]))
    assert (report.intact, report.entries, report.first) == (True, 1, 4)


def test_the_chain_goes_on_after_an_entry_that_was_verified() -> None:
    entries = log(5)
    assert verify(entries) is None
    assert verify(entries[3:], after=entries[2]) is None
    assert verify(entries[3:]) == 1
    assert verify(entries[4:], after=entries[2]) == 4
    assert verify([*entries[:2], replace(entries[2], actor="eve")]) == 3


@pytest.mark.parametrize(
    ("hashes", "begins", "findings"),
    [
        ({2: HASH}, 1, []),
        (
            {2: GENESIS},
            1,
            [
                AuditFinding(
                    2, AuditFindingKind.HEAD_DIFFERS, f"its hash is {GENESIS}, but a head was kept that says {HASH}"
                )
            ],
        ),
        ({}, 1, [AuditFinding(2, AuditFindingKind.MISSING, "entry 2 is missing, of which a head was kept")]),
        ({}, 2, [AuditFinding(2, AuditFindingKind.MISSING, "entry 2 is missing, of which a head was kept")]),
        ({}, 3, []),
        ({}, None, []),
    ],
)
def test_heads_of_earlier_entries_are_held_against_what_is_kept(
    hashes: dict[int, str], begins: int | None, findings: list[AuditFinding]
) -> None:
    verifier = Verifier()
    verifier.hold([AuditHead(2, HASH)], hashes, begins=begins)
    assert list(verifier.finish().findings) == findings


@pytest.mark.parametrize(
    ("detail", "note"),
    [
        ({"through": 2, "hash": HASH, "archive": "a.jsonl"}, PruneNote(2, HASH, "a.jsonl")),
        ({"through": 1, "hash": HASH, "archive": "a.jsonl"}, PruneNote(1, HASH, "a.jsonl")),
        ({"through": 3, "hash": HASH, "archive": "a.jsonl"}, None),
        ({"through": 4, "hash": HASH, "archive": "a.jsonl"}, None),
        ({"through": 0, "hash": HASH, "archive": "a.jsonl"}, None),
        ({"through": True, "hash": HASH, "archive": "a.jsonl"}, None),
        ({"through": 2, "hash": HASH[1:], "archive": "a.jsonl"}, None),
        ({"through": 2, "hash": HASH}, None),
        ({}, None),
    ],
)
def test_a_prune_names_what_was_removed_before_it(detail: dict[str, object], note: PruneNote | None) -> None:
    *before, last = log(3)
    last = replace(last, action=PRUNE, detail=detail)
    last = replace(last, hash=hash_of(last))
    assert prune_of(last) == note
    verifier = Verifier()
    for entry in (*before, last):
        verifier.feed(entry)
    found = [finding for finding in verifier.finish().findings if finding.seq == 3]
    bad = AuditFinding(3, AuditFindingKind.BAD_PRUNE, "it does not say which entries were removed, and where they are")
    assert found == ([] if note else [bad])


def test_a_line_that_is_no_entry_is_found_with_its_number() -> None:
    lines = [entry_line(entry) for entry in log(4)]
    lines[1] = "{"
    report = verify_lines(lines)
    assert report.entries == 4
    (finding,) = report.findings
    assert (finding.seq, finding.kind) == (2, AuditFindingKind.UNREADABLE)
    assert finding.message.startswith("this is no entry: line 2: ")


def test_the_first_line_may_be_the_bad_one() -> None:
    report = verify_lines(["no"])
    assert (report.findings[0].seq, report.findings[0].kind) == (1, AuditFindingKind.UNREADABLE)
    assert report.findings[0].message.startswith("this is no entry: line 1: ")


def test_a_head_that_an_exported_log_does_not_hold_is_found() -> None:
    entries = log(3)
    report = verify_lines(map(entry_line, entries), frozenset({AuditHead(2, HASH), AuditHead(9, HASH)}))
    assert report.findings == (
        AuditFinding(
            2, AuditFindingKind.HEAD_DIFFERS, f"its hash is {entries[1].hash}, but a head was kept that says {HASH}"
        ),
        AuditFinding(9, AuditFindingKind.CUT_OFF, "a head was kept of entry 9, but the log ends with entry 3"),
    )


def test_no_lines_are_an_empty_log() -> None:
    assert verify_lines([]).intact
    (finding,) = verify_lines([], frozenset({AuditHead(1, HASH)})).findings
    assert finding == AuditFinding(1, AuditFindingKind.CUT_OFF, "a head was kept of entry 1, but the log is empty")


def changed(**fields: object) -> str:
    return json.dumps({**json.loads(entry_line(log(1)[0])), **fields})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (changed(more=1), r"^an entry has exactly these names: seq, at, actor, action, subject"),
        ("[]", r"^an entry has exactly these names: seq, at, "),
        (changed(seq="1"), r"^seq must be a number and detail an object$"),
        (changed(seq=True), r"^seq must be a number and detail an object$"),
        (changed(detail=[]), r"^seq must be a number and detail an object$"),
        (changed(actor=None), r"^actor, action, subject, prev_hash, hash and fingerprint must be texts$"),
        (changed(fingerprint=1), r"^actor, action, subject, prev_hash, hash and fingerprint must be texts$"),
        (changed(at=1), r"^at must be a text$"),
        (changed(at="2026-11-30T12:00:00"), r"^at must name its zone$"),
        ('{"seq": 1, "seq": 1}', r"^a name stands twice in one object$"),
        ("[" * 100_000, r"^it is nested too deeply$"),
    ],
)
def test_what_is_no_entry_is_refused_with_the_reason(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        entry_of(line)


def test_what_is_known_of_a_log_is_found_among_lines_of_any_log() -> None:
    *before, last = log(3)
    note = PruneNote(2, HASH, "a.jsonl")
    prune = replace(last, action=PRUNE, detail={"through": 2, "hash": HASH, "archive": "a.jsonl"})
    head = AuditHead(7, HASH)
    noise = ["", "no", "{", "[1]", "5", '{"seq": 1}', '{"seq": true, "hash": "' + HASH + '"}', '{"event": "run ended"}']
    other_event = json.dumps({**json.loads(entry_line(prune)), "event": "run ended"})
    assert evidence_in([*noise, other_event]) == AuditEvidence()
    assert evidence_in([*noise, f"12:00 {head_line(head, AT)}"]) == AuditEvidence(frozenset({head}))
    assert evidence_in([prune_line(note, AT)]) == AuditEvidence(prunes=frozenset({note}))
    assert evidence_in([entry_line(prune)]) == AuditEvidence(frozenset({AuditHead(3, last.hash)}), frozenset({note}))
    assert evidence_in([entry_line(before[0])]) == AuditEvidence(frozenset({AuditHead(1, before[0].hash)}))
    assert list(heads_in([*noise, head_line(head, AT), entry_line(before[0])])) == [head, AuditHead(1, before[0].hash)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (head_line(AuditHead(7, HASH), AT), {"event": "audit head", "seq": 7, "hash": HASH}),
        (
            prune_line(PruneNote(2, HASH, "a.jsonl"), AT),
            {"event": "audit log pruned", "through": 2, "hash": HASH, "archive": "a.jsonl"},
        ),
    ],
)
def test_a_line_for_the_log_says_when(line: str, expected: dict[str, object]) -> None:
    assert json.loads(line) == {**expected, "at": "2026-11-30T12:00:00+00:00"}


def test_an_entry_comes_back_as_it_was() -> None:
    (entry,) = log(1)
    assert entry_of(entry_line(replace(entry, actor="Zoë"))) == replace(entry, actor="Zoë")
    assert '"at": "2026-11-30T12:00:00.000000Z"' in entry_line(entry)
    assert "Zoë" in entry_line(replace(entry, actor="Zoë"))
