"""The audit log's chain: each entry's hash covers the entry and the hash before it.

Whoever changes, removes or inserts an entry breaks the chain from there on. Cutting off the end, or writing all of
it anew from some entry on, leaves no trace in the chain itself: heads kept elsewhere show it (`audit_verify`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from reconciler.domain.canonical import digest

GENESIS: Final = "0" * 64
"""What the first entry names as the hash before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One decision: who, what, about which thing, from where. Chained by hash, never changed."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    fingerprint: str | None
    detail: Mapping[str, Any]
    prev_hash: str
    hash: str


def chain(
    previous_hash: str,
    *,
    seq: int,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    fingerprint: str | None,
    detail: Mapping[str, Any],
) -> str:
    """The hash of an entry: sha256 over the canonical JSON of everything else in it."""
    return digest(
        {
            "seq": seq,
            "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
            "actor": actor,
            "action": action,
            "subject": subject,
            "fingerprint": fingerprint,
            "detail": detail,
            "prev_hash": previous_hash,
        }
    )


def hash_of(entry: AuditEntry) -> str:
    """What the entry's hash must be."""
    return chain(
        entry.prev_hash,
        seq=entry.seq,
        at=entry.at,
        actor=entry.actor,
        action=entry.action,
        subject=entry.subject,
        fingerprint=entry.fingerprint,
        detail=entry.detail,
    )


def verify(entries: Iterable[AuditEntry], *, after: AuditEntry | None = None) -> int | None:
    """Find the first place where the log is not what was written.

    Args:
        entries: The entries in order of ``seq``.
        after: The entry before them, already verified; None when they begin the log.

    Returns:
        The first ``seq`` that is missing, altered or out of order, or None when all is well.
    """
    seq, previous_hash = (after.seq, after.hash) if after else (0, GENESIS)
    for entry in entries:
        seq += 1
        if (entry.seq, entry.prev_hash, entry.hash) != (seq, previous_hash, hash_of(entry)):
            return seq
        previous_hash = entry.hash
    return None
