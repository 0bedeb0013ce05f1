"""Accepts a revision that is not trusted by itself (guarantee 5)."""

from dataclasses import dataclass
from typing import Any

from reconciler.domain.access import Role
from reconciler.domain.entities import SourceRecord, SourceState, Trigger
from reconciler.engine.audit.entries import audit
from reconciler.engine.context import Actor, Engine, SourceBinding
from reconciler.engine.reconcile.fetch import claims_of, load_snapshot
from reconciler.engine.reconcile.promote import ClaimChanges, Claims, promote_revision
from reconciler.engine.reconcile.run_lifecycle import request_refresh
from reconciler.errors import Conflict, NotFound, SourceCause

MAX_NAMED = 20
"""The largest number of orphaned chatbots that the log names; their total is always logged."""


_ABOUT_DOCUMENTS = frozenset({SourceCause.PATHS_EMPTIED, SourceCause.DOCUMENTS_VANISHED})
"""What can be in doubt also at the good revision: other paths were configured."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A source after a revision was accepted.

    Attributes:
        orphaned: The chatbots whose document is gone at that revision: nothing is done to them at WizChat.
    """

    source: SourceRecord
    orphaned: tuple[str, ...] = ()


async def accept_revision(engine: Engine, actor: Actor, source: str, revision: str, reason: str) -> Accepted:
    """Make the remote's present revision the good one, although its history or its documents are in doubt.

    Args:
        engine: The ports.
        actor: Who; needs the role approver for the source.
        source: The source's name.
        revision: The whole commit id that was looked at; it must be what the remote still names.
        reason: Why, for the audit log.

    Returns:
        The source as it now is, and what it lost; a repeated call changes nothing.

    Raises:
        NotFound: There is no such source.
        Forbidden: The actor may not.
        Conflict: ``nothing_to_accept`` when nothing is in doubt, ``revision_not_seen`` when the remote names another.
        SourceUnreadable: Git itself cannot be read.
    """
    binding = engine.source(source)
    actor.require(Role.APPROVER, source)
    record = await source_record(engine, source)
    if record.good_revision == revision and record.cause not in _ABOUT_DOCUMENTS:
        return Accepted(record)
    await _require_acceptable(binding, record, revision)
    snapshot, promoted = await load_snapshot(engine, binding, revision, record.good_revision)
    async with engine.store.begin() as uow:
        uow.history.because(f"source/{source}")
        record = await uow.sources.get(source) or record
        documents = claims_of(source, binding.tenant, snapshot, promoted.claims)
        gone = {claim.chatbot_id for claim in promoted.claims} - {document.chatbot_id for document in documents}
        # a claim to what another source has is given up without a loss
        chatbots = await uow.chatbots.some(binding.tenant, gone)
        orphaned = sorted(chatbot.id for chatbot in chatbots.values() if chatbot.source == source)
        detail: dict[str, Any] = {
            "revision": revision,
            "reason": reason,
            "cause": record.cause,
            "before": record.good_revision,
        }
        detail |= {"orphaned": len(orphaned), "chatbots": orphaned[:MAX_NAMED]}
        await audit(uow, actor, "source.accept", f"source/{source}", detail=detail)
        changes = await ClaimChanges.read(uow, source, Claims(documents, snapshot.about))
        record, _ = await promote_revision(engine, uow, record, revision, changes, actor)
    await request_refresh(engine, actor, source, Trigger.MANUAL, full=True)
    return Accepted(record, tuple(orphaned))


async def _require_acceptable(binding: SourceBinding, record: SourceRecord, revision: str) -> None:
    if record.state is not SourceState.UNKNOWN:
        stands = f"{record.good_revision} stands" if record.good_revision else "it was not looked at yet"
        raise Conflict("nothing_to_accept", f"nothing of the source {record.name} is in doubt: {stands}")
    head = await binding.port.head()
    if head != revision:
        raise Conflict("revision_not_seen", f"the remote of source {record.name} is at {head}, not at {revision}")


async def source_record(engine: Engine, source: str) -> SourceRecord:
    """A source as it was last seen.

    Raises:
        NotFound: There is no such source.
    """
    async with engine.store.read() as uow:
        record = await uow.sources.get(source)
    if record is None:
        raise NotFound(f"there is no source {source!r}")
    return record
