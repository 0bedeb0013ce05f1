"""What is kept of the audit log outside the database."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from reconciler.domain.audit_lines import AuditHead, PruneNote
from reconciler.domain.audit_verify import Unreadable
from reconciler.domain.entities import AuditEntry
from reconciler.executors import NamedExecutor


class AuditShelf(Protocol):
    """Heads of the chain, removed entries, and notes of their removal.

    Every call waits for the disk: none belongs on the event loop.
    """

    @property
    def files(self) -> NamedExecutor:
        """Where these calls are to be made."""

    def heads(self) -> frozenset[AuditHead]:
        """The heads that are kept."""

    def keep_head(self, head: AuditHead, at: datetime, *, forget: bool) -> None:
        """Keep a head durably.

        Args:
            head: What to keep.
            at: When it was the chain's end.
            forget: Whether the oldest may go when there are very many.
        """

    def prunes(self) -> frozenset[PruneNote]:
        """The removals that are noted."""

    def note_prune(self, note: PruneNote, at: datetime) -> None:
        """Note durably that entries are about to be removed; no note is ever forgotten."""

    def archive(self, entries: Sequence[AuditEntry]) -> str:
        """Keep entries durably that are about to be removed, and say where."""

    def archived(self) -> Iterator[AuditEntry | Unreadable]:
        """Everything that was archived, in order."""

    def archived_entry(self, seq: int) -> AuditEntry | None:
        """One archived entry; None without it, or where its line is none."""
