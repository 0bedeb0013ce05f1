"""Promotes a revision: its claims replace those of the last good revision, and chatbots follow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.domain.diagnostics import Diagnostic
from reconciler.domain.entities import Chatbot, Claim, SourceRecord, SourceState
from reconciler.domain.status import EXPLANATIONS, Reason
from reconciler.engine.audit.entries import audit
from reconciler.engine.conditions import ConditionInputs, refresh_conditions
from reconciler.engine.context import PROGRAM, Actor, Engine, SourceBinding
from reconciler.engine.reconcile.claims import (
    Contest,
    claim_unowned,
    contest_finding,
    contested_claims,
    follow_document,
    release,
)
from reconciler.engine.reconcile.fetch import FetchedRevision
from reconciler.errors import NotFound, SourceUnreadable
from reconciler.storage import UnitOfWork


@dataclass(frozen=True, slots=True)
class Promotion:
    """What became of a revision that was fetched.

    Attributes:
        revision: The good one by now.
        diagnostics: What is wrong in its documents, and which claims do not stand.
    """

    revision: str | None
    diagnostics: tuple[Diagnostic, ...]


async def promote_fetched(
    engine: Engine,
    binding: SourceBinding,
    cause: str,
    fetched: FetchedRevision,
    carried: tuple[Diagnostic, ...],
) -> Promotion:
    """Make a fetched revision the good one, unless another was accepted meanwhile.

    Args:
        engine: The ports.
        binding: The source.
        cause: What promotes it, for the history.
        fetched: The revision, read and trusted.
        carried: What stands wrong in the documents of the last good revision.

    Raises:
        NotFound: The source is gone.
        Conflict: Somebody else changed one of the chatbots at the same moment.
    """
    found = fetched.snapshot.diagnostics if fetched.snapshot is not None else carried
    async with engine.store.begin() as uow:
        uow.history.because(cause)
        record = await uow.sources.get(binding.name)
        if record is None:
            raise NotFound(f"there is no source {binding.name!r}")
        if record.good_revision != fetched.judged_by:
            # somebody accepted a revision meanwhile, and this one was held against the one before
            of_accepted = found if fetched.revision == record.good_revision else ()
            return Promotion(record.good_revision, of_accepted)
        if await _says_something_new(uow, record, fetched):
            await promote_revision(engine, uow, record, fetched.revision, fetched.claims)
        elif record.state is SourceState.UNKNOWN:
            await mark_source_ready(engine, uow, record)
        lost = await claim_unowned(engine, uow, await ConditionInputs.read(uow), binding.name)
    return Promotion(fetched.revision, (*found, *map(contest_finding, lost)))


async def _says_something_new(uow: UnitOfWork, record: SourceRecord, fetched: FetchedRevision) -> bool:
    """Whether a fetched revision is another than the good one, or was read anew and states something else."""
    if fetched.revision != record.good_revision:
        return True
    return fetched.snapshot is not None and fetched.claims != tuple(await uow.documents.of_source(record.name))


async def distrust(engine: Engine, source: SourceRecord, error: SourceUnreadable) -> Sequence[Contest]:
    """Write down why a source cannot be trusted, and return its claims that do not stand.

    Raises:
        Conflict: Somebody else changed the source at the same moment.
    """
    async with engine.store.begin() as uow:
        await mark_source_unknown(engine, uow, await uow.sources.get(source.name) or source, error)
        return await contested_claims(engine, uow, source.name)


async def promote_revision(
    engine: Engine,
    uow: UnitOfWork,
    record: SourceRecord,
    revision: str,
    documents: Sequence[Claim],
    actor: Actor = PROGRAM,
) -> SourceRecord:
    """Make a revision the good one.

    Args:
        engine: The ports.
        uow: The transaction.
        record: The source as it was read in this transaction.
        revision: The commit id.
        documents: Every claim at that revision.
        actor: Who decided: the program, or an approver who accepted it.

    Returns:
        The source as it now is.
    """
    before = {document.chatbot_id: document for document in await uow.documents.of_source(record.name)}
    if before != {document.chatbot_id: document for document in documents}:
        await uow.documents.replace(record.name, documents)
    was, first = record.state, record.good_revision is None
    record = await uow.sources.save(
        replace(
            record, state=SourceState.READY, cause=None, message=None, good_revision=revision, seen_revision=revision
        )
    )
    inputs = await ConditionInputs.read(uow)
    await _update_chatbots(uow, inputs, documents, before)
    now = {document.chatbot_id for document in documents}
    await release(engine, uow, inputs, record.name, [document for key, document in before.items() if key not in now])
    await claim_unowned(engine, uow, inputs, record.name, first=first)
    await audit(uow, actor, "source.revision", f"source/{record.name}", detail={"revision": revision})
    if was is SourceState.UNKNOWN:
        await refresh_conditions(engine, uow, await uow.chatbots.of_source(record.name))
    return record


async def mark_source_ready(engine: Engine, uow: UnitOfWork, record: SourceRecord) -> SourceRecord:
    """The good revision can be read again: nothing changed but that."""
    record = await uow.sources.save(
        replace(record, state=SourceState.READY, cause=None, message=None, seen_revision=record.good_revision)
    )
    await audit(uow, PROGRAM, "source.ready", f"source/{record.name}", detail={"revision": record.good_revision})
    await refresh_conditions(engine, uow, await uow.chatbots.of_source(record.name))
    return record


async def mark_source_unknown(
    engine: Engine, uow: UnitOfWork, record: SourceRecord, error: SourceUnreadable
) -> SourceRecord:
    """The source cannot be read or trusted: it is Unknown with the exact cause; nothing else changes."""
    changed = (record.state, record.cause) != (SourceState.UNKNOWN, error.cause.value)
    record = await uow.sources.save(
        replace(
            record,
            state=SourceState.UNKNOWN,
            cause=error.cause.value,
            message=str(error),
            seen_revision=error.revision or record.seen_revision,
        )
    )
    if changed:
        detail = {"cause": error.cause.value, "message": str(error), "good_revision": record.good_revision}
        await audit(uow, PROGRAM, "source.unknown", f"source/{record.name}", detail=detail)
        await refresh_conditions(engine, uow, await uow.chatbots.of_source(record.name))
    return record


async def _update_chatbots(
    uow: UnitOfWork, inputs: ConditionInputs, documents: Sequence[Claim], before: Mapping[str, Claim]
) -> None:
    """Add the chatbots that were never heard of, and have those that the source has follow what changed."""
    known = {
        chatbot.id: chatbot for chatbot in (await uow.chatbots.of_tenant(documents[0].tenant) if documents else ())
    }
    for document in documents:
        chatbot = known.get(document.chatbot_id)
        if chatbot is None:
            unchecked = EXPLANATIONS[Reason.NOT_CHECKED]
            await uow.chatbots.add(Chatbot(tenant=document.tenant, id=document.chatbot_id, message=unchecked))
        elif chatbot.source == document.source and document != before.get(document.chatbot_id):
            await follow_document(uow, inputs, chatbot, document)
