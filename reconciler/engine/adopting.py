"""Making a revision the good one: its documents replace the last ones, and each chatbot learns what that means."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.records import Chatbot, GoodDocument, SourceRecord, SourceState
from reconciler.domain.status import EXPLANATIONS, OF_DOCUMENTS, Direction, Reason, Sync
from reconciler.engine.auditing import audit
from reconciler.engine.context import PROGRAM, Actor, Engine
from reconciler.engine.observing import close_open_plan
from reconciler.engine.standings import Surroundings, restate, save_chatbot
from reconciler.errors import SourceUnreadable
from reconciler.ports import UnitOfWork


async def adopt(
    engine: Engine,
    uow: UnitOfWork,
    record: SourceRecord,
    revision: str,
    documents: Sequence[GoodDocument],
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
    was = record.state
    record = await uow.sources.save(
        replace(
            record, state=SourceState.READY, cause=None, message=None, good_revision=revision, seen_revision=revision
        )
    )
    given = await Surroundings.read(uow)
    await _claim(uow, given, revision, documents, before)
    now = {document.chatbot_id for document in documents}
    await _release(uow, given, record, [document for key, document in before.items() if key not in now])
    await _mark_contested(uow, given, record.tenant)
    await audit(uow, actor, "source.revision", f"source/{record.name}", detail={"revision": revision})
    if was is SourceState.UNKNOWN:
        await restate(engine, uow, await uow.chatbots.of_source(record.name))
    return record


async def recover_source(engine: Engine, uow: UnitOfWork, record: SourceRecord) -> SourceRecord:
    """The good revision can be read again: nothing changed but that."""
    record = await uow.sources.save(
        replace(record, state=SourceState.READY, cause=None, message=None, seen_revision=record.good_revision)
    )
    await audit(uow, PROGRAM, "source.ready", f"source/{record.name}", detail={"revision": record.good_revision})
    await restate(engine, uow, await uow.chatbots.of_source(record.name))
    return record


async def distrust(engine: Engine, uow: UnitOfWork, record: SourceRecord, error: SourceUnreadable) -> SourceRecord:
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
        await restate(engine, uow, await uow.chatbots.of_source(record.name))
    return record


async def _claim(
    uow: UnitOfWork,
    given: Surroundings,
    revision: str,
    documents: Sequence[GoodDocument],
    before: Mapping[str, GoodDocument],
) -> None:
    known = {
        chatbot.id: chatbot for chatbot in (await uow.chatbots.of_tenant(documents[0].tenant) if documents else ())
    }
    for document in documents:
        chatbot = known.get(document.chatbot_id)
        if chatbot is None:
            chatbot = Chatbot(tenant=document.tenant, id=document.chatbot_id, message=EXPLANATIONS[Reason.NOT_CHECKED])
            await uow.chatbots.add(chatbot)
        is_followed = document == before.get(document.chatbot_id) and chatbot.source == document.source
        if not is_followed and not await _is_held(uow, chatbot, document):
            await _follow(uow, given, chatbot, document, revision)


async def _is_held(uow: UnitOfWork, chatbot: Chatbot, document: GoodDocument) -> bool:
    """Whether another source had the chatbot before, and has not let go.

    Whoever may see the newcomer must not come to see, suspend or resume a chatbot by claiming it.
    """
    holder = chatbot.source
    if holder is None or holder == document.source:
        return False
    return await uow.documents.get(holder, chatbot.id) is not None


async def _follow(
    uow: UnitOfWork, given: Surroundings, chatbot: Chatbot, document: GoodDocument, revision: str
) -> None:
    """Have a chatbot follow its document, which is new, changed, moved or newly refused."""
    chatbot = replace(
        chatbot,
        # with another source's document it has not agreed yet
        synced_at=chatbot.synced_at if chatbot.source == document.source else None,
        source=document.source,
        path=document.path,
        labels=document.labels,
        name=document.name or chatbot.name,
        revision=revision,
    )
    if document.refusal is not None:
        message = document.refusal_message or EXPLANATIONS[document.refusal]
        await _mark_unknown(uow, given, chatbot, document.refusal, message)
        return
    if chatbot.fault in OF_DOCUMENTS:
        chatbot = replace(chatbot, fault=Reason.NOT_CHECKED, fault_message=None, checked_digest=None)
    await save_chatbot(uow, given, chatbot)


async def _mark_unknown(uow: UnitOfWork, given: Surroundings, chatbot: Chatbot, fault: Reason, message: str) -> None:
    chatbot = await close_open_plan(uow, chatbot, PlanStatus.STALE, fault)
    await save_chatbot(
        uow,
        given,
        replace(
            chatbot,
            sync=Sync.UNKNOWN,
            direction=Direction.UNKNOWN,
            fault=fault,
            fault_message=message,
            checked_digest=None,
            epoch=chatbot.epoch + 1,  # a dry run that is under way was of a document that no longer holds
        ),
    )


async def _release(uow: UnitOfWork, given: Surroundings, record: SourceRecord, removed: Sequence[GoodDocument]) -> None:
    """Let go of chatbots whose document was removed: another source's claim takes over, else they are Orphaned."""
    for document in removed:
        chatbot = await uow.chatbots.get(record.tenant, document.chatbot_id)
        if chatbot is None:
            continue
        heir = await _other_claim(uow, given, record, document.chatbot_id)
        if heir is not None:
            await _follow(uow, given, chatbot, heir, given.sources[heir.source].good_revision or "")
        else:
            await _mark_unknown(uow, given, chatbot, Reason.ORPHANED, EXPLANATIONS[Reason.ORPHANED])


async def _other_claim(
    uow: UnitOfWork, given: Surroundings, record: SourceRecord, chatbot_id: str
) -> GoodDocument | None:
    for other in given.sources.values():
        if other.tenant == record.tenant and other.name != record.name:
            claim = await uow.documents.get(other.name, chatbot_id)
            if claim is not None:
                return claim
    return None


async def _mark_contested(uow: UnitOfWork, given: Surroundings, tenant: str) -> None:
    """A chatbot that two sources claim belongs to neither until one lets go."""
    for chatbot_id, claims in (await uow.documents.claims(tenant)).items():
        chatbot = await uow.chatbots.get(tenant, chatbot_id)
        message = f"claimed by {places_of(claims)}"
        if chatbot is not None and (chatbot.fault, chatbot.fault_message) != (Reason.CLAIMED_TWICE, message):
            await _mark_unknown(uow, given, chatbot, Reason.CLAIMED_TWICE, message)


def places_of(claims: Iterable[GoodDocument]) -> str:
    """Where claims of one chatbot stand, for a message."""
    return " and by ".join(f"{claim.path}:{claim.line} of source {claim.source}" for claim in claims)
