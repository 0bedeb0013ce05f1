"""Compares a source with the live side: inventory, drift scan, and what both say of the tenant."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from reconciler.domain.comparisons import Comparison, Scope
from reconciler.domain.entities import Chatbot, Run, Trigger
from reconciler.domain.missing_chatbots import is_due
from reconciler.domain.rotation import age_limit, rotation_share
from reconciler.domain.status import Reason
from reconciler.domain.tenant import TenantRecord, TenantSignal, TenantState
from reconciler.engine.context import Engine, SourceBinding, TenantBinding
from reconciler.engine.outage import Outage
from reconciler.engine.reconcile.diff import fault_of
from reconciler.engine.reconcile.drift_scan import NotFoundMeaning, Scan, ScanResult
from reconciler.engine.reconcile.inventory import ChatbotList, refresh_inventory
from reconciler.engine.reconcile.shortcut import judge, suspicions
from reconciler.engine.tenant_state import (
    ANSWERED,
    explained,
    record_run_signals,
    signal_from_dry_run,
    signal_from_list,
    signal_from_listed_ids,
)
from reconciler.errors import AnotherAccount, ChatbotNotFound, RequestRefused, TargetError, TargetRateLimited
from reconciler.ports import Purpose, Spender, Target

MAX_MISSING_ASKED = 4
"""So many chatbots that the list does not name are asked for in a run: a commit may name any number of them."""

_PURPOSES: Final = {
    Scope.PENDING: Purpose.CHANGE,
    Scope.MOVED: Purpose.DRIFT,
    Scope.ALL: Purpose.FULL_SWEEP,
}

PAGE_SIZE: Final = 100
"""Documents that are read at once: the next page is there before the workers are through with the one before."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What WizChat's list of chatbots told; nothing, where it was not asked for.

    Attributes:
        signal: What it says of the tenant.
        listed: The list; None where it was not read.
        failure: Why it could not be read.
    """

    signal: TenantSignal | None = None
    listed: ChatbotList | None = None
    failure: TargetError | None = None

    @property
    def ids(self) -> frozenset[str] | None:
        """The chatbots that the list names; None where it was not read."""
        return self.listed.ids if self.listed is not None else None

    @property
    def doubt(self) -> str | None:
        """Why the tenant's WizChat cannot be used, as far as the list tells."""
        if self.signal is None or self.signal.state in {None, TenantState.READY}:
            return None
        return str(self.signal.cause)

    @property
    def stranger(self) -> AnotherAccount | None:
        """The error of every chatbot, where the list is that of another account."""
        return AnotherAccount(self.doubt) if self.doubt is not None and self.ids is not None else None


@dataclass(frozen=True, slots=True)
class LiveComparison:
    """What a run learned of the live side.

    Attributes:
        scan: What its dry runs gave.
        skipped: How many documents needed none.
        is_current: Whether anything was compared, or nothing had to be.
        list_failure: Why the list of chatbots could not be read, or None.
        messages: What the run has to say about it.
        failed: Whether nothing could be compared that was to be, for a reason that is not in the documents.
    """

    scan: ScanResult = field(default_factory=ScanResult)
    skipped: int = 0
    is_current: bool = False
    list_failure: TargetError | None = None
    messages: tuple[str, ...] = ()
    failed: bool = False


async def compare_live_side(engine: Engine, binding: SourceBinding, run: Run, documents: int) -> LiveComparison:
    """Compare the documents of a source with the live side, and write down what that shows.

    What is to be compared is read from the database page by page: of the documents of the last good revision whose
    chatbots follow the source, those that the run has to compare.

    Args:
        engine: The ports.
        binding: The source.
        run: The run that does it; a full one compares every document, one for drift those that may have changed.
        documents: How many the source states.
    """
    tenant, cause = engine.tenants[binding.tenant], f"run/{run.id}"
    async with engine.store.read() as uow:
        before = await uow.tenants.get(tenant.name) or TenantRecord(name=tenant.name)
        needs_list = (
            run.looks_at_live
            or before.state is not TenantState.READY
            # to tell a chatbot's failure from its tenant's
            or await uow.comparisons.has_faults(binding.name)
        )
    listing = _spending(tenant, binding, Scope.MOVED if run.looks_at_live else Scope.PENDING)
    inventory = await _read_inventory(engine, tenant, listing, cause) if needs_list else Inventory()
    suspected = await _suspected(engine, binding, before, inventory)
    scope = _scope(binding, run, before, inventory, suspected)
    target = _spending(tenant, binding, scope)
    scan = Scan(
        engine,
        tenant,
        target,
        cause,
        missing=await _missing(engine, binding, inventory.ids, run) if inventory.stranger is None else {},
        not_found=_not_found(engine, tenant.name, inventory),
        outage=Outage(target.chatbots, list_failed=inventory.doubt is not None),
        policy=engine.policy_digest,
        listed=inventory.listed,
        notes_unexplained=before.shortcut_off_since is None and not suspected,
    )
    await scan.run(_pages(engine, binding.name, scope), is_doubtful=inventory.doubt is not None)
    if scope is Scope.MOVED and inventory.listed is not None:
        asked_at = inventory.listed.asked_at
        rotating = replace(scan, target=_spending(tenant, binding, Scope.ALL))
        await rotating.run(_rotation(engine, binding, before=asked_at))
    verdict = await _verdict(engine, binding, suspected, scan.counts)
    record = await _record_tenant_signals(engine, tenant, inventory.signal, scan.counts)
    skipped = max(0, documents - scan.counts.observed)
    failed = _has_failed(inventory, scan.counts, record, run, skipped)
    return LiveComparison(
        scan=scan.counts,
        skipped=skipped,
        is_current=scan.counts.compared > 0 or (inventory.ids is not None and inventory.doubt is None and not failed),
        list_failure=inventory.failure,
        messages=(*_messages(inventory, scan.counts), *([verdict] if verdict else [])),
        failed=failed,
    )


def _spending(tenant: TenantBinding, binding: SourceBinding, scope: Scope) -> Target:
    """The tenant's side of WizChat, with its calls counted as made for what is compared."""
    return tenant.target.spending(Spender(_PURPOSES[scope], binding.name))


def _scope(binding: SourceBinding, run: Run, tenant: TenantRecord, inventory: Inventory, suspected: int) -> Scope:
    """What a run compares: everything also where WizChat's list cannot tell what changed there."""
    if run.full:
        return Scope.ALL
    # while WizChat puts calls off, what is due waits as well
    if not run.drift or isinstance(inventory.failure, TargetRateLimited):
        return Scope.PENDING
    is_blind = inventory.ids is None or tenant.shortcut_off_since is not None or suspected > 0
    return Scope.ALL if is_blind or not _age_limit(binding) else Scope.MOVED


def _age_limit(binding: SourceBinding) -> timedelta:
    return age_limit(binding.full_sweep_interval, binding.drift_interval)


async def _suspected(engine: Engine, binding: SourceBinding, tenant: TenantRecord, inventory: Inventory) -> int:
    """How many chatbots changed without their `updatedAt`, by an earlier dry run and the list that was just read."""
    if inventory.listed is None or inventory.doubt is not None or tenant.shortcut_off_since is not None:
        return 0
    return await suspicions(engine, binding.name, inventory.listed.asked_at)


async def _verdict(engine: Engine, binding: SourceBinding, suspected: int, counts: ScanResult) -> str | None:
    """What changes without `updatedAt` mean, once everything else was compared as well."""
    if not suspected or not counts.compared:
        return None
    unexplained = suspected + counts.unexplained
    return await judge(engine, binding.tenant, binding.name, unexplained, max(unexplained, counts.unmoved))


async def _pages(engine: Engine, source: str, scope: Scope) -> AsyncIterator[Sequence[Comparison]]:
    """What is compared, in the order of the chatbots' ids."""
    after: str | None = ""
    while after is not None:
        async with engine.store.read() as uow:
            page = await uow.comparisons.page(source, scope, after=after, limit=PAGE_SIZE)
        yield page.comparisons
        after = page.last


async def _rotation(engine: Engine, binding: SourceBinding, *, before: datetime) -> AsyncIterator[Sequence[Comparison]]:
    """Those whose turn it is, though nothing says that they changed: the ones that were compared longest ago.

    Whatever was compared since the pass began, at the moment `before`, has had its turn.
    """
    limit = _age_limit(binding)
    async with engine.store.read() as uow:
        now = await uow.now()
        record = await uow.sources.get(binding.name)
        since = (record.drift_checked_at if record else None) or now - binding.drift_interval
        chatbots, overdue = await uow.comparisons.due(binding.name, now - limit, now)
        share = rotation_share(chatbots, overdue, since, now, limit=limit, drift_interval=binding.drift_interval)
        ids = await uow.comparisons.oldest(binding.name, before, now, share)
    for begin in range(0, len(ids), PAGE_SIZE):
        async with engine.store.read() as uow:
            page = await uow.comparisons.some(binding.name, ids[begin : begin + PAGE_SIZE])
        yield page


def _not_found(engine: Engine, tenant: str, inventory: Inventory) -> NotFoundMeaning:
    """What it means that a chatbot is not found: no plan falls, and no document is blamed, for a wrong key."""

    async def meaning(error: TargetError) -> TargetError:
        if inventory.stranger is not None:
            return inventory.stranger
        return error if inventory.signal is not None else await explained(engine, tenant, error)

    return meaning


async def _missing(
    engine: Engine, binding: SourceBinding, named: Collection[str] | None, run: Run
) -> dict[str, TargetError]:
    """Of the chatbots that the list does not name, those that are not asked for now.

    A chatbot that was compared before is asked for all the same: the list may be narrower than the key. Of the others,
    the few that were not asked for longest are, at a person's wish at once.
    """
    async with engine.store.read() as uow:
        now = await uow.now()
        unheard = await uow.comparisons.with_faults(binding.name, [Reason.CHATBOT_MISSING, Reason.NOT_CHECKED])
        unnamed = [chatbot_id for chatbot_id in unheard if named is None or chatbot_id not in named]
        found = (await uow.chatbots.some(binding.tenant, unnamed)).values() if unnamed else ()
    absent = [chatbot for chatbot in found if _is_absent(chatbot, named)]
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


async def _read_inventory(engine: Engine, tenant: TenantBinding, target: Target, cause: str) -> Inventory:
    try:
        listed = await refresh_inventory(engine, tenant, target, cause)
    except TargetError as error:
        return Inventory(signal_from_list(error), failure=error)
    return Inventory(await signal_from_listed_ids(engine, tenant.name, listed.ids), listed)


async def _record_tenant_signals(
    engine: Engine, tenant: TenantBinding, listed: TenantSignal | None, scan: ScanResult
) -> TenantRecord:
    strangers = (signal_from_dry_run(error) for error in scan.errors if isinstance(error, AnotherAccount))
    # the list was read for it, which tells of the chatbots that were not asked for as well
    listed = listed or next(strangers, None)
    signals = [*(signal_from_dry_run(error) for error in scan.errors), *([ANSWERED] if scan.compared else [])]
    return await record_run_signals(engine, tenant.name, listed, signals)


def _messages(inventory: Inventory, scan: ScanResult) -> Iterator[str]:
    """What could not be read, and what not be compared."""
    if inventory.failure is not None:
        yield f"the list of chatbots could not be read: {inventory.failure}"
    if scan.failures:
        yield _shortfall(scan)
    is_explained = inventory.failure is not None or any(isinstance(error, AnotherAccount) for error in scan.errors)
    if inventory.doubt is not None and _is_without_result(scan) and not is_explained:
        yield inventory.doubt


def _has_failed(inventory: Inventory, scan: ScanResult, tenant: TenantRecord, run: Run, skipped: int) -> bool:
    """Whether nothing of what was to be compared could be, so that the run is none."""
    if not _is_without_result(scan):
        return False
    # where the rest was compared before, a few that fail by themselves are no reason to doubt the run
    put_off = any(isinstance(error, TargetRateLimited) for error in scan.errors)
    concerns_all = run.full or not skipped or put_off or tenant.state is not TenantState.READY
    # a chatbot that is not there is its document's matter, unlike one that the key may not use
    of_wizchat = any(type(error) is not ChatbotNotFound for error in scan.errors)
    return (of_wizchat and concerns_all) or (
        run.looks_at_live and (inventory.doubt is not None or inventory.failure is not None)
    )


def _is_without_result(scan: ScanResult) -> bool:
    """Whether no document was compared, and none refused by the API, which is an answer as well."""
    return not scan.compared and not any(isinstance(error, RequestRefused) for error in scan.errors)


def _shortfall(scan: ScanResult) -> str:
    counts = Counter(fault_of(error) for error in scan.errors)
    most, _ = counts.most_common(1)[0]
    first = next(error for error in scan.errors if fault_of(error) is most)
    reasons = ", ".join(f"{count} {reason}" for reason, count in counts.most_common())
    return f"{len(scan.failures)} of {scan.observed} chatbots could not be compared ({reasons}): {first}"
