"""Every way in which an audit log can be wrong, with the whole of what is said about it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.domain.audit import GENESIS, AuditEntry, hash_of
from reconciler.domain.audit_lines import PRUNE, AuditHead, PruneNote, entry_line
from reconciler.domain.audit_verify import (
    MAX_FINDINGS,
    AuditFinding,
    AuditFindingKind,
    KnownPrunes,
    Unreadable,
    Verifier,
    verify_lines,
)
from tests.unit.domain.test_audit_lines import HASH, log

Entries = list[AuditEntry]
NOTHING_KNOWN = KnownPrunes()


def found(entries: list[AuditEntry | Unreadable], verifier: Verifier | None = None) -> list[AuditFinding]:
    verifier = verifier or Verifier()
    for entry in entries:
        verifier.feed(entry)
    return list(verifier.finish().findings)


def hashed(entry: AuditEntry) -> AuditEntry:
    return replace(entry, hash=hash_of(entry))


def lines_of(first: int, last: int) -> list[str]:
    return [entry_line(entry) for entry in log(last)[first - 1 :]]


def without(*seqs: int) -> Callable[[Entries], Entries]:
    return lambda entries: [entry for entry in entries if entry.seq not in seqs]


@pytest.mark.parametrize(
    ("change", "findings"),
    [
        (lambda entries: entries, []),
        (without(3), [AuditFinding(3, AuditFindingKind.MISSING, "entry 3 is missing")]),
        (without(2, 3), [AuditFinding(2, AuditFindingKind.MISSING, "entries 2 to 3 are missing")]),
        (without(2, 3, 4), [AuditFinding(2, AuditFindingKind.MISSING, "entries 2 to 4 are missing")]),
        (
            lambda entries: [*entries[:3], entries[1], *entries[3:]],
            [
                AuditFinding(2, AuditFindingKind.OUT_OF_ORDER, "it stands after entry 3"),
                AuditFinding(3, AuditFindingKind.MISSING, "entry 3 is missing"),
            ],
        ),
        (
            lambda entries: [*entries[:3], entries[2], *entries[3:]],
            [AuditFinding(3, AuditFindingKind.OUT_OF_ORDER, "it stands after entry 3")],
        ),
        (
            lambda entries: [*entries[:2], replace(entries[2], actor="eve"), *entries[3:]],
            [AuditFinding(3, AuditFindingKind.ALTERED, "what it says does not fit its hash")],
        ),
        (
            lambda entries: [*entries[:2], hashed(replace(entries[2], actor="eve")), *entries[3:]],
            [AuditFinding(4, AuditFindingKind.UNLINKED, "it names another hash as the one before it")],
        ),
        (
            without(1, 2),
            [
                AuditFinding(
                    3, AuditFindingKind.UNEXPLAINED_START, f"the log begins with entry 3, and no {PRUNE} entry says why"
                )
            ],
        ),
        (
            lambda entries: [hashed(replace(entries[0], prev_hash=HASH))],
            [
                AuditFinding(
                    1,
                    AuditFindingKind.UNEXPLAINED_START,
                    f"the log begins here, but names {HASH} as the hash before it, not {GENESIS}",
                )
            ],
        ),
        (
            lambda entries: [*entries[:2], Unreadable(3, "a number is too long"), *entries[3:]],
            [AuditFinding(3, AuditFindingKind.UNREADABLE, "this is no entry: a number is too long")],
        ),
        (
            lambda entries: [*entries[:4], Unreadable(5, "no")],
            [AuditFinding(5, AuditFindingKind.UNREADABLE, "this is no entry: no")],
        ),
        (
            lambda entries: [Unreadable(1, "no"), *entries[1:]],
            [AuditFinding(1, AuditFindingKind.UNREADABLE, "this is no entry: no")],
        ),
        (
            lambda entries: [hashed(replace(entries[0], prev_hash=""))],
            [
                AuditFinding(
                    1,
                    AuditFindingKind.UNEXPLAINED_START,
                    f"the log begins here, but names  as the hash before it, not {GENESIS}",
                )
            ],
        ),
    ],
)
def test_what_is_wrong_with_a_log(change: Callable[[Entries], list[AuditEntry | Unreadable]], findings: object) -> None:
    assert found(change(log(5))) == findings


def pruned(through: int, *, last: int = 6, said: int | None = None) -> Entries:
    """A log whose last entry says that it begins after some entry."""
    entries = log(last)
    said = through if said is None else said
    detail = {"through": said, "hash": entries[said - 1].hash, "archive": "a.jsonl"}
    return [*entries[through:-1], hashed(replace(entries[-1], action=PRUNE, detail=detail))]


def note(entries: Entries) -> PruneNote:
    detail = entries[-1].detail
    return PruneNote(detail["through"], detail["hash"], detail["archive"])


def test_a_log_may_begin_where_its_newest_prune_says() -> None:
    assert found([*pruned(2)]) == []
    message = f"the log begins with entry 4, but its newest {PRUNE} entry names 2 as the last that was removed"
    assert found([*pruned(3, said=2)]) == [AuditFinding(4, AuditFindingKind.UNEXPLAINED_START, message)]


UNREADABLE = Unreadable(4, "no")
ONE_CAUSE = [AuditFinding(4, AuditFindingKind.UNREADABLE, "this is no entry: no")]


def test_a_first_entry_after_a_removal_that_cannot_be_read_is_one_finding() -> None:
    whole, entries = log(6), pruned(3)
    prunes = KnownPrunes(frozenset({note(entries)}), for_ever=True)
    heads = frozenset({AuditHead(3, whole[2].hash), AuditHead(2, whole[1].hash)})
    verifier = Verifier(heads, prunes=prunes)
    for entry in whole[:3]:
        verifier.feed_archived(entry)
    assert found([UNREADABLE, *entries[1:]], verifier) == ONE_CAUSE
    assert found([UNREADABLE, *entries[1:]]) == ONE_CAUSE


def test_an_archived_entry_that_cannot_be_read_is_one_finding() -> None:
    whole, entries = log(6), pruned(3)
    verifier = Verifier(prunes=KnownPrunes(frozenset({note(entries)}), for_ever=True))
    for entry in (*whole[:2], Unreadable(3, "no")):
        verifier.feed_archived(entry)
    assert found([*entries], verifier) == [AuditFinding(3, AuditFindingKind.UNREADABLE, "this is no entry: no")]


def test_a_head_from_before_a_first_entry_that_cannot_be_read_differs_from_nothing() -> None:
    assert found([UNREADABLE, *log(6)[4:]], Verifier(frozenset({AuditHead(3, HASH)}), whole=False)) == ONE_CAUSE


def test_a_start_that_cannot_be_read_is_not_told_again_beside_the_newest_entries() -> None:
    entries = pruned(3)
    verifier = Verifier(whole=False, prunes=KnownPrunes(frozenset({note(entries)})))
    verifier.hold_start(UNREADABLE, [], archived=log(6)[2].hash)
    assert found([*entries[1:]], verifier) == []


@pytest.mark.parametrize(
    ("lines", "seqs"),
    [
        (["?", *lines_of(2, 3)], [1]),
        (["?", *lines_of(500, 501)], [499]),
        (["?", "?", *lines_of(500, 501)], [498, 499]),
        ([*lines_of(1, 1), "?", *lines_of(3, 3)], [2]),
        ([*lines_of(7, 8), "?"], [9]),
        (["?", "?"], [1, 2]),
    ],
)
def test_lines_that_cannot_be_read_are_one_finding_each(lines: list[str], seqs: list[int]) -> None:
    report = verify_lines(lines)
    assert [(finding.kind, finding.seq) for finding in report.findings] == [
        (AuditFindingKind.UNREADABLE, seq) for seq in seqs
    ]


def test_however_many_lines_cannot_be_read_all_are_counted() -> None:
    assert verify_lines(["?"] * (2 * MAX_FINDINGS + 1)).found == 2 * MAX_FINDINGS + 1


def test_a_part_of_a_log_may_begin_anywhere_but_not_at_another_first_entry() -> None:
    assert found([*log(5)[2:4]], Verifier(whole=False)) == []
    assert found([*pruned(3, said=2)], Verifier(whole=False)) == []
    (finding,) = found([hashed(replace(log(1)[0], prev_hash=HASH))], Verifier(whole=False))
    assert (finding.seq, finding.kind) == (1, AuditFindingKind.UNEXPLAINED_START)


def test_an_export_from_before_a_removal_holds_the_entry_that_tells_of_it() -> None:
    entries = [*log(6)[:-1], pruned(2)[-1]]
    assert found([*entries], Verifier(whole=False)) == []
    assert [finding.kind for finding in found([*entries])] == [AuditFindingKind.UNEXPLAINED_START]


def test_a_removal_must_be_noted_outside_the_database() -> None:
    entries = pruned(2)
    unnoted = "it says that entries up to 2 were removed, which is noted nowhere else"
    assert AuditFinding(6, AuditFindingKind.UNNOTED_PRUNE, unnoted) in found([*entries], Verifier(prunes=NOTHING_KNOWN))
    assert found([*entries], Verifier(prunes=KnownPrunes(frozenset({note(entries)})))) == []
    handed = KnownPrunes(handed=frozenset({note(entries)}))
    assert AuditFinding(6, AuditFindingKind.UNNOTED_PRUNE, unnoted) in found([*entries], Verifier(prunes=handed)), (
        "without the archive"
    )


def test_what_somebody_brings_along_is_believed_with_the_archive() -> None:
    whole, entries = log(6), pruned(2)
    verifier = Verifier(prunes=KnownPrunes(handed=frozenset({note(entries)})))
    for entry in whole[:2]:
        verifier.feed_archived(entry)
    assert found([*entries], verifier) == []


def test_a_removal_without_an_archive_must_not_contradict_the_settings_or_the_heads() -> None:
    whole, entries = log(6), pruned(3)
    prunes = KnownPrunes(frozenset({note(entries)}), for_ever=True)
    heads = frozenset({AuditHead(2, whole[1].hash), AuditHead(1, whole[0].hash), AuditHead(5, entries[1].hash)})
    no_archive = "no archive is here that ends with the entry before"
    assert found([*entries], Verifier(heads, prunes=prunes)) == [
        AuditFinding(
            4,
            AuditFindingKind.UNSET_RETENTION,
            f"the log begins with entry 4, {no_archive}, and audit.retention is unset",
        ),
        AuditFinding(
            1,
            AuditFindingKind.UNCHECKED_HEADS,
            f"heads were kept of 2 entries from 1 on that were removed, {no_archive}",
        ),
    ]


def test_the_archive_is_a_part_of_the_log() -> None:
    whole, entries = log(6), pruned(3)
    heads = frozenset({AuditHead(2, whole[1].hash)})
    verifier = Verifier(heads, prunes=KnownPrunes(frozenset({note(entries)}), for_ever=True))
    for entry in whole[:3]:
        verifier.feed_archived(entry)
    for entry in entries:
        verifier.feed(entry)
    report = verifier.finish()
    assert (report.intact, report.entries, report.first, report.heads_held) == (True, 6, 1, 1)


def test_an_emptied_log_is_told_from_what_was_archived() -> None:
    verifier = Verifier(prunes=NOTHING_KNOWN)
    for entry in log(3):
        verifier.feed_archived(entry)
    missing = AuditFinding(4, AuditFindingKind.MISSING, "the log is empty, but entries were archived from it")
    assert verifier.finish().findings == (missing,)


def test_the_head_before_the_first_entry_is_held_against_what_that_names() -> None:
    whole, entries = log(6), pruned(2)
    kept = Verifier(frozenset({AuditHead(2, whole[1].hash)}))
    assert found([*entries], kept) == []
    differs = f"its hash is {whole[1].hash}, but a head was kept that says {HASH}"
    assert found([*entries], Verifier(frozenset({AuditHead(2, HASH)}))) == [
        AuditFinding(2, AuditFindingKind.HEAD_DIFFERS, differs)
    ]


def test_heads_are_counted_as_held_and_unchecked() -> None:
    whole, entries = log(6), pruned(3)
    verifier = Verifier(
        frozenset({AuditHead(1, whole[0].hash), AuditHead(3, whole[2].hash), AuditHead(5, whole[4].hash)})
    )
    for entry in entries:
        verifier.feed(entry)
    report = verifier.finish()
    assert (report.heads_held, report.heads_unchecked, report.first, report.entries) == (2, 1, 4, 3)


def test_only_the_first_findings_are_kept_and_all_are_counted() -> None:
    verifier = Verifier()
    for entry in log(MAX_FINDINGS + 5):
        verifier.feed(replace(entry, actor="eve"))
    report = verifier.finish()
    assert (len(report.findings), report.found, report.intact) == (MAX_FINDINGS, MAX_FINDINGS + 5, False)


@pytest.mark.parametrize(
    ("prunes", "archived", "kinds"),
    [
        (None, None, []),
        (NOTHING_KNOWN, None, [AuditFindingKind.UNEXPLAINED_START]),
        (KnownPrunes(frozenset({PruneNote(1, HASH, "a")})), None, [AuditFindingKind.UNEXPLAINED_START]),
    ],
)
def test_the_first_of_the_newest_entries_is_held_against_what_is_known(
    prunes: KnownPrunes | None, archived: str | None, kinds: list[AuditFindingKind]
) -> None:
    verifier = Verifier(whole=False, prunes=prunes)
    verifier.hold_start(log(3)[2], [], archived=archived)
    verifier.feed(log(3)[2])
    findings = verifier.finish().findings
    assert [finding.kind for finding in findings] == kinds
    message = "the log begins with entry 3, and no removal is noted that ends there"
    assert all((finding.seq, finding.message) == (3, message) for finding in findings)


def test_a_noted_start_needs_its_archive_where_heads_were_kept() -> None:
    entries = log(3)
    prunes = KnownPrunes(frozenset({PruneNote(2, entries[1].hash, "a")}))
    for archived, number in ((entries[1].hash, 0), (HASH, 1), (None, 1)):
        verifier = Verifier(whole=False, prunes=prunes)
        verifier.hold_start(entries[2], [AuditHead(1, entries[0].hash)], archived=archived)
        verifier.feed(entries[2])
        assert [finding.kind for finding in verifier.finish().findings] == [AuditFindingKind.UNCHECKED_HEADS] * number
    verifier = Verifier(whole=False, prunes=prunes)
    verifier.hold_start(entries[0], [AuditHead(1, HASH)], archived=None)
    for entry in entries:
        verifier.feed(entry)
    assert verifier.finish().intact, "the first entry of all needs no explanation"
