"""Promotes a revision: its claims replace those of the last good revision, and chatbots follow."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from reconciler.domain.diagnostics import Diagnostic
from reconciler.domain.entities import Claim, SourceRecord, SourceState
from reconciler.engine.audit.entries import audit
from reconciler.engine.conditions import ConditionInputs, refresh_conditions
from reconciler.engine.context import PROGRAM, Actor, Engine, SourceBinding
from reconciler.engine.reconcile.claims import (
    Contest,
    claim_unowned,
    contest_finding,
    contested_claims,
    first_following,
    follow_document,
    release,
)
from reconciler.engine.reconcile.fetch import FetchedRevision
from reconciler.errors import NotFound, SourceUnreadable
from reconciler.storage import UnitOfWork

_AT_ONCE: Final = 500
"""So many chatbots are in memory at once, of those that a revision concerns."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a source states at a revision.

    Attributes:
        claims: What it states, of some chatbots or of all.
        about: The chatbots that these are all claims of; None means all.
    """

    claims: Sequence[Claim]
    about: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class ClaimChanges:
    """What makes the claims of the good revision those of another.

    Attributes:
        put: Those that are new, or say something else.
        removed: Those that are no longer made.
    """

    put: Sequence[Claim]
    removed: Sequence[Claim]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.put or self.removed)

    @classmethod
    async def read(cls, uow: UnitOfWork, source: str, stated: Claims) -> Self:
        """Compare what a source states with what is known in this transaction."""
        before = {claim.chatbot_id: claim for claim in await uow.documents.outlines(source, stated.about)}
        now = {claim.chatbot_id for claim in stated.claims}
        put = [claim for claim in stated.claims if before.get(claim.chatbot_id) != replace(claim, body=None)]
        return cls(put, [claim for key, claim in before.items() if key not in now])


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
        stated = Claims(fetched.claims, fetched.snapshot.about if fetched.snapshot is not None else frozenset())
        changes = await ClaimChanges.read(uow, record.name, stated)
        if fetched.revision != record.good_revision or changes:
            _, lost = await promote_revision(engine, uow, record, fetched.revision, changes)
        else:
            await _stand_by_claims(engine, uow, record, fetched)
            lost = await claim_unowned(engine, uow, await ConditionInputs.read(uow), binding.name)
    return Promotion(fetched.revision, (*found, *map(contest_finding, lost)))


async def _stand_by_claims(engine: Engine, uow: UnitOfWork, record: SourceRecord, fetched: FetchedRevision) -> None:
    """The good revision says what it said."""
    if fetched.snapshot is not None:
        await uow.documents.agree_with_files(record.name, fetched.revision)
    if record.state is SourceState.UNKNOWN:
        await mark_source_ready(engine, uow, record)


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
    changes: ClaimChanges,
    actor: Actor = PROGRAM,
) -> tuple[SourceRecord, Sequence[Contest]]:
    """Make a revision the good one.

    Args:
        engine: The ports.
        uow: The transaction.
        record: The source as it was read in this transaction.
        revision: The commit id.
        changes: What its claims change, as it was read in this transaction.
        actor: Who decided: the program, or an approver who accepted it.

    Returns:
        The source as it now is, and its claims that do not stand.
    """
    await uow.documents.change(record.name, changes.put, [claim.chatbot_id for claim in changes.removed])
    await uow.documents.agree_with_files(record.name, revision)
    was, first = record.state, record.good_revision is None
    record = await uow.sources.save(
        replace(
            record, state=SourceState.READY, cause=None, message=None, good_revision=revision, seen_revision=revision
        )
    )
    inputs = await ConditionInputs.read(uow)
    await _update_chatbots(uow, inputs, changes.put)
    await release(engine, uow, inputs, record.name, changes.removed)
    lost = await claim_unowned(engine, uow, inputs, record.name, first=first)
    await audit(uow, actor, "source.revision", f"source/{record.name}", detail={"revision": revision})
    if was is SourceState.UNKNOWN:
        await refresh_conditions(engine, uow, await uow.chatbots.of_source(record.name))
    return record, lost


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


async def _update_chatbots(uow: UnitOfWork, inputs: ConditionInputs, claims: Sequence[Claim]) -> None:
    """Add the chatbots that were never heard of, and have those that the source has follow what changed."""
    for start in range(0, len(claims), _AT_ONCE):
        part = claims[start : start + _AT_ONCE]
        known = await uow.chatbots.some(part[0].tenant, [claim.chatbot_id for claim in part])
        new = [claim for claim in part if claim.chatbot_id not in known]
        if new:
            await uow.chatbots.add_all([await first_following(uow, inputs, claim) for claim in new])
        for claim in part:
            chatbot = known.get(claim.chatbot_id)
            if chatbot is not None and chatbot.source == claim.source:
                await follow_document(uow, inputs, chatbot, claim)
