"""Verifies the audit log where it is kept: the database, the archive, and the heads."""

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime
from itertools import islice, takewhile

from reconciler.domain.audit import AuditEntry, hash_of
from reconciler.domain.audit_lines import AuditHead, PruneNote
from reconciler.domain.audit_verify import AuditReport, KnownPrunes, Unreadable, Verifier
from reconciler.storage import AuditFolder, Store

RECENT = 2_000
"""How many entries a start looks at; `verify_log` looks at all of them."""
_AT_ONCE = 500


async def verify_log(
    store: Store,
    folder: AuditFolder,
    heads: Iterable[AuditHead] = (),
    *,
    prunes: Iterable[PruneNote] = (),
    for_ever: bool = False,
) -> AuditReport:
    """Look at every entry, in constant memory.

    Args:
        store: The database.
        folder: Where heads and removed entries are kept; both are compared with the log.
        heads: Further heads, from logs or metrics.
        prunes: Further notes of removals, from logs.
        for_ever: Whether the settings say that nothing is ever removed.
    """
    # the heads are read before the log: none of them can be newer than what is seen of it
    kept = await folder.files.run(folder.heads)
    notes = await folder.files.run(folder.prunes)
    verifier = Verifier(kept | frozenset(heads), prunes=KnownPrunes(notes, frozenset(prunes), for_ever))
    async with store.read() as uow:
        begins = await uow.audit.begins()
        async for entry in _archived(folder, before=begins):
            verifier.feed_archived(entry)
        async for row in uow.audit.rows():
            verifier.feed(row)
    return verifier.finish()


async def verify_recent(store: Store, folder: AuditFolder, *, for_ever: bool = False) -> AuditReport:
    """Look at the newest entries, at the first one, and at every kept head: cheap however long the log is."""
    kept = await folder.files.run(folder.heads)
    notes = await folder.files.run(folder.prunes)
    async with store.read() as uow:
        last = await uow.audit.last()
        after = last.seq - RECENT if last is not None else 0
        older = frozenset(head for head in kept if head.seq < after)
        verifier = Verifier(kept - older, whole=False, prunes=KnownPrunes(notes, for_ever=for_ever))
        async for row in uow.audit.rows(after=after if after > 0 else None):
            verifier.feed(row)
        verifier.hold(older, await uow.audit.hashes([head.seq for head in older]), begins=await uow.audit.begins())
        if (first := await anext(uow.audit.rows(), None)) is not None:
            verifier.hold_start(first, kept, archived=await _archived_hash(folder, first.seq - 1))
    return verifier.finish()


async def _archived_hash(folder: AuditFolder, seq: int) -> str | None:
    entry = await folder.files.run(lambda: folder.archived_entry(seq))
    return entry.hash if entry is not None and hash_of(entry) == entry.hash else None


async def _archived(folder: AuditFolder, *, before: int | None) -> AsyncIterator[AuditEntry | Unreadable]:
    """What was archived and is not in the log any more."""
    gone = takewhile(lambda entry: before is None or entry.seq < before, folder.archived())
    while part := await folder.files.run(lambda: _take(gone)):
        for entry in part:
            yield entry


def _take(entries: Iterator[AuditEntry | Unreadable]) -> list[AuditEntry | Unreadable]:
    return list(islice(entries, _AT_ONCE))


async def entries_between(
    store: Store, *, after: int | None = None, since: datetime | None = None, until: datetime | None = None
) -> AsyncIterator[AuditEntry | Unreadable]:
    """A part of the log without a gap, so that it can be verified by itself.

    Args:
        store: The database.
        after: Only what comes after this ``seq``.
        since: Only from the first entry at or after this moment on.
        until: Only up to the first entry after this moment.
    """
    begun = since is None
    async with store.read() as uow:
        async for row in uow.audit.rows(after=after):
            at = row.at if isinstance(row, AuditEntry) else None
            begun = begun or (at is not None and since is not None and at >= since)
            if begun and until is not None and at is not None and at > until:
                return
            if begun:
                yield row
