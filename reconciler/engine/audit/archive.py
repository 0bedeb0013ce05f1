"""Maintains the audit log: writes its head at intervals, and archives and removes old entries."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from reconciler.domain.audit import AuditEntry
from reconciler.domain.audit_lines import HEAD_EVENT, PRUNE, PRUNE_EVENT, AuditHead, PruneNote
from reconciler.domain.audit_verify import ChainPoint, KnownPrunes, Verifier
from reconciler.engine.audit.entries import audit
from reconciler.engine.audit.verification import verify_recent
from reconciler.engine.context import PROGRAM
from reconciler.errors import Conflict
from reconciler.ports import Clock
from reconciler.storage import AuditFolder, Store

SUBJECT: Final = "audit"
"""What the entries about the log itself are about."""
DAY: Final = 86_400.0
_AT_ONCE: Final = 1000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AuditRules:
    """How the log is looked after.

    Attributes:
        retention: How long entries stay in the database; None means for ever.
        head_interval: How often the chain's head is exported.
    """

    retention: timedelta | None
    head_interval: timedelta


@dataclass(slots=True)
class AuditState:
    """What is known of the log, for the metrics.

    Attributes:
        head: The head that was exported last.
        intact: Whether the start found the log whole; None before it looked.
    """

    head: AuditHead | None = None
    intact: bool | None = None


@dataclass(slots=True)
class AuditArchiver:
    """Looks after one log, for one process.

    Attributes:
        store: The database.
        folder: What is kept outside of it.
        clock: The clock.
        rules: How.
        state: What is known.
        may_remove: Whether the clock can be trusted to say what is old.
    """

    store: Store
    folder: AuditFolder
    clock: Clock
    rules: AuditRules
    state: AuditState = field(default_factory=AuditState)
    may_remove: Callable[[], bool] = lambda: True
    _kept: AuditHead | None = None
    _head_due: float = 0.0
    _prune_due: float = 0.0

    def __post_init__(self) -> None:
        self._head_due = self._prune_due = self.clock.monotonic()

    async def start(self) -> None:
        """Compare the log with its stored heads. A log that is not intact is reported, and stops nothing."""
        try:
            report = await verify_recent(self.store, self.folder, for_ever=self.rules.retention is None)
        except OSError as error:
            log.error("the heads of the audit log cannot be read", extra={"cause": str(error)})  # noqa: TRY400  the cause says it all
            return
        self.state.intact = report.intact
        for finding in report.findings:
            log.error(
                "audit log is not intact", extra={"seq": finding.seq, "kind": finding.kind, "is": finding.message}
            )
        if report.found:
            log.error("audit log is not intact: run `reconciler audit verify`", extra={"findings": report.found})

    async def tick(self) -> None:
        """Export the head, and archive and remove old entries, where these are due."""
        now = self.clock.monotonic()
        if now >= self._head_due:
            # what fails is tried again after the interval, not at every tick
            self._head_due = now + self.rules.head_interval.total_seconds()
            await self.export_head()
        # a batch at a tick: whatever else a tick does must not wait for thousands of rows
        retention = self.rules.retention
        if retention is None or now < self._prune_due or not self.may_remove():
            return
        if not await self.prune(retention):
            self._prune_due = now + DAY

    async def export_head(self) -> None:
        """Let the chain's head be known outside the database: in the log, the metrics and the file of heads."""
        async with self.store.read() as uow:
            last = await uow.audit.last()
        if last is None or (head := AuditHead(last.seq, last.hash)) == self._kept:
            return
        self.state.head = head
        log.info(HEAD_EVENT, extra={"seq": head.seq, "hash": head.hash})
        forget = self.state.intact is not False  # evidence is kept, however much there is
        now = self.clock.now()
        await self.folder.files.run(lambda: self.folder.keep_head(head, now, forget=forget))
        # only now: what could not be written, as on a full disk, is written the next time
        self._kept = head

    async def prune(self, retention: timedelta) -> int:
        """Archive and remove some of what is older, with an entry that says so in the same transaction.

        The removal is noted outside the database before: a process that ends in between leaves a note too many, which
        excuses nothing but the removal of what is archived.

        Returns:
            How many entries were removed. None are when they are not what was written: they may be needed as evidence.
        """
        batch = await self._outlived(retention)
        if not batch:
            return 0
        if not _is_whole(batch, await self.folder.files.run(self.folder.prunes)):
            self.state.intact = False
            log.error("audit log is not intact: nothing is removed; run `reconciler audit verify`")
            return 0
        place = await self.folder.files.run(lambda: self.folder.archive(batch))
        note = PruneNote(batch[-1].seq, batch[-1].hash, place)
        await self.folder.files.run(lambda: self.folder.note_prune(note, self.clock.now()))
        return await self._remove(batch, place)

    async def _outlived(self, retention: timedelta) -> list[AuditEntry]:
        """The oldest entries, as long as each is older than the retention and not the newest of all."""
        async with self.store.read() as uow:
            limit = await uow.now() - retention
            last = await uow.audit.last()
            oldest = await uow.audit.first(_AT_ONCE)
        outlived: list[AuditEntry] = []
        for entry in oldest:
            if entry.at >= limit or last is None or entry.seq == last.seq:
                break
            outlived.append(entry)
        return outlived

    async def _remove(self, batch: list[AuditEntry], place: str) -> int:
        through = batch[-1]
        async with self.store.begin() as uow:
            count = await uow.audit.remove_through(through.seq)
            if count != len(batch):  # another process was faster
                raise Conflict("concurrent_change", f"the audit log was changed while entry {through.seq} was archived")
            detail = {"through": through.seq, "hash": through.hash, "removed": count, "archive": place}
            await audit(uow, PROGRAM, PRUNE, SUBJECT, detail=detail)
        log.info(PRUNE_EVENT, extra=detail)
        return count


def _is_whole(batch: list[AuditEntry], notes: frozenset[PruneNote]) -> bool:
    """Whether the oldest entries are what was written, and nothing before them was removed that nobody noted."""
    # a note of more than this batch is left of an attempt that could not remove what it had archived
    prunes = KnownPrunes(frozenset(prune for prune in notes if prune.through <= batch[-1].seq))
    verifier = Verifier(whole=False, prunes=prunes)
    for entry in batch:
        verifier.feed(entry)
    return prunes.explain(ChainPoint.before(batch[0])) and verifier.finish().intact
