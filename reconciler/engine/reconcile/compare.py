"""The live side of a run: what there is at WizChat, dry runs of what may differ, and what that says of the tenant."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.domain.entities import Chatbot, Claim, Run, Trigger
from reconciler.domain.missing_chatbots import is_due
from reconciler.domain.status import Reason
from reconciler.domain.tenant import TenantRecord, TenantSignal, TenantState
from reconciler.engine.context import Engine, SourceBinding, TenantBinding
from reconciler.engine.reconcile.diff import fault_of
from reconciler.engine.reconcile.drift_scan import NotFoundMeaning, ScanResult, scan_for_drift
from reconciler.engine.reconcile.inventory import refresh_inventory
from reconciler.engine.tenant_state import (
    ANSWERED,
    explained,
    record_run_signals,
    sign_of_listed,
    signal_from_dry_run,
    signal_from_list,
)
from reconciler.errors import AnotherAccount, ChatbotNotFound, RequestRefused, TargetError, TargetRateLimited
from reconciler.ports import Purpose, Spender, Target

MAX_MISSING_ASKED = 4
"""So many chatbots that the list does not name are asked for in a run: a commit may name any number of them."""


@dataclass(slots=True)
class LiveComparison:
    """What a run learned of the live side.

    Attributes:
        swept: What its dry runs gave.
        skipped: How many documents needed none.
        list_failure: Why the list of chatbots could not be read, or None.
        messages: What the run has to say about it.
        failed: Whether nothing could be compared that was to be, for a reason that is not in the documents.
    """

    swept: ScanResult = field(default_factory=ScanResult)
    skipped: int = 0
    list_failure: TargetError | None = None
    messages: list[str] = field(default_factory=list)
    failed: bool = False


async def compare_live_side(
    engine: Engine, binding: SourceBinding, run: Run, documents: Sequence[Claim]
) -> LiveComparison:
    """Compare the documents of a source with the live side, and write down what that shows.

    Args:
        engine: The ports.
        binding: The source.
        run: The run that does it; a full one compares every document.
        documents: The claims of the last good revision.
    """
    tenant, cause = engine.tenants[binding.tenant], f"run/{run.id}"
    async with engine.store.read() as uow:
        chatbots = {chatbot.id: chatbot for chatbot in await uow.chatbots.of_source(binding.name)}
        record = await uow.tenants.get(tenant.name) or TenantRecord(name=tenant.name)
        now = await uow.now()
    target = tenant.target.spending(Spender(Purpose.COMPARE, binding.name))
    wanted = [document for document in documents if _is_wanted(document, chatbots.get(document.chatbot_id), run)]
    done = LiveComparison(skipped=len(documents) - len(wanted))
    listed, named = None, None
    if run.full or record.state is not TenantState.READY or _has_fault(wanted, chatbots):
        listed, named = await _list_chatbots(engine, tenant, target, cause, done, chatbots)
    unusable = listed if listed is not None and listed.state not in {None, TenantState.READY} else None
    stranger = AnotherAccount(str(unusable.cause)) if unusable is not None and named is not None else None
    known = [chatbots[document.chatbot_id] for document in wanted] if stranger is None else []
    done.swept = await scan_for_drift(
        engine,
        tenant,
        wanted,
        chatbots,
        target=target,
        missing=_missing(known, named, run, now),
        cause=cause,
        is_doubtful=unusable is not None,
        not_found=_not_found(engine, tenant.name, listed, stranger),
    )
    record = await _record_tenant_signals(
        engine, tenant, listed, done.swept, {document.chatbot_id for document in wanted}
    )
    _conclude(done, run, len(wanted), record, unusable)
    return done


def _not_found(
    engine: Engine, tenant: str, listed: TenantSignal | None, stranger: AnotherAccount | None
) -> NotFoundMeaning:
    """What it means that a chatbot is not found: no plan falls, and no document is blamed, for a wrong key."""

    async def meaning(error: TargetError) -> TargetError:
        return stranger or (error if listed is not None else await explained(engine, tenant, error))

    return meaning


def _is_wanted(document: Claim, chatbot: Chatbot | None, run: Run) -> bool:
    if document.body is None or chatbot is None:
        return False
    return run.full or chatbot.checked_digest != document.digest


def _has_fault(wanted: Sequence[Claim], chatbots: Mapping[str, Chatbot]) -> bool:
    """Whether the list is needed to tell a chatbot's failure from its tenant's."""
    return any(chatbots[document.chatbot_id].fault is not None for document in wanted)


def _missing(
    wanted: Sequence[Chatbot], named: Collection[str] | None, run: Run, now: datetime
) -> dict[str, TargetError]:
    """Of the chatbots that the list does not name, those that are not asked for now.

    A chatbot that was compared before is asked for all the same: the list may be narrower than the key. Of the others,
    the few that were not asked for longest are, at a person's wish at once.
    """
    absent = [chatbot for chatbot in wanted if _is_absent(chatbot, named)]
    due = [
        chatbot
        for chatbot in absent
        if (run.trigger is Trigger.MANUAL and chatbot.missing_since is not None)
        or is_due(chatbot.missing_since, chatbot.missing_asked_at, now)
    ]
    due.sort(key=lambda chatbot: chatbot.missing_asked_at or chatbot.missing_since or now)
    asked = {chatbot.id for chatbot in due[:MAX_MISSING_ASKED]}
    return {chatbot.id: _not_listed(chatbot) for chatbot in absent if chatbot.id not in asked}


def _is_absent(chatbot: Chatbot, named: Collection[str] | None) -> bool:
    """Whether nothing but its document speaks for a chatbot; without a list, what was found missing still is."""
    if named is None:
        return chatbot.fault is Reason.CHATBOT_MISSING
    return chatbot.id not in named and chatbot.fault in {Reason.CHATBOT_MISSING, Reason.NOT_CHECKED}


def _not_listed(chatbot: Chatbot) -> ChatbotNotFound:
    """What is known of it already, by an answer of its own, or by the list alone."""
    if chatbot.fault is Reason.CHATBOT_MISSING and chatbot.fault_message:
        return ChatbotNotFound(chatbot.fault_message)
    return ChatbotNotFound(
        f"the chatbot {chatbot.id} is not in WizChat's list: correct metadata.chatbotId, or add the chatbot to the key "
        f"of tenant {chatbot.tenant}"
    )


async def _list_chatbots(
    engine: Engine,
    tenant: TenantBinding,
    target: Target,
    cause: str,
    done: LiveComparison,
    chatbots: Collection[str],
) -> tuple[TenantSignal, frozenset[str] | None]:
    try:
        named = await refresh_inventory(engine, tenant, target, cause)
    except TargetError as error:
        done.list_failure = error
        done.messages.append(f"the list of chatbots could not be read: {error}")
        return signal_from_list(error), None
    if not named.isdisjoint(chatbots):
        return ANSWERED, named
    return await sign_of_listed(engine, tenant.name, named), named


async def _record_tenant_signals(
    engine: Engine, tenant: TenantBinding, listed: TenantSignal | None, swept: ScanResult, asked: Collection[str]
) -> TenantRecord:
    strangers = (signal_from_dry_run(error) for error in swept.errors if isinstance(error, AnotherAccount))
    # the list was read for it, which tells of the chatbots that were not asked for as well
    listed = listed or next(strangers, None)
    signs = [*(signal_from_dry_run(error) for error in swept.errors), *([ANSWERED] if swept.compared else [])]
    return await record_run_signals(engine, tenant.name, listed, signs, asked)


def _conclude(done: LiveComparison, run: Run, wanted: int, tenant: TenantRecord, unusable: TenantSignal | None) -> None:
    """Say what could not be compared; where that is everything, the run is none."""
    swept = done.swept
    if swept.failures:
        done.messages.append(_shortfall(swept, wanted))
    if swept.compared or any(isinstance(error, RequestRefused) for error in swept.errors):
        return
    # where the rest was compared before, a few that fail by themselves are no reason to doubt the run
    put_off = any(isinstance(error, TargetRateLimited) for error in swept.errors)
    concerns_all = run.full or not done.skipped or put_off or tenant.state is not TenantState.READY
    # a chatbot that is not there is its document's matter, unlike one that the key may not use
    of_wizchat = [error for error in swept.errors if type(error) is not ChatbotNotFound]
    is_told = done.list_failure is not None or any(isinstance(error, AnotherAccount) for error in swept.errors)
    if unusable is not None and not is_told:
        done.messages.append(str(unusable.cause))
    done.failed = bool(of_wizchat and concerns_all) or (
        run.full and (unusable is not None or done.list_failure is not None)
    )


def _shortfall(swept: ScanResult, wanted: int) -> str:
    counts = Counter(fault_of(error) for error in swept.errors)
    most, _ = counts.most_common(1)[0]
    first = next(error for error in swept.errors if fault_of(error) is most)
    reasons = ", ".join(f"{count} {reason}" for reason, count in counts.most_common())
    return f"{len(swept.failures)} of {wanted} chatbots could not be compared ({reasons}): {first}"
