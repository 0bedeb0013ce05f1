"""Whoever alters, removes, inserts or reorders entries is found out."""

from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest

from reconciler.domain.audit import GENESIS, AuditEntry, chain, hash_of, verify
from tests.fakes.clock import START


def _log(length: int = 5) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    for seq in range(1, length + 1):
        said: dict[str, Any] = {
            "seq": seq,
            "at": START,
            "actor": "ana",
            "action": "plan.approve",
            "subject": f"plan/{seq}",
            "fingerprint": None,
            "detail": {"comment": "ü"},
        }
        prev_hash = entries[-1].hash if entries else GENESIS
        entries.append(AuditEntry(**said, prev_hash=prev_hash, hash=chain(prev_hash, **said)))
    return entries


def test_an_untouched_log_is_whole() -> None:
    assert verify(_log()) is None
    assert verify([]) is None


@pytest.mark.parametrize(
    "change",
    [
        {"actor": "eve"},
        {"at": START + timedelta(microseconds=1)},
        {"action": "plan.reject"},
        {"subject": "plan/9"},
        {"fingerprint": "f"},
        {"detail": {}},
        {"prev_hash": GENESIS},
        {"hash": GENESIS},
        {"seq": 7},
    ],
)
def test_an_altered_entry_is_named(change: dict[str, Any]) -> None:
    log = _log()
    log[2] = replace(log[2], **change)
    assert verify(log) == 3


def test_an_altered_entry_with_a_fitting_hash_breaks_the_next() -> None:
    log = _log()
    forged = replace(log[2], actor="eve")
    log[2] = replace(forged, hash=hash_of(forged))
    assert verify(log) == 4


def test_a_removed_entry_is_missed() -> None:
    log = _log()
    assert verify(log[:2] + log[3:]) == 3
    assert verify(log[1:]) == 1


def test_swapped_and_repeated_entries_are_found() -> None:
    one, two, three, *_ = _log()
    assert verify([one, three, two]) == 2
    assert verify([one, one, two]) == 2


def test_a_log_is_verified_in_parts() -> None:
    log = _log()
    assert verify(log[3:], after=log[2]) is None
    assert verify(log[4:], after=log[2]) == 4


def test_a_moment_is_the_same_in_every_zone() -> None:
    entry = _log()[0]
    assert hash_of(replace(entry, at=START.astimezone(timezone(timedelta(hours=5))))) == entry.hash
