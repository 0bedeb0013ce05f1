"""Looking at a source: what the remote says, whether it can be trusted, and what that makes of its documents.

A source that cannot be read changes nothing (guarantee 5): every doubt is a `SourceUnreadable` with its
exact cause, and the last good revision stands.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from reconciler.domain.document import Document, Refusal, Snapshot
from reconciler.domain.entities import Claim, SourceRecord
from reconciler.domain.kept_documents import keep_missing
from reconciler.domain.policy import Policy, vanished_share
from reconciler.engine.context import Engine, SourceBinding
from reconciler.errors import SourceCause, SourceUnreadable


@dataclass(frozen=True, slots=True)
class FetchedRevision:
    """What one look at a source found.

    Attributes:
        revision: What the remote names.
        snapshot: What it says, or None when it is the good revision, whose documents are in the database.
        claims: Every claim of the snapshot; none without one. A body that is not given is in the database.
        judged_by: The good revision that it was held against.
    """

    revision: str
    snapshot: Snapshot | None
    claims: Sequence[Claim]
    judged_by: str | None


@dataclass(frozen=True, slots=True)
class GoodClaims:
    """What a source states at its last good revision, as far as a snapshot is about it.

    Attributes:
        claims: Without the bodies of their documents.
        count: How many there are in all.
    """

    claims: Sequence[Claim]
    count: int

    @classmethod
    async def read(cls, engine: Engine, source: str, about: Collection[str] | None) -> Self:
        """Read what is stated of these chatbots; None means of all."""
        async with engine.store.read() as uow:
            return cls(await uow.documents.outlines(source, about), await uow.documents.count(source))


async def fetch_revision(
    engine: Engine,
    binding: SourceBinding,
    record: SourceRecord,
    *,
    named: str | None = None,
    reload: bool = False,
    keeps: bool = True,
) -> FetchedRevision:
    """Ask the remote, load what is new, and trust it or not.

    Args:
        engine: The ports.
        binding: The source.
        record: The source as it was last seen.
        named: What the remote names, where it was just asked.
        reload: Load also an unchanged revision (nothing is parsed that is in the cache).
        keeps: Whether what is found out about files is remembered, because the revision is to be promoted.

    Raises:
        SourceUnreadable: With the exact cause.
    """
    revision = named or await binding.port.head()
    if revision == record.good_revision and not reload:
        return FetchedRevision(revision, None, (), record.good_revision)
    try:
        snapshot, known = await load_snapshot(engine, binding, revision, record.good_revision, keeps=keeps)
    except SourceUnreadable as error:
        revision = await _named_now(binding, revision, error)
        snapshot, known = await load_snapshot(engine, binding, revision, record.good_revision, keeps=keeps)
    if snapshot.about is None and record.good_revision not in (None, revision):
        await check_descends(binding, revision, record.good_revision or "")
    if record.good_revision is None:
        check_not_empty(binding.name, revision, snapshot)
    # also at the good revision: other paths may be configured by now
    check_not_vanished(binding.name, revision, known, snapshot, engine.policy)
    claims = claims_of(binding.name, binding.tenant, snapshot, known.claims)
    return FetchedRevision(revision, snapshot, claims, record.good_revision)


async def _named_now(binding: SourceBinding, revision: str, error: SourceUnreadable) -> str:
    """What the remote names by now, where the commit that it named before was taken back meanwhile.

    Raises:
        SourceUnreadable: The remote still names it, or it could not be read for another reason.
    """
    if error.cause is not SourceCause.HISTORY_REWRITTEN:
        raise error
    now = await binding.port.head()
    if now == revision:
        raise error
    return now


async def load_snapshot(
    engine: Engine, binding: SourceBinding, revision: str, good: str | None, *, keeps: bool = True
) -> tuple[Snapshot, GoodClaims]:
    """What a source says at a revision, in which no chatbot is missing whose document only cannot be told apart.

    Only what changed is loaded, where that can be told.

    Args:
        engine: The ports.
        binding: The source.
        revision: The commit id.
        good: The last good revision, or None.
        keeps: Whether what is found out about files is remembered.

    Returns:
        The snapshot, and what the source states at the last good revision of the chatbots that it is about.

    Raises:
        SourceUnreadable: With the exact cause.
    """
    store, snapshot = engine.store, None
    if good is not None:
        snapshot = await binding.port.load_changes(good, revision, store.parse_cache(binding.name, keeps=keeps))
    if snapshot is None:
        snapshot = await binding.port.load(revision, store.parse_cache(binding.name))
    known = await GoodClaims.read(engine, binding.name, snapshot.about)
    return keep_missing(snapshot, {claim.chatbot_id: claim.path for claim in known.claims}), known


async def check_descends(binding: SourceBinding, revision: str, good: str) -> None:
    """Refuse a history that does not descend from the last good revision."""
    if not await binding.port.descends(revision, good):
        raise SourceUnreadable(
            SourceCause.HISTORY_REWRITTEN,
            f"{revision[:12]} does not descend from the last good revision {good[:12]}: "
            f"{_remedy(binding.name, revision)}",
            revision,
        )


def check_not_empty(source: str, revision: str, snapshot: Snapshot) -> None:
    """Refuse to begin with a revision in which there is nothing at all."""
    if not snapshot.documents and not snapshot.refusals:
        raise SourceUnreadable(
            SourceCause.NOTHING_MATCHED,
            f"{snapshot.nothing or 'no document is there'} ({revision[:12]}): add a document, correct the source's "
            f"paths, or {_accept_hint(source, revision)}",
            revision,
        )


def check_not_vanished(source: str, revision: str, known: GoodClaims, snapshot: Snapshot, policy: Policy) -> None:
    """Refuse a revision whose documents are gone, all of them or too large a share."""
    if not known.count:
        return
    if snapshot.files == 0:
        raise SourceUnreadable(
            SourceCause.PATHS_EMPTIED,
            f"no file matches the source's paths at {revision[:12]}: {_remedy(source, revision)}"
            + (f" ({snapshot.nothing})" if snapshot.nothing else ""),
            revision,
        )
    before = {claim.chatbot_id for claim in known.claims}
    gone = before - {claim.chatbot_id for claim in claims_of(source, "", snapshot, known.claims)}
    if vanished_share(gone, known.count) > policy.source_max_removed:
        raise SourceUnreadable(
            SourceCause.DOCUMENTS_VANISHED,
            f"{len(gone)} of {known.count} chatbots are gone at {revision[:12]}, more than "
            f"policy.source_max_removed = {policy.source_max_removed}: {_remedy(source, revision)}",
            revision,
        )


def _remedy(source: str, revision: str) -> str:
    return f"restore the branch, or {_accept_hint(source, revision)}"


def _accept_hint(source: str, revision: str) -> str:
    return f"accept it with POST /api/v1/sources/{source}/accept for {revision}"


def claims_of(source: str, tenant: str, snapshot: Snapshot, known: Sequence[Claim]) -> tuple[Claim, ...]:
    """Every claim of a snapshot: good documents, and refused ones whose chatbot can still be told.

    Args:
        source: The source's name.
        tenant: The tenant's name.
        snapshot: What the source says.
        known: Its claims before: a refused document keeps the labels that it had, so that lists still find its chatbot.
    """
    labels = {document.chatbot_id: document.labels for document in known}
    claims = {document.chatbot_id: _claim_of_document(source, tenant, document) for document in snapshot.documents}
    for refusal in snapshot.refusals:
        if refusal.chatbot_id is not None:
            refused = _claim_of_refusal(source, tenant, refusal.chatbot_id, refusal, labels.get(refusal.chatbot_id, {}))
            claims.setdefault(refusal.chatbot_id, refused)
    return tuple(claims[chatbot_id] for chatbot_id in sorted(claims))


def _claim_of_document(source: str, tenant: str, document: Document) -> Claim:
    return Claim(
        source=source,
        tenant=tenant,
        chatbot_id=document.chatbot_id,
        path=document.path,
        line=document.line,
        labels=document.labels,
        name=document.name,
        body=document.body if document.stored is None else None,
        digest=document.digest,
    )


def _claim_of_refusal(source: str, tenant: str, chatbot_id: str, refusal: Refusal, labels: Mapping[str, str]) -> Claim:
    return Claim(
        source=source,
        tenant=tenant,
        chatbot_id=chatbot_id,
        path=refusal.path,
        line=refusal.line or 1,
        labels=labels,
        name=None,
        body=None,
        digest=None,
        refusal=refusal.reason,
        refusal_message=refusal.message,
    )
