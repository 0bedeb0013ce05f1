"""Which source has a chatbot that several sources claim.

The source that has a chatbot keeps it until it lets go, whatever others claim meanwhile: a commit in one repository
must not stop, take over or reveal another one's chatbots. What is not configured, and what a source may not manage,
holds nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from reconciler.domain.diagnostics import ANOTHER_SOURCE, Diagnostic, Severity
from reconciler.domain.entities import Chatbot, Claim
from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.status import EXPLANATIONS, OF_DOCUMENTS, Direction, Reason, Sync
from reconciler.engine.audit.entries import audit
from reconciler.engine.conditions import ConditionInputs, save_chatbot, with_conditions
from reconciler.engine.context import PROGRAM, Engine
from reconciler.engine.reconcile.diff import close_open_plan
from reconciler.storage import UnitOfWork

_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Contest:
    """A claim to a chatbot that another source has.

    Attributes:
        claim: The newcomer's document.
        holder: The name of the source that has the chatbot.
    """

    claim: Claim
    holder: str


async def contested_claims(engine: Engine, uow: UnitOfWork, source: str) -> Sequence[Contest]:
    """The claims of a source that do not stand, because another source has the chatbot."""
    holders = await _holders(engine, uow, source)
    claims = await uow.documents.unfollowed(source) if holders else ()
    return [
        Contest(claim, holders[claim.chatbot_id])
        for claim in claims
        if claim.chatbot_id in holders and _may_hold(claim)
    ]


async def claim_unowned(
    engine: Engine,
    uow: UnitOfWork,
    inputs: ConditionInputs,
    source: str,
    *,
    first: bool = False,
    every: bool = False,
) -> Sequence[Contest]:
    """Have a source's chatbots follow it where no other source has them.

    Only those claims are looked at that are new, that did not stand when they were looked at, or whose chatbot was let
    go since.

    Args:
        engine: The ports.
        uow: The transaction.
        inputs: Read after the source was saved.
        source: Its name.
        first: Whether this is the first revision of the source that is ever adopted: then it also gets what it would
            have, had it been read at once.
        every: Whether all claims are looked at, because other sources may be configured by now.

    Returns:
        The claims that do not stand.
    """
    await uow.documents.settle(source, every=every)
    claims = await uow.documents.unfollowed(source)
    if not claims:
        return ()
    holders = await _holders(engine, uow, source)
    chatbots = await uow.chatbots.some(claims[0].tenant, [claim.chatbot_id for claim in claims])
    lost = []
    for claim in claims:
        chatbot, holder = chatbots[claim.chatbot_id], holders.get(claim.chatbot_id)
        if not _may_hold(claim):
            if chatbot.source is None:
                await follow_document(uow, inputs, chatbot, claim)
        elif holder is None or (first and await _comes_first(engine, uow, inputs, source, holder, chatbot)):
            await follow_document(uow, inputs, chatbot, claim)
        else:
            lost.append(Contest(claim, holder))
    await uow.documents.settle(source)
    return lost


async def first_following(uow: UnitOfWork, inputs: ConditionInputs, document: Claim) -> Chatbot:
    """A chatbot that nobody heard of before, following the document that claims it."""
    chatbot = Chatbot(tenant=document.tenant, id=document.chatbot_id, message=EXPLANATIONS[Reason.NOT_CHECKED])
    chatbot = _showing(inputs, chatbot, document)
    if document.refusal is not None:
        chatbot = _as_unknown(chatbot, document.refusal, _refusal_message(document.refusal, document))
    return await with_conditions(uow, inputs, chatbot)


async def follow_document(uow: UnitOfWork, inputs: ConditionInputs, chatbot: Chatbot, document: Claim) -> None:
    """Have a chatbot follow a document of a source that may have it.

    A plan of another source's document is closed: other people approved it, for what another document said.
    """
    moves = chatbot.source is not None and chatbot.source != document.source
    if moves:
        chatbot = await _leave(uow, chatbot, document)
    follows = chatbot.source == document.source
    if not follows:
        await uow.documents.unsettle(chatbot.tenant, chatbot.id)
    chatbot = _showing(inputs, chatbot, document)
    if document.refusal is not None:
        await mark_unknown(uow, inputs, chatbot, document.refusal, _refusal_message(document.refusal, document))
        return
    if chatbot.fault in OF_DOCUMENTS:
        chatbot = replace(chatbot, fault=Reason.NOT_CHECKED, fault_message=None, checked_digest=None)
    if chatbot.checked_digest != document.digest:
        # to be compared again; a dry run of the document before it may be under way
        chatbot = replace(chatbot, checked_digest=None, epoch=chatbot.epoch + follows)
    await save_chatbot(uow, inputs, chatbot)


async def mark_unknown(uow: UnitOfWork, inputs: ConditionInputs, chatbot: Chatbot, fault: Reason, message: str) -> None:
    """Close a chatbot's plan, and say why nothing can be compared."""
    chatbot = await close_open_plan(uow, chatbot, PlanStatus.STALE, fault)
    await save_chatbot(uow, inputs, _as_unknown(chatbot, fault, message))


def _showing(inputs: ConditionInputs, chatbot: Chatbot, document: Claim) -> Chatbot:
    """A chatbot with what the document that it follows says of it."""
    return replace(
        chatbot,
        source=document.source,
        path=document.path,
        labels=document.labels,
        name=document.name or chatbot.name,
        revision=inputs.sources[document.source].good_revision,
    )


def _as_unknown(chatbot: Chatbot, fault: Reason, message: str) -> Chatbot:
    """A chatbot of which nothing can be compared."""
    return replace(
        chatbot,
        sync=Sync.UNKNOWN,
        direction=Direction.UNKNOWN,
        fault=fault,
        fault_message=message,
        checked_digest=None,
        epoch=chatbot.epoch + 1,  # a dry run that is under way was of a document that no longer holds
    )


def _refusal_message(refusal: Reason, document: Claim) -> str:
    return document.refusal_message or EXPLANATIONS[refusal]


async def release(
    engine: Engine, uow: UnitOfWork, inputs: ConditionInputs, source: str, removed: Sequence[Claim]
) -> None:
    """Let go of chatbots whose document was removed: another source's claim takes over, else they are Orphaned."""
    for document in removed:
        chatbot = await uow.chatbots.get(document.tenant, document.chatbot_id)
        if chatbot is None or chatbot.source != source:
            continue
        heir = await _heir(engine, uow, document)
        if heir is not None:
            await follow_document(uow, inputs, chatbot, heir)
        else:
            await uow.documents.unsettle(chatbot.tenant, chatbot.id)
            await mark_unknown(uow, inputs, chatbot, Reason.ORPHANED, EXPLANATIONS[Reason.ORPHANED])


def contest_finding(contest: Contest) -> Diagnostic:
    """What the people of a source are told of its claim to another one's chatbot."""
    claim = contest.claim
    message = (
        f'the chatbot "{claim.chatbot_id}" is claimed twice: {ANOTHER_SOURCE} had it first, and keeps it until its '
        "document is removed there: remove this document, or have that one removed"
    )
    return Diagnostic(Severity.ERROR, message, claim.path, claim.line, rival=contest.holder)


async def _holders(engine: Engine, uow: UnitOfWork, source: str) -> Mapping[str, str]:
    """Chatbot id → the other source that has it, for the claims of a source."""
    held = await uow.documents.held_elsewhere(source)
    return {
        document.chatbot_id: document.source
        for document in held
        if _is_configured(engine, document) and _may_hold(document)
    }


async def _heir(engine: Engine, uow: UnitOfWork, document: Claim) -> Claim | None:
    """The claim that stands when a document is gone: of several, that of the source that the settings name first."""
    for other in engine.sources.values():
        if other.tenant == document.tenant and other.name != document.source:
            claim = await uow.documents.get(other.name, document.chatbot_id)
            if claim is not None and claim.tenant == document.tenant and _may_hold(claim):
                return claim
    return None


def _is_configured(engine: Engine, document: Claim) -> bool:
    binding = engine.sources.get(document.source)
    return binding is not None and binding.tenant == document.tenant


def _may_hold(document: Claim) -> bool:
    """Whether the server lets the source manage the chatbot at all."""
    return document.refusal is not Reason.CLAIM_REFUSED


async def _comes_first(
    engine: Engine, uow: UnitOfWork, inputs: ConditionInputs, source: str, holder: str, chatbot: Chatbot
) -> bool:
    """Whether a source that is read for the first time would have the chatbot, had it been read at once.

    It was configured before the holder, or with it and is named before it in the settings: which repository answered
    first must not decide. What people decided meanwhile stands.
    """
    order = list(engine.sources)

    def rank(name: str) -> tuple[datetime, int]:
        return inputs.sources[name].configured_at or _LONG_AGO, order.index(name)

    return rank(source) < rank(holder) and await _is_undecided(uow, chatbot)


async def _is_undecided(uow: UnitOfWork, chatbot: Chatbot) -> bool:
    """Whether nobody has decided anything yet about a chatbot."""
    if chatbot.last_applied_revision is not None or chatbot.rejected_fingerprint is not None:
        return False
    plan = await uow.plans.get(chatbot.plan_id) if chatbot.plan_id else None
    if plan is None:
        return True
    return plan.status is PlanStatus.PENDING and not await uow.approvals.of_plan(plan.id)


async def _leave(uow: UnitOfWork, chatbot: Chatbot, document: Claim) -> Chatbot:
    """A chatbot that moves to another source: it has agreed with nothing there yet."""
    detail = {"tenant": chatbot.tenant, "from": chatbot.source, "to": document.source}
    await audit(uow, PROGRAM, "chatbot.move", f"chatbot/{chatbot.id}", detail=detail)
    return without_agreement(await close_open_plan(uow, chatbot, PlanStatus.STALE, Reason.STALE))


def without_agreement(chatbot: Chatbot) -> Chatbot:
    """A chatbot without what is remembered of the document that it followed, because that is no longer its own."""
    return replace(
        chatbot,
        synced_at=None,
        synced_revision=None,
        checked_digest=None,
        rejected_fingerprint=None,
        unconverged_body=None,
        unconverged_ends=0,
    )
